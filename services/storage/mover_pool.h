#ifndef COMITY_STORAGE_MOVER_POOL_H_
#define COMITY_STORAGE_MOVER_POOL_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/ids/ids.h"
#include "services/storage/mover.h"

namespace comity::storage {

// A few threads that advance moves: never two for one account, and an account that cannot get on
// waits, longer each time, without holding up another. Thread-safe.
class MoverPool final {
 public:
  using Work = std::function<Progress(const AccountId&)>;
  struct Options {
    size_t threads = 4;
    std::chrono::milliseconds first_delay{100};
    std::chrono::milliseconds longest_delay{10'000};
  };

  MoverPool(Work work, Options options);
  ~MoverPool();  // returns when the running work has

  // As soon as a thread is free; also when it waits for a retry. Work that is running is done once
  // more after it.
  void Enqueue(const AccountId& account);

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    Clock::time_point time;
    int failures = 0;
    bool running = false;
    bool again = false;
  };

  void Run();
  void Schedule(const AccountId& account, Entry& entry, Clock::time_point time)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // When the next work is due; far away when there is none.
  Clock::time_point Next() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Finish(const AccountId& account, Progress progress) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Work work_;
  const Options options_;
  absl::Mutex mutex_;
  absl::CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<AccountId, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<Clock::time_point, AccountId>> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_MOVER_POOL_H_
