#include "client/deployment/ports.h"

#include <set>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

TEST(PortsTest, TheyDifferAndLieBelowTheEphemeralRange) {
  ASSERT_OK_AND_ASSIGN(const std::vector<int> ports, FreeLoopbackPorts(24));
  EXPECT_EQ(std::set<int>(ports.begin(), ports.end()).size(), 24u);
  for (const int port : ports) {
    EXPECT_GE(port, 20'000);
    EXPECT_LT(port, 32'000);
  }
}

TEST(PortsTest, EachCanBeListenedOn) {
  ASSERT_OK_AND_ASSIGN(const std::vector<int> ports, FreeLoopbackPorts(3));
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

TEST(PortsTest, OnlyAListenerIsSeenListening) {
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

TEST(PortsTest, MoreThanThereAreIsRefused) {
  EXPECT_THAT(FreeLoopbackPorts(12'001), RefusedWith(Reason::kStateNotReady));
}

}  // namespace
}  // namespace comity
