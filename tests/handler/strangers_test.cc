#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/server/doorman.h"
#include "services/common/server/status_codec.h"
#include "tests/handler/server_probe.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/sanitizers.h"
#include "tests/testing/test_server.h"

// Crowds of strangers at the door of a real server.
namespace comity {
namespace {

constexpr std::chrono::seconds kPatience{60};

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

// A connection that belongs to nobody.
class Stranger final {
 public:
  explicit Stranger(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  Stranger(Stranger&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_) {}
  Stranger& operator=(Stranger&&) = delete;
  ~Stranger() {
    if (fd_ >= 0) close(fd_);
  }
  bool connected() const { return connected_; }
  bool Say(std::string_view bytes) {
    return send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // The server has ended it, within the time that anything may take here.
  bool WaitForEnd() {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    char byte = 0;
    while (poll(&wait, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1) {
      if (recv(fd_, &byte, 1, MSG_DONTWAIT) <= 0) return true;
    }
    return false;
  }

 private:
  int fd_;
  bool connected_ = false;
};

// Waits for what other threads bring about; false when it never comes.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::yield();
  }
  return true;
}

size_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  size_t total = 0;
  size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// How many descriptors the doorman of this process watches; its own wake-up is number 999 there.
size_t DoormansWatches() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.find(" 3e7 ") == std::string::npos) continue;
    size_t watches = 0;
    for (size_t at = text.find("tfd:"); at != std::string::npos; at = text.find("tfd:", at + 1)) {
      ++watches;
    }
    return watches;
  }
  return 0;
}

class StrangersTest : public testing::Test {
 protected:
  void Start(const Doorman::Limits& limits) {
    server_ = TestServer::Start(
        Deployment(), {.region = "cn", .definition = ProbeDefinition(), .limits = limits});
    ASSERT_NE(server_, nullptr);
    client_ = server_->AsDevice(device_);
    ASSERT_TRUE(Works(client_));
  }
  static bool Works(const std::shared_ptr<grpc::Channel>& channel) {
    const auto stub = custody::v1::CustodyService::NewStub(channel);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    context.set_wait_for_ready(true);
    custody::v1::GetStatusResponse response;
    return stub->GetStatus(&context, {}, &response).ok();
  }
  Doorman::Counts Counts() const { return server_->server().doorman().counts(); }
  int Port() const { return server_->server().port(); }

  const TestDevice device_ = MakeTestDevice();
  std::unique_ptr<TestServer> server_;
  std::shared_ptr<grpc::Channel> client_;
};

TEST_F(StrangersTest, ConnectionIsKnownOnceACallOnItWasAdmitted) {
  Start({});
  EXPECT_EQ(Counts().known, 1u);
  EXPECT_EQ(Counts().strangers, 0u);
  Stranger stranger(Port());
  EXPECT_TRUE(Eventually([&] { return Counts().strangers == 1; }));
}

TEST_F(StrangersTest, ConnectionsThatEndAreForgotten) {
  Start({});
  {
    const Stranger first(Port());
    const Stranger second(Port());
    ASSERT_TRUE(Eventually([&] { return Counts().strangers == 2; }));
  }
  client_.reset();
  EXPECT_TRUE(Eventually([&] { return Counts().strangers + Counts().known == 0; }));
}

// Whoever took the connection over may keep it open for as long as he likes.
TEST(DoormanTest, ConnectionThatEndedIsWatchedNoMoreAlthoughItIsHeldOpen) {
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Doorman> doorman, Doorman::Listen("127.0.0.1:0", {}));
  std::atomic<int> held{-1};
  doorman->Open([&](int fd) { held = fd; });
  {
    const Stranger stranger(doorman->port());
    ASSERT_TRUE(Eventually([&] { return held != -1 && DoormansWatches() == 3; }));
  }
  ASSERT_TRUE(Eventually([&] { return doorman->counts().strangers == 0; }));
  EXPECT_EQ(DoormansWatches(), 2u) << "its listener and its own wake-up";
  close(held);
}

TEST_F(StrangersTest, StrangerWhoCameFirstGoesWhenThereAreTooMany) {
  Start({.strangers = 2, .connections = 100});
  Stranger first(Port());
  ASSERT_TRUE(Eventually([&] { return Counts().strangers == 1; }));
  const Stranger second(Port());
  const Stranger third(Port());
  EXPECT_TRUE(first.WaitForEnd());
  EXPECT_EQ(Counts().strangers, 2u);
  EXPECT_EQ(Counts().sent_away, 1u);
  EXPECT_TRUE(Works(client_));
}

