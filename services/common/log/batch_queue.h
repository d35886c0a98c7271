#ifndef COMITY_COMMON_LOG_BATCH_QUEUE_H_
#define COMITY_COMMON_LOG_BATCH_QUEUE_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/log/transparency_log.h"

namespace comity {

// Group commit without a timer. Callers queue; the first of the queue becomes the writer and takes
// as many as fit into one batch; the others wait, without the lock being held while it writes, and
// are the next batch when it has finished. Thread-safe.
class BatchQueue final {
 public:
  // One caller. Lives on its stack until Join() has returned false or Finish() was called.
  struct Waiter {
    explicit Waiter(const std::vector<std::string>& its_leaves);
    const std::vector<std::string>& leaves;
    const size_t bytes;  // as the pending record holds them
    absl::StatusOr<std::vector<LogReceipt>> answer;

   private:
    friend class BatchQueue;
    absl::CondVar turn_;
    bool done_ = false;
  };

  // Waits until `waiter` was answered (false), or until it is the one to write (true): then no
  // other call returns true before Finish().
  bool Join(Waiter& waiter) ABSL_LOCKS_EXCLUDED(mutex_);
  // For the writer: those at the front that fit into one batch, itself first.
  std::vector<Waiter*> Take() ABSL_LOCKS_EXCLUDED(mutex_);
  // Gives each of the batch its receipts, or the error, and lets the next one write.
  void Finish(const std::vector<Waiter*>& batch, absl::StatusOr<std::vector<LogReceipt>> receipts)
      ABSL_LOCKS_EXCLUDED(mutex_);
  // Callers in the queue, without those of the batch that is being written.
  size_t waiting() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  mutable absl::Mutex mutex_;
  std::deque<Waiter*> queue_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace comity

#endif  // COMITY_COMMON_LOG_BATCH_QUEUE_H_
