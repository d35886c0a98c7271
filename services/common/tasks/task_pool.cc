#include "services/common/tasks/task_pool.h"

#include <utility>

namespace comity {

TaskPool::TaskPool(size_t threads) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Serve(); });
  }
}

TaskPool::~TaskPool() {
  {
    absl::MutexLock lock(&mutex_);
    stops_ = true;
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void TaskPool::Submit(std::function<void()> work) {
  absl::MutexLock lock(&mutex_);
  waiting_.push_back(std::move(work));
}

void TaskPool::Serve() {
  while (true) {
    std::function<void()> work;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &TaskPool::HasWorkOrStops));
      if (waiting_.empty()) {
        return;
      }
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    work();
  }
}

absl::Status RunAll(TaskPool* pool, size_t at_once, size_t count,
                    const std::function<absl::Status(size_t index)>& work) {
  std::deque<std::shared_ptr<Task<absl::Status>>> running;
  absl::Status first;
  const auto take_oldest = [&] {
    first.Update(running.front()->Wait());  // keeps the first refusal
    running.pop_front();
  };
  for (size_t i = 0; i < count && first.ok(); ++i) {
    if (running.size() == at_once) {
      take_oldest();
      if (!first.ok()) break;
    }
    running.push_back(Task<absl::Status>::Start(pool, [&work, i] { return work(i); }));
    if (pool == nullptr) take_oldest();
  }
  while (!running.empty()) take_oldest();
  return first;
}

}  // namespace comity
