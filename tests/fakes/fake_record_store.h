#ifndef COMITY_TESTS_FAKES_FAKE_RECORD_STORE_H_
#define COMITY_TESTS_FAKES_FAKE_RECORD_STORE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/store/record_store.h"

namespace comity {

// RecordStore in memory that can be told to fail. It shares with the drivers only the checks of the
// limits; what a commit does is written again here, so that the contract suite compares two minds.
class FakeRecordStore final : public RecordStore {
 public:
  // Outcomes age by `clock`, which must outlive the store; without one they are kept.
  explicit FakeRecordStore(const Clock* clock = nullptr) : clock_(clock) {}

  // What became of a commit that was answered with STORE_UNAVAILABLE.
  enum class Fate { kNotApplied, kApplied };
  // The next commit that would have been applied is answered with STORE_UNAVAILABLE.
  void FailNextCommit(Fate fate);
  // While set, every call is refused with STORE_UNAVAILABLE.
  void SetUnavailable(bool unavailable);
  // Commits applied so far.
  uint64_t applied() const;

  absl::StatusOr<Snapshot> Get(std::string_view partition,
                               const std::vector<std::string>& keys) override;
  absl::StatusOr<ScanPage> Scan(std::string_view partition, std::string_view begin,
                                std::string_view end, size_t limit,
                                std::optional<PartitionVersion> at = std::nullopt) override;
  absl::StatusOr<std::vector<std::string>> Partitions(std::string_view prefix,
                                                      std::string_view cursor,
                                                      size_t limit) override;
  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;
  uint64_t owed_erasures() const override { return 0; }

 private:
  struct Partition {
    PartitionVersion version = 0;
    std::map<std::string, std::string> values;
  };
  struct Outcome {
    PartitionVersion version;
    UnixMillis time;
  };

  absl::Status CheckAvailable() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  UnixMillis Now() const { return clock_ == nullptr ? 0 : clock_->Now(); }
  // An absent partition has version 0.
  const Partition& Find(std::string_view partition) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock* const clock_;
  mutable absl::Mutex mutex_;
  const Partition absent_;
  std::map<std::string, Partition, std::less<>> partitions_ ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::string, RequestId>, Outcome> outcomes_ ABSL_GUARDED_BY(mutex_);
  PartitionVersion last_version_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t applied_ ABSL_GUARDED_BY(mutex_) = 0;
  bool unavailable_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<Fate> next_fate_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_FAKE_RECORD_STORE_H_
