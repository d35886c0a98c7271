#include "services/common/log/batch_queue.h"

#include <cstdint>
#include <iterator>

namespace comity {
namespace {

size_t BytesOf(const std::vector<std::string>& leaves) {
  size_t bytes = 0;
  for (const std::string& leaf : leaves) {
    bytes += sizeof(uint32_t) + leaf.size();
  }
  return bytes;
}

}  // namespace

BatchQueue::Waiter::Waiter(const std::vector<std::string>& its_leaves)
    : leaves(its_leaves), bytes(BytesOf(its_leaves)) {}

bool BatchQueue::Join(Waiter& waiter) {
  absl::MutexLock lock(&mutex_);
  queue_.push_back(&waiter);
  while (!waiter.done_ && (writing_ || queue_.front() != &waiter)) {
    waiter.turn_.Wait(&mutex_);
  }
  if (waiter.done_) {
    return false;
  }
  writing_ = true;
  return true;
}

std::vector<BatchQueue::Waiter*> BatchQueue::Take() {
  absl::MutexLock lock(&mutex_);
  std::vector<Waiter*> batch;
  size_t leaves = 0;
  size_t bytes = 0;
  while (!queue_.empty()) {
    Waiter* const next = queue_.front();
    leaves += next->leaves.size();
    bytes += next->bytes;
    if (leaves > kMaxBatchLeaves || bytes > kMaxBatchBytes) {
      break;
    }
    batch.push_back(next);
    queue_.pop_front();
  }
  return batch;
}

void BatchQueue::Finish(const std::vector<Waiter*>& batch,
                        absl::StatusOr<std::vector<LogReceipt>> receipts) {
  absl::MutexLock lock(&mutex_);
  size_t first = 0;
  for (Waiter* const waiter : batch) {
    if (receipts.ok()) {
      const auto begin = receipts->begin() + static_cast<std::ptrdiff_t>(first);
      const auto end = begin + static_cast<std::ptrdiff_t>(waiter->leaves.size());
      waiter->answer.emplace(std::make_move_iterator(begin), std::make_move_iterator(end));
      first += waiter->leaves.size();
    } else {
      waiter->answer = receipts.status();
    }
    // The waiter may be gone as soon as the lock is free.
    waiter->done_ = true;
    waiter->turn_.Signal();
  }
  writing_ = false;
  if (!queue_.empty()) {
    queue_.front()->turn_.Signal();
  }
}

size_t BatchQueue::waiting() const {
  absl::MutexLock lock(&mutex_);
  return queue_.size();
}

}  // namespace comity
