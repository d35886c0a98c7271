#ifndef COMITY_TESTS_FAKES_FAKE_LEAF_LOG_H_
#define COMITY_TESTS_FAKES_FAKE_LEAF_LOG_H_

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/statement/leaf.h"
#include "services/common/status/reason.h"
#include "services/custody/leaf_log.h"

namespace comity::custody {

// A log in memory that can be told to fail. Its receipts prove nothing. Thread-safe.
class FakeLeafLog final : public LeafLog {
 public:
  // What became of an append that was answered with LOG_UNAVAILABLE.
  enum class Fate { kNotWritten, kWritten };
  void FailNext(Fate fate) {
    absl::MutexLock lock(&mutex_);
    next_fate_ = fate;
  }

  absl::StatusOr<std::vector<LogReceipt>> Append(const std::vector<std::string>& leaves) override {
    absl::MutexLock lock(&mutex_);
    const std::optional<Fate> fate = std::exchange(next_fate_, std::nullopt);
    if (fate == Fate::kNotWritten) {
      return Refuse(Reason::kLogUnavailable);
    }
    std::vector<LogReceipt> receipts;
    for (const std::string& leaf : leaves) {
      receipts.push_back({.index = leaves_.size(), .proof = {}, .checkpoint = "\n"});
      leaves_.push_back(leaf);
    }
    if (fate == Fate::kWritten) {
      return Refuse(Reason::kLogUnavailable);
    }
    return receipts;
  }

  std::vector<std::string> leaves() const {
    absl::MutexLock lock(&mutex_);
    return leaves_;
  }
  // Types of all leaves, in order.
  std::vector<std::string> types() const {
    std::vector<std::string> types;
    for (const std::string& leaf : leaves()) {
      types.push_back(DecodeLeaf(leaf).value().type);
    }
    return types;
  }
  size_t Count(const std::string& type) const {
    const std::vector<std::string> all = types();
    return static_cast<size_t>(std::ranges::count(all, type));
  }

 private:
  mutable absl::Mutex mutex_;
  std::vector<std::string> leaves_ ABSL_GUARDED_BY(mutex_);
  std::optional<Fate> next_fate_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::custody

#endif  // COMITY_TESTS_FAKES_FAKE_LEAF_LOG_H_
