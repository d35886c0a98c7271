#include "services/common/server/doorman.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// For stores, logs, peers and what else a service opens.
constexpr size_t kOtherFiles = 512;
constexpr int kBacklog = 1'024;
constexpr uint64_t kWakeId = 999;
// When there is no file to accept a connection with, it waits in the kernel for so long.
constexpr int kPauseMs = 50;

absl::Status Failed(const std::string& what) {
  return Refuse(Reason::kPeerUnavailable, what + ": " + std::strerror(errno));
}

bool Watch(int epoll, int fd, uint32_t events, uint64_t id) {
  epoll_event event = {};
  event.events = events;
  event.data.u64 = id;
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// As gRPC writes it, so that both mean the same connection.
std::string PeerOf(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return std::string("ipv4:") + text.data() + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  return std::string("ipv6:%5B") + text.data() + "%5D:" + std::to_string(ntohs(v6.sin6_port));
}

int PortOf(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

void Switch(int fd, int level, int option) {
  const int on = 1;
  setsockopt(fd, level, option, &on, sizeof(on));
}

// A socket that listens there; -1 when it cannot.
int OpenListener(const addrinfo& info, int port) {
  const int fd = socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  Switch(fd, SOL_SOCKET, SO_REUSEADDR);
  sockaddr_storage address = {};
  std::memcpy(&address, info.ai_addr, info.ai_addrlen);
  if (info.ai_family == AF_INET6) {
    Switch(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (port != 0)
      reinterpret_cast<sockaddr_in6&>(address).sin6_port = htons(static_cast<uint16_t>(port));
  } else if (port != 0) {
    reinterpret_cast<sockaddr_in&>(address).sin_port = htons(static_cast<uint16_t>(port));
  }
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), info.ai_addrlen) != 0 ||
      listen(fd, kBacklog) != 0) {
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
  }
  return fd;
}

}  // namespace

Doorman::Limits Doorman::LimitsOfProcess() {
  Limits limits;
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY) {
    const size_t spare = files.rlim_cur > 2 * kOtherFiles ? files.rlim_cur - kOtherFiles
                                                          : static_cast<size_t>(files.rlim_cur) / 2;
    limits.connections = std::clamp<size_t>(spare / 2, 16, limits.connections);
    limits.strangers = std::min(limits.strangers, limits.connections / 2);
  }
  return limits;
}

Doorman::Doorman(const Limits& limits, int epoll, int wake)
    : limits_(limits), epoll_(epoll), wake_(wake) {}

absl::StatusOr<std::unique_ptr<Doorman>> Doorman::Listen(const std::string& address,
                                                         const Limits& limits) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return Refuse(Reason::kPeerUnavailable, "no port in " + address);
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  std::unique_ptr<Doorman> doorman(new Doorman(limits, epoll, wake));
  if (epoll < 0 || wake < 0 || !Watch(epoll, wake, EPOLLIN, kWakeId)) return Failed("epoll");
  RETURN_IF_ERROR(doorman->ListenOn(host, address.substr(colon + 1)));
  return doorman;
}

absl::Status Doorman::ListenOn(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Refuse(Reason::kPeerUnavailable, host + ": " + gai_strerror(error));
  }
  absl::Status refused = absl::OkStatus();
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    const int fd = OpenListener(*info, port_);
    if (fd < 0) {
      // A machine without IPv6 still has a name for it.
      if (errno == EADDRINUSE || refused.ok()) refused = Failed("cannot listen on " + host);
      if (errno == EADDRINUSE) break;
      continue;
    }
    if (port_ == 0) port_ = PortOf(fd);
    listeners_.push_back(fd);
  }
  const bool taken = !refused.ok() && errno == EADDRINUSE;
  freeaddrinfo(found);
  if (taken || listeners_.empty()) {
    return refused.ok() ? Refuse(Reason::kPeerUnavailable, host + " has no address") : refused;
  }
  return absl::OkStatus();
}

Doorman::~Doorman() {
  Close();
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& [id, guest] : by_id_) close(guest->fd);
  }
  if (wake_ >= 0) close(wake_);
  if (epoll_ >= 0) close(epoll_);
}

