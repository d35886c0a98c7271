#include "client/deployment/ports.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// With a folder for temporary files of its own, so that no other deployment has a say.
class PortsTest : public ::testing::Test {
 protected:
  PortsTest() { setenv("TMPDIR", temporary_.path().c_str(), 1); }
  ~PortsTest() override { unsetenv("TMPDIR"); }

  std::string Book() const {
    return temporary_.path() + "/.comity-" + std::to_string(geteuid()) + "/ports";
  }

  // 500 at a time, until no 500 are left of the 12,000 that there are.
  static std::set<int> TakeMost(const std::string& owner) {
    std::set<int> all;
    for (absl::StatusOr<std::vector<int>> some = TakeLoopbackPorts(500, owner); some.ok();
         some = TakeLoopbackPorts(500, owner)) {
      for (const int port : *some) EXPECT_TRUE(all.insert(port).second) << port;
    }
    return all;
  }

  const TempDir temporary_;
  const TempDir owner_;
};

TEST_F(PortsTest, TheyDifferAndLieBelowTheEphemeralRange) {
  ASSERT_OK_AND_ASSIGN(const std::vector<int> ports, TakeLoopbackPorts(24, owner_.path()));
  EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 24u);
  for (const int port : ports) {
    EXPECT_GE(port, 20'000);
    EXPECT_LT(port, 32'000);
  }
}

TEST_F(PortsTest, EachCanBeListenedOn) {
  ASSERT_OK_AND_ASSIGN(const std::vector<int> ports, TakeLoopbackPorts(3, owner_.path()));
  for (const int port : ports) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_GE(fd, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<uint16_t>(port));
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0) << port;
    EXPECT_EQ(listen(fd, 1), 0) << port;
    close(fd);
  }
}

TEST_F(PortsTest, OnlyAListenerIsSeenListening) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_GE(fd, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  EXPECT_FALSE(IsListening(text));
  ASSERT_EQ(listen(fd, 1), 0);
  EXPECT_TRUE(IsListening(text));
  EXPECT_FALSE(IsListening(text + "x"));
  EXPECT_FALSE(IsListening("localhost:" + std::to_string(ntohs(address.sin_port))));
  close(fd);
}

TEST_F(PortsTest, MoreThanThereAreIsRefused) {
  EXPECT_THAT(TakeLoopbackPorts(12'001, owner_.path()), RefusedWith(Reason::kStateNotReady));
}

TEST_F(PortsTest, NobodyElseGetsThemWhileTheirFolderIsThere) {
  auto other = std::make_unique<TempDir>();
  ASSERT_OK_AND_ASSIGN(const std::vector<int> theirs, TakeLoopbackPorts(18, other->path()));
  const std::set<int> all = TakeMost(owner_.path());
  EXPECT_GT(all.size(), 10'000u);
  for (const int port : theirs) EXPECT_FALSE(all.contains(port)) << port;

  // They are to be had again when the folder is gone.
  ASSERT_OK_AND_ASSIGN(const std::string before, ReadFile(Book()));
  EXPECT_THAT(before, HasSubstr(" " + other->path() + "\n"));
  const std::string path = other->path();
  other.reset();
  ASSERT_OK_AND_ASSIGN(const std::vector<int> one, TakeLoopbackPorts(1, owner_.path()));
  ASSERT_OK_AND_ASSIGN(const std::string after, ReadFile(Book()));
  EXPECT_THAT(after, Not(HasSubstr(" " + path + "\n")));
}

TEST_F(PortsTest, ThoseWhoAskAtTheSameTimeGetDifferentOnes) {
  constexpr int kProcesses = 8;
  constexpr size_t kEach = 20;
  std::vector<std::vector<int>> taken(kProcesses);
  std::vector<std::thread> processes;
  processes.reserve(kProcesses);
  for (std::vector<int>& ports : taken) {
    processes.emplace_back([this, &ports] {
      for (size_t i = 0; i < kEach; ++i) {
        const absl::StatusOr<std::vector<int>> one = TakeLoopbackPorts(1, owner_.path());
        if (one.ok()) ports.push_back(one->front());
      }
    });
  }
  for (std::thread& process : processes) process.join();
  std::set<int> all;
  for (const std::vector<int>& ports : taken) all.insert(ports.begin(), ports.end());
  EXPECT_EQ(all.size(), kProcesses * kEach);
}

TEST_F(PortsTest, ABookThatIsNoneOrNotOursIsDoneWithout) {
  ASSERT_TRUE(TakeLoopbackPorts(1, owner_.path()).ok());
  std::ofstream(Book()) << "not a line of a book\n";
  EXPECT_TRUE(TakeLoopbackPorts(1, owner_.path()).ok());

  // A folder into which anybody writes says nothing about who has taken what.
  std::ofstream(Book()) << "20000 " << owner_.path() << "\n";
  ASSERT_EQ(chmod((temporary_.path() + "/.comity-" + std::to_string(geteuid())).c_str(), 0777), 0);
  EXPECT_TRUE(TakeLoopbackPorts(1, owner_.path()).ok());
  ASSERT_OK_AND_ASSIGN(const std::string untouched, ReadFile(Book()));
  EXPECT_EQ(untouched, "20000 " + owner_.path() + "\n");
}

}  // namespace
}  // namespace comity
