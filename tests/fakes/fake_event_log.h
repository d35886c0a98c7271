#ifndef COMITY_TESTS_FAKES_FAKE_EVENT_LOG_H_
#define COMITY_TESTS_FAKES_FAKE_EVENT_LOG_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/statement/leaf.h"
#include "services/common/status/reason.h"
#include "services/storage/event_log.h"

namespace comity::storage {

// Keeps leaves in memory; can be told to take none.
class FakeEventLog final : public EventLog {
 public:
  void SetUnavailable(bool unavailable) {
    absl::MutexLock lock(&mutex_);
    unavailable_ = unavailable;
  }

  absl::StatusOr<LoggedLeaf> Append(const std::string& leaf) override {
    absl::MutexLock lock(&mutex_);
    if (unavailable_) return Refuse(Reason::kLogUnavailable);
    leaves_.push_back(leaf);
    return LoggedLeaf{leaf, "receipt of " + std::to_string(leaves_.size() - 1), leaves_.size() - 1};
  }

  // How many leaves of a type there are.
  size_t Count(std::string_view type) const {
    absl::MutexLock lock(&mutex_);
    size_t count = 0;
    for (const std::string& leaf : leaves_) {
      const absl::StatusOr<Leaf> decoded = DecodeLeaf(leaf);
      count += decoded.ok() && decoded->type == type ? 1 : 0;
    }
    return count;
  }
  std::vector<std::string> leaves() const {
    absl::MutexLock lock(&mutex_);
    return leaves_;
  }

 private:
  mutable absl::Mutex mutex_;
  bool unavailable_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::string> leaves_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::storage

#endif  // COMITY_TESTS_FAKES_FAKE_EVENT_LOG_H_
