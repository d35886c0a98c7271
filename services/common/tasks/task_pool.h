#ifndef COMITY_COMMON_TASKS_TASK_POOL_H_
#define COMITY_COMMON_TASKS_TASK_POOL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

namespace comity {

// Threads for pieces of work that mostly wait for the disk, so that one caller can have several
// under way and their syncs become one. A piece never waits for one that has not begun:
// then there is always one that gets on. Thread-safe.
class TaskPool final {
 public:
  explicit TaskPool(size_t threads);
  // Finishes what was submitted.
  ~TaskPool();
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // `work` throws nothing. Nothing bounds the queue: whoever submits bounds what he has under way.
  void Submit(std::function<void()> work);

 private:
  void Serve();
  bool HasWorkOrStops() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stops_ || !waiting_.empty();
  }

  absl::Mutex mutex_;
  std::deque<std::function<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stops_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// One piece of work with its result, which exists once Wait() has returned.
template <typename Result>
class Task final {
 public:
  // Without a pool the work is done at once, by the caller.
  static std::shared_ptr<Task> Start(TaskPool* pool, std::function<Result()> work) {
    auto task = std::make_shared<Task>();
    const auto run = [task, work = std::move(work)] {
      Result result = work();
      absl::MutexLock lock(&task->mutex_);
      task->result_ = std::make_unique<Result>(std::move(result));
    };
    if (pool == nullptr) {
      run();
    } else {
      pool->Submit(run);
    }
    return task;
  }

  bool IsDone() {
    absl::MutexLock lock(&mutex_);
    return result_ != nullptr;
  }
  // Blocks. The result is the task's until it is moved out of it.
  Result& Wait() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](std::unique_ptr<Result>* result) { return *result != nullptr; }, &result_));
    return *result_;
  }

 private:
  absl::Mutex mutex_;
  std::unique_ptr<Result> result_ ABSL_GUARDED_BY(mutex_);
};

// Does `work` for 0 … count - 1, at most `at_once` of them at any time, and waits for all that were
// begun. After a refusal nothing more is begun; the refusal with the lowest index counts. Without a
// pool: in order, by the caller.
absl::Status RunAll(TaskPool* pool, size_t at_once, size_t count,
                    const std::function<absl::Status(size_t index)>& work);

}  // namespace comity

#endif  // COMITY_COMMON_TASKS_TASK_POOL_H_
