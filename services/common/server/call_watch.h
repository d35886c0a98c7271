#ifndef COMITY_COMMON_SERVER_CALL_WATCH_H_
#define COMITY_COMMON_SERVER_CALL_WATCH_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <thread>
#include <utility>

#include <grpcpp/server_context.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace comity {

// Cancels calls whose time is over. gRPC lets a server not shorten the deadline that a caller
// chose, so a stream that its caller neither feeds nor ends would hold a thread for ever.
// Thread-safe.
class CallWatch final {
 public:
  using Time = std::chrono::system_clock::time_point;

  CallWatch();
  ~CallWatch();

  // Watches one call for as long as this object lives.
  class Scope final {
   public:
    // `watch` and `context` outlive the scope.
    Scope(CallWatch& watch, const grpc::ServerContextBase* context, Time deadline);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    CallWatch& watch_;
    std::pair<Time, uint64_t> key_;
  };

 private:
  void Run();
  bool StopsOrChanged() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return stops_ || changed_; }

  absl::Mutex mutex_;
  std::map<std::pair<Time, uint64_t>, const grpc::ServerContextBase*> calls_
      ABSL_GUARDED_BY(mutex_);
  uint64_t next_ ABSL_GUARDED_BY(mutex_) = 0;
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;  // the soonest deadline may be another
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_CALL_WATCH_H_