void Doorman::Open(Admit admit) {
  admit_ = std::move(admit);
  for (size_t i = 0; i < listeners_.size(); ++i) {
    Watch(epoll_, listeners_[i], EPOLLIN, i);
  }
  thread_ = std::thread([this] { Run(); });
}

void Doorman::Close() {
  closing_ = true;
  if (thread_.joinable()) {
    eventfd_write(wake_, 1);
    thread_.join();
  }
  for (const int listener : std::exchange(listeners_, {})) close(listener);
}

void Doorman::Run() {
  std::array<epoll_event, 64> events{};
  while (!closing_) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count && !closing_; ++i) {
      const uint64_t id = events[static_cast<size_t>(i)].data.u64;
      if (id < listeners_.size()) {
        AcceptAll(listeners_[id]);
      } else if (id != kWakeId) {
        Forget(id);
      }
    }
  }
}

void Doorman::AcceptAll(int listener) {
  // One round at most as long as the backlog, so that those who leave are seen in between.
  for (int i = 0; i < kBacklog && !closing_; ++i) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Welcome(fd);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) {
      // No file or no memory: somebody else in the process has them. The connection waits.
      {
        absl::MutexLock lock(&mutex_);
        if (!strangers_.empty()) SendAway(strangers_);
      }
      pollfd wait{.fd = wake_, .events = POLLIN, .revents = 0};
      poll(&wait, 1, kPauseMs);
    }
    return;
  }
}

void Doorman::Welcome(int fd) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0 || getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    if (copy >= 0) close(copy);
    close(fd);
    return;
  }
  Switch(fd, IPPROTO_TCP, TCP_NODELAY);
  uint64_t id = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (strangers_.size() >= limits_.strangers) SendAway(strangers_);
    if (strangers_.size() + known_.size() >= limits_.connections) {
      SendAway(strangers_.empty() ? known_ : strangers_);
    }
    id = next_id_++;
    const std::string peer = PeerOf(address);
    // Its number is in use again, so the one who had it before is gone.
    if (const auto old = by_peer_.find(peer); old != by_peer_.end()) {
      const Guests::iterator gone = old->second;
      Erase(gone->known ? known_ : strangers_, gone);
    }
    strangers_.push_back({copy, id, peer, false});
    const auto guest = std::prev(strangers_.end());
    by_peer_[peer] = guest;
    by_id_[id] = guest;
  }
  admit_(fd);
  // After gRPC has it: a peer that has hung up already is seen at once.
  Watch(epoll_, copy, EPOLLRDHUP, id);
}

void Doorman::Forget(uint64_t id) {
  absl::MutexLock lock(&mutex_);
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  const Guests::iterator guest = found->second;
  Erase(guest->known ? known_ : strangers_, guest);
}

void Doorman::SendAway(Guests& guests) {
  if (guests.empty()) return;
  // gRPC reads the end of the stream and gives up its side.
  shutdown(guests.front().fd, SHUT_RDWR);
  ++sent_away_;
  Erase(guests, guests.begin());
}

void Doorman::Erase(Guests& guests, Guests::iterator guest) {
  // Closing alone would not end the watch: gRPC's own descriptor keeps the connection open, and one
  // that has ended would be reported again and again until gRPC closes it.
  epoll_ctl(epoll_, EPOLL_CTL_DEL, guest->fd, nullptr);
  close(guest->fd);
  by_peer_.erase(guest->peer);
  by_id_.erase(guest->id);
  guests.erase(guest);
}

void Doorman::Recognise(const std::string& peer) {
  absl::MutexLock lock(&mutex_);
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return;
  const Guests::iterator guest = found->second;
  Guests& from = guest->known ? known_ : strangers_;
  guest->known = true;
  known_.splice(known_.end(), from, guest);
}

Doorman::Counts Doorman::counts() const {
  absl::MutexLock lock(&mutex_);
  return {strangers_.size(), known_.size(), sent_away_};
}

}  // namespace comity
