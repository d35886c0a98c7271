#include "services/storage/mover_pool.h"

#include <algorithm>

#include "absl/time/time.h"

namespace comity::storage {

MoverPool::MoverPool(Work work, Options options) : work_(std::move(work)), options_(options) {
  threads_.reserve(options_.threads);
  for (size_t i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Run(); });
}

MoverPool::~MoverPool() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    changed_.SignalAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void MoverPool::Enqueue(const AccountId& account) {
  absl::MutexLock lock(&mutex_);
  Entry& entry = entries_[account];
  if (entry.running) {
    entry.again = true;
    return;
  }
  Schedule(account, entry, Clock::now());
}

void MoverPool::Schedule(const AccountId& account, Entry& entry, Clock::time_point time) {
  waiting_.erase({entry.time, account});
  entry.time = time;
  waiting_.insert({time, account});
  changed_.Signal();
}

MoverPool::Clock::time_point MoverPool::Next() const {
  return waiting_.empty() ? Clock::time_point::max() : waiting_.begin()->first;
}

void MoverPool::Run() {
  absl::MutexLock lock(&mutex_);
  while (!stopping_) {
    const Clock::time_point next = Next();
    const Clock::time_point now = Clock::now();
    if (next == Clock::time_point::max()) {
      changed_.Wait(&mutex_);
      continue;
    }
    if (next > now) {
      changed_.WaitWithTimeout(&mutex_, absl::FromChrono(next - now));
      continue;
    }
    const AccountId account = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    entries_[account].running = true;
    mutex_.Unlock();
    const Progress progress = work_(account);
    mutex_.Lock();
    Finish(account, progress);
  }
}

void MoverPool::Finish(const AccountId& account, Progress progress) {
  Entry& entry = entries_[account];
  entry.running = false;
  if (entry.again) {
    entry.again = false;
    Schedule(account, entry, Clock::now());
    return;
  }
  if (progress == Progress::kRetrySoon) {
    Schedule(account, entry, Clock::now() + options_.first_delay);
    return;
  }
  if (progress != Progress::kRetry) {
    entries_.erase(account);
    return;
  }
  // Doubled with each failure in a row.
  const auto delay =
      std::min(options_.longest_delay, options_.first_delay * (1 << std::min(entry.failures, 12)));
  ++entry.failures;
  Schedule(account, entry, Clock::now() + delay);
}

}  // namespace comity::storage
