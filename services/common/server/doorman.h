#ifndef COMITY_COMMON_SERVER_DOORMAN_H_
#define COMITY_COMMON_SERVER_DOORMAN_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace comity {

// Accepts a server's connections and bounds how many there are: anybody may connect, and each
// connection costs a file and memory until somebody ends it. A connection is a stranger until a
// call on it was admitted. When there are too many strangers, the one that came first has to go;
// when there are too many connections at all, a stranger goes, and without strangers the one that
// has been idle longest. So those who work are served whatever crowd stands at the door, and the
// process never runs out of files, which gRPC's own listener would not survive.
// Thread-safe. Has one thread.
class Doorman final {
 public:
  struct Limits {
    size_t strangers = 512;
    size_t connections = 4'096;
  };
  // Of the process's limit of open files no more than a part is spent on connections, each of
  // which takes two: one is gRPC's, by the other the doorman sees that it has ended.
  static Limits LimitsOfProcess();

  // Takes over a connected, non-blocking socket.
  using Admit = std::function<void(int fd)>;

  // Listens on every address of "host:port"; port 0 picks one. Nobody is let in before Open().
  // PEER_UNAVAILABLE when none can be had.
  static absl::StatusOr<std::unique_ptr<Doorman>> Listen(const std::string& address,
                                                         const Limits& limits);
  ~Doorman();  // Close()
  Doorman(const Doorman&) = delete;
  Doorman& operator=(const Doorman&) = delete;

  int port() const { return port_; }
  void Open(Admit admit);
  // Accepts nobody any more. Connections live on.
  void Close();

  // A call on the connection of this peer, as gRPC names it ("ipv4:127.0.0.1:4711"), was admitted.
  void Recognise(const std::string& peer);

  struct Counts {
    size_t strangers = 0;
    size_t known = 0;
    uint64_t sent_away = 0;  // by the limits, since the start
  };
  Counts counts() const;

 private:
  struct Guest {
    int fd = -1;  // a copy of gRPC's
    uint64_t id = 0;
    std::string peer;
    bool known = false;
  };
  using Guests = std::list<Guest>;  // those that were seen longest ago first

  Doorman(const Limits& limits, int epoll, int wake);
  absl::Status ListenOn(const std::string& host, const std::string& port);
  void Run();
  void AcceptAll(int listener);
  void Welcome(int fd);
  void Forget(uint64_t id);
  void SendAway(Guests& guests) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Erase(Guests& guests, Guests::iterator guest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  const int epoll_;
  const int wake_;
  int port_ = 0;
  std::vector<int> listeners_;
  Admit admit_;
  std::thread thread_;
  std::atomic<bool> closing_{false};

  mutable absl::Mutex mutex_;
  Guests strangers_ ABSL_GUARDED_BY(mutex_);
  Guests known_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Guests::iterator, std::less<>> by_peer_ ABSL_GUARDED_BY(mutex_);
  std::map<uint64_t, Guests::iterator> by_id_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1'000;  // smaller ones are the listeners'
  uint64_t sent_away_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_DOORMAN_H_
