#include "services/common/server/notify.h"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

class NotifyTest : public testing::Test {
 protected:
  ~NotifyTest() override {
    unsetenv("NOTIFY_SOCKET");
    if (socket_ >= 0) {
      close(socket_);
    }
  }
  // `name`: a path, or "@name" in the abstract namespace.
  void Listen(const std::string& name) {
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(socket_, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    ASSERT_LT(name.size(), sizeof(address.sun_path));
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') {
      address.sun_path[0] = '\0';
    }
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string Receive() const {
    std::array<char, 64> buffer{};
    const ssize_t size = recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(buffer.data(), static_cast<size_t>(size));
  }

  const TempDir directory_;
  int socket_ = -1;
};

TEST_F(NotifyTest, ManagerIsToldThroughItsSocket) {
  Listen(directory_.path() + "/notify");
  EXPECT_THAT(NotifyServiceManager("READY=1"), IsOk());
  EXPECT_EQ(Receive(), "READY=1");
}

TEST_F(NotifyTest, ManagerIsToldThroughAnAbstractSocket) {
  Listen("@comity-notify-test-" + std::to_string(getpid()));
  EXPECT_THAT(NotifyServiceManager("STOPPING=1"), IsOk());
  EXPECT_EQ(Receive(), "STOPPING=1");
}

TEST_F(NotifyTest, NothingIsDoneWithoutAManager) {
  unsetenv("NOTIFY_SOCKET");
  EXPECT_THAT(NotifyServiceManager("READY=1"), IsOk());
}

TEST_F(NotifyTest, ManagerThatIsGoneIsAnError) {
  const std::string gone = directory_.path() + "/gone";
  setenv("NOTIFY_SOCKET", gone.c_str(), 1);
  EXPECT_THAT(NotifyServiceManager("READY=1"), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(NotifyTest, NameThatIsNoSocketsNameIsAnError) {
  setenv("NOTIFY_SOCKET", "relative/path", 1);
  EXPECT_THAT(NotifyServiceManager("READY=1"), RefusedWith(Reason::kStoreUnavailable));
  const std::string too_long = "/" + std::string(200, 'x');
  setenv("NOTIFY_SOCKET", too_long.c_str(), 1);
  EXPECT_THAT(NotifyServiceManager("READY=1"), RefusedWith(Reason::kStoreUnavailable));
}

}  // namespace
}  // namespace comity
