#include "services/common/faults/relay_connection.h"

#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

namespace comity {
namespace {

// One end that does not read holds the other one up, as a wire would.
constexpr size_t kMostBuffered = 1 << 20;
constexpr size_t kChunk = 1 << 16;

bool WouldBlock() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

RelayConnection::~RelayConnection() {
  const bool orderly = ends_[0].shut && ends_[1].shut;
  for (const End& end : ends_) {
    if (!orderly) {
      const linger reset{1, 0};
      setsockopt(end.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    }
    close(end.fd);
  }
}

std::array<pollfd, 2> RelayConnection::Interest(bool cut) const {
  std::array<pollfd, 2> interest;
  for (size_t i = 0; i < ends_.size(); ++i) {
    const End& end = ends_[i];
    const End& other = ends_[1 - i];
    short events = 0;
    if (!end.ended && other.out.size() < kMostBuffered) events |= POLLIN;
    if (!end.out.empty() || (other.ended && !end.shut)) events |= POLLOUT;
    // A descriptor that is not asked about would still tell of hang-ups, which a cut line hides.
    interest[i] = pollfd{cut || events == 0 ? -1 : end.fd, events, 0};
  }
  return interest;
}

bool RelayConnection::Read(End& from, End& to) {
  char buffer[kChunk];
  const ssize_t size = recv(from.fd, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (size < 0) return WouldBlock();
  if (size == 0) {
    from.ended = true;
  } else {
    to.out.append(buffer, static_cast<size_t>(size));
  }
  return true;
}

bool RelayConnection::Write(End& end) {
  const ssize_t size = send(end.fd, end.out.data(), end.out.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size < 0) return WouldBlock();
  end.out.erase(0, static_cast<size_t>(size));
  return true;
}

bool RelayConnection::Serve(const std::array<pollfd, 2>& ready) {
  for (size_t i = 0; i < ends_.size(); ++i) {
    End& end = ends_[i];
    End& other = ends_[1 - i];
    const short events = ready[i].revents;
    if ((events & (POLLERR | POLLNVAL)) != 0) return false;
    if ((events & (POLLIN | POLLHUP)) != 0 && !end.ended && !Read(end, other)) return false;
    if ((events & POLLOUT) == 0) continue;
    if (!end.out.empty() && !Write(end)) return false;
    if (end.out.empty() && other.ended && !end.shut) {
      shutdown(end.fd, SHUT_WR);
      end.shut = true;
    }
  }
  return !(ends_[0].shut && ends_[1].shut);
}

}  // namespace comity
