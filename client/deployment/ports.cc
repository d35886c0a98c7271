#include "client/deployment/ports.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/status/reason.h"

namespace comity {
namespace {

// The kernel's default ephemeral range begins at 32768.
constexpr int kLowestPort = 20'000;
constexpr int kHighestPort = 32'000;

constexpr std::string_view kLoopback = "127.0.0.1:";

sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // As the servers do: a port in TIME_WAIT is free to listen on.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const sockaddr_in address = LoopbackAddress(port);
  const bool free = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return free;
}

}  // namespace

absl::StatusOr<std::vector<int>> FreeLoopbackPorts(int count) {
  // A random start keeps deployments that are made at the same moment apart.
  std::random_device random;
  const int range = kHighestPort - kLowestPort;
  const int start = static_cast<int>(random() % static_cast<unsigned>(range));
  std::vector<int> ports;
  for (int i = 0; i < range && static_cast<int>(ports.size()) < count; ++i) {
    const int port = kLowestPort + (start + i) % range;
    if (IsFree(port)) ports.push_back(port);
  }
  if (static_cast<int>(ports.size()) < count) {
    return Refuse(Reason::kStateNotReady, "not enough free ports on 127.0.0.1");
  }
  return ports;
}

bool IsListening(const std::string& address) {
  int port = 0;
  const char* const end = address.data() + address.size();
  if (!address.starts_with(kLoopback) ||
      std::from_chars(address.data() + kLoopback.size(), end, port).ptr != end) {
    return false;
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const sockaddr_in there = LoopbackAddress(port);
  const bool listening = connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof(there)) == 0;
  close(fd);
  return listening;
}

}  // namespace comity
