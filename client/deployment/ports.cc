#include "client/deployment/ports.h"

#include <algorithm>
#include <random>

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

bool IsFree(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // As the servers do: a port in TIME_WAIT is free to listen on.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
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

}  // namespace comity
