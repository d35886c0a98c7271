#include "services/common/faults/border_relay.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

// What must happen happens within this. What must not is looked for when the relay has turned.
constexpr int kPatienceMs = 60'000;

int ListenAnywhere(uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(listen(fd, 16), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return fd;
}

class Socket final {
 public:
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  static std::unique_ptr<Socket> To(const std::string& address) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    peer.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.find(':') + 1))));
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof(peer)), 0);
    return std::make_unique<Socket>(fd);
  }

  bool Readable(int timeout_ms = kPatienceMs) const {
    pollfd wait{fd_, POLLIN, 0};
    return poll(&wait, 1, timeout_ms) == 1;
  }
  void Say(const std::string& text) const {
    EXPECT_EQ(send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // "<end>" or "<reset>" when nothing more comes.
  std::string Hear() const {
    if (!Readable()) return "<nothing>";
    char buffer[256];
    const ssize_t size = recv(fd_, buffer, sizeof(buffer), 0);
    if (size < 0) return errno == ECONNRESET ? "<reset>" : std::strerror(errno);
    return size == 0 ? "<end>" : std::string(buffer, static_cast<size_t>(size));
  }
  void Finish() const { shutdown(fd_, SHUT_WR); }
  int fd() const { return fd_; }

 private:
  const int fd_;
};

// A storage of cn that only listens, and a relay of a process in us.
class BorderRelayTest : public ::testing::Test {
 protected:
  BorderRelayTest() {
    uint16_t port = 0;
    listener_ = ListenAnywhere(port);
    TestDeployment deployment;
    deployment.SetAddress("cn", ServiceKind::kStorage, "127.0.0.1:" + std::to_string(port));
    auto file = FaultFile::Open(path_);
    EXPECT_THAT(file, IsOk());
    auto relay = BorderRelay::Start(deployment.topology(), Us(), *std::move(file), in_effect_);
    EXPECT_THAT(relay, IsOk());
    relay_ = *std::move(relay);
  }
  ~BorderRelayTest() override { close(listener_); }

  static RegionId Us() { return *RegionId::Create("us"); }
  static RegionId Cn() { return *RegionId::Create("cn"); }

  std::unique_ptr<Socket> Call() const {
    return Socket::To(relay_->AddressOf(Cn(), ServiceKind::kStorage));
  }
  std::unique_ptr<Socket> Answer() const {
    pollfd wait{listener_, POLLIN, 0};
    EXPECT_EQ(poll(&wait, 1, kPatienceMs), 1);
    return std::make_unique<Socket>(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
  }
  bool Called() const {
    pollfd wait{listener_, POLLIN, 0};
    return poll(&wait, 1, 0) == 1;
  }

  void Have(BorderState state, uint64_t kills = 0) {
    state_ = {"cn", "us", state, kills};
    TurnOnce();
  }
  // Whatever was to be passed on before has been, or never will be.
  void Turn() {
    TurnOnce();
    TurnOnce();
  }
  void TurnOnce() {
    FaultPlan plan;
    plan.borders = {state_, {"aa", "bb", BorderState::kOpen, ++turns_}};
    ASSERT_THAT(FaultFile::Write(path_, plan), IsOk());
    // The relay tells when it has taken the plan.
    for (int i = 0; i < kPatienceMs / 10; ++i) {
      const absl::StatusOr<FaultPlan> taken = FaultFile::Read(in_effect_);
      if (taken.ok() && *taken == plan) return;
      poll(nullptr, 0, 10);
    }
    FAIL() << "the relay does not take the plan";
  }

  const TempDir dir_;
  const std::string path_ = dir_.path() + "/faults";
  const std::string in_effect_ = dir_.path() + "/faults-in-effect";
  int listener_ = -1;
  std::unique_ptr<BorderRelay> relay_;
  BorderFault state_{"cn", "us", BorderState::kOpen, 0};
  uint64_t turns_ = 0;
};

TEST_F(BorderRelayTest, TheOwnRegionIsReachedDirectly) {
  EXPECT_NE(relay_->AddressOf(Us(), ServiceKind::kStorage),
            relay_->AddressOf(Cn(), ServiceKind::kStorage));
  EXPECT_NE(relay_->AddressOf(Cn(), ServiceKind::kCustody),
            relay_->AddressOf(Cn(), ServiceKind::kStorage));
}

TEST_F(BorderRelayTest, AnOpenBorderPassesEverythingBothWays) {
  const auto caller = Call();
  const auto service = Answer();
  caller->Say("question");
  EXPECT_EQ(service->Hear(), "question");
  service->Say("answer");
  EXPECT_EQ(caller->Hear(), "answer");
  caller->Finish();
  EXPECT_EQ(service->Hear(), "<end>");
  service->Say("last word");
  EXPECT_EQ(caller->Hear(), "last word");
  service->Finish();
  EXPECT_EQ(caller->Hear(), "<end>");
}

TEST_F(BorderRelayTest, ACutBorderStallsAndLosesNothing) {
  const auto caller = Call();
  const auto service = Answer();
  caller->Say("before ");
  EXPECT_EQ(service->Hear(), "before ");
  Have(BorderState::kCut);
  caller->Say("during");
  const auto late = Call();  // the kernel takes it, and nobody answers
  late->Say("hello");
  Turn();
  EXPECT_FALSE(service->Readable(0));
  EXPECT_FALSE(Called());
  Have(BorderState::kOpen);
  EXPECT_EQ(service->Hear(), "during");
  EXPECT_EQ(Answer()->Hear(), "hello");
}

TEST_F(BorderRelayTest, ASealedBorderResetsWhatIsOpenAndWhatComes) {
  const auto caller = Call();
  const auto service = Answer();
  Have(BorderState::kSealed);
  EXPECT_EQ(caller->Hear(), "<reset>");
  EXPECT_EQ(service->Hear(), "<reset>");
  EXPECT_EQ(Call()->Hear(), "<reset>");
  EXPECT_FALSE(Called());
  Have(BorderState::kOpen);
  const auto again = Call();
  again->Say("again");
  EXPECT_EQ(Answer()->Hear(), "again");
}

TEST_F(BorderRelayTest, AKillResetsWhatIsOpenOnce) {
  const auto caller = Call();
  const auto service = Answer();
  Have(BorderState::kOpen, 1);
  EXPECT_EQ(caller->Hear(), "<reset>");
  EXPECT_EQ(service->Hear(), "<reset>");
  const auto next = Call();
  next->Say("next");
  EXPECT_EQ(Answer()->Hear(), "next");
}

TEST_F(BorderRelayTest, AServiceThatIsNotThereIsAReset) {
  close(listener_);
  EXPECT_EQ(Call()->Hear(), "<reset>");
  uint16_t port = 0;
  listener_ = ListenAnywhere(port);
}

}  // namespace
}  // namespace comity
