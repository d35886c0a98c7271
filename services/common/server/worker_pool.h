#ifndef COMITY_COMMON_SERVER_WORKER_POOL_H_
#define COMITY_COMMON_SERVER_WORKER_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace comity {

// A few threads for work that blocks, and a bounded queue before them. Thread-safe.
class WorkerPool final {
 public:
  WorkerPool(size_t threads, size_t max_waiting);
  // Finishes what was submitted.
  ~WorkerPool();

  // False when too much is waiting: then `work` was not taken. `work` throws nothing.
  bool Submit(std::function<void()> work);
  size_t waiting() const;

 private:
  void Serve();
  bool HasWorkOrStops() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  const size_t max_waiting_;
  mutable absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_WORKER_POOL_H_