TEST_F(StrangersTest, IdlestConnectionGoesWhenAllAreKnown) {
  Start({.strangers = 2, .connections = 3});
  std::vector<std::shared_ptr<grpc::Channel>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(server_->AsDevice(MakeTestDevice()));
    EXPECT_TRUE(Works(others.back()));
  }
  EXPECT_LE(Counts().strangers + Counts().known, 3u);
  EXPECT_GE(Counts().sent_away, 3u);
  EXPECT_TRUE(Works(client_)) << "it connects again";
}

TEST_F(StrangersTest, BytesThatAreNoHandshakeEndTheConnection) {
  Start({});
  for (const std::string_view nonsense :
       {std::string_view("GET / HTTP/1.1\r\n\r\n"), std::string_view("\x16\x03\x01\xff\xff\xff"),
        std::string_view("\0\0\0\0\0\0\0\0", 8)}) {
    Stranger stranger(Port());
    ASSERT_TRUE(stranger.Say(nonsense));
    EXPECT_TRUE(stranger.WaitForEnd());
  }
  EXPECT_TRUE(Works(client_));
}

TEST_F(StrangersTest, DrainingServerLetsNobodyInAndEndsWhatIsThere) {
  Start({});
  Stranger stranger(Port());
  ASSERT_TRUE(Eventually([&] { return Counts().strangers == 1; }));
  const int port = Port();
  server_->server().Drain(std::chrono::milliseconds(0));
  EXPECT_TRUE(stranger.WaitForEnd());
  EXPECT_FALSE(Stranger(port).connected());
}

// Half of them say nothing, half of them begin a handshake that they do not go on with.
TEST_F(StrangersTest, TenThousandStrangersLeaveRoomForClients) {
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &files), 0);
  const Doorman::Limits limits = {.strangers = 256, .connections = 1'024};
  // Our ends are files of this process, too.
  const size_t crowd = std::min<size_t>(10'000, files.rlim_cur - 2 * limits.connections - 512);
  Start(limits);
  const size_t before = ResidentBytes();
  std::vector<Stranger> strangers;
  strangers.reserve(crowd);
  size_t most = 0;
  for (size_t i = 0; i < crowd; ++i) {
    strangers.emplace_back(Port());
    ASSERT_TRUE(strangers.back().connected()) << i;
    if (i % 2 == 0) strangers.back().Say("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    most = std::max(most, Counts().strangers + Counts().known);
    if (i % 1'000 == 999) {
      EXPECT_TRUE(Works(client_)) << "after " << i;
      EXPECT_TRUE(Works(server_->AsDevice(MakeTestDevice()))) << "a new client after " << i;
    }
  }
  EXPECT_LE(most, limits.connections);
  EXPECT_LE(Counts().strangers, limits.strangers);
  EXPECT_GE(Counts().sent_away + limits.strangers + 64, crowd);
  // About 60 KiB for each that is there, not for each that came.
  EXPECT_LT(ResidentBytes() - std::min(before, ResidentBytes()), kSanitizerMemory * (150u << 20));
  strangers.clear();
  EXPECT_TRUE(Eventually([&] { return Counts().strangers == 0; }));
  EXPECT_TRUE(Works(client_));
}

TEST_F(StrangersTest, HandshakesWithoutACertificateDoNotKeepClientsOut) {
  Start({.strangers = 128, .connections = 512});
  std::vector<std::shared_ptr<grpc::Channel>> strangers;
  for (int i = 0; i < 60; ++i) {
    strangers.push_back(server_->WithoutCertificate());
    strangers.back()->GetState(true);
  }
  EXPECT_TRUE(Works(client_));
  EXPECT_TRUE(Works(server_->AsDevice(MakeTestDevice())));
  EXPECT_LE(Counts().strangers, 128u);
}

TEST(DoormanTest, AddressThatIsTakenIsUnavailable) {
  const auto first = Doorman::Listen("127.0.0.1:0", {});
  ASSERT_THAT(first, IsOk());
  const std::string address = "127.0.0.1:" + std::to_string((*first)->port());
  EXPECT_THAT(Doorman::Listen(address, {}), RefusedWith(Reason::kPeerUnavailable));
}

TEST(DoormanTest, AddressWithoutAPortIsUnavailable) {
  for (const char* const address : {"127.0.0.1", "127.0.0.1:port", ""}) {
    EXPECT_THAT(Doorman::Listen(address, {}), RefusedWith(Reason::kPeerUnavailable)) << address;
  }
}

TEST(DoormanTest, LimitsLeaveFilesForTheRest) {
  rlimit files = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &files), 0);
  const Doorman::Limits limits = Doorman::LimitsOfProcess();
  EXPECT_LE(limits.connections * 2, files.rlim_cur);
  EXPECT_LT(limits.strangers, limits.connections);
}

}  // namespace
}  // namespace comity
