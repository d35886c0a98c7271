#ifndef COMITY_TESTS_FAKES_FAILING_STORES_H_
#define COMITY_TESTS_FAKES_FAILING_STORES_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

namespace comity {

// A machine that dies: one plan is shared by the stores of a process. Calls number 0 to n - 1 pass,
// call n is answered with STORE_UNAVAILABLE after it took effect or without, all later ones fail
// without effect. Thread-safe.
class FailurePlan final {
 public:
  enum class Fate { kNotApplied, kApplied };
  FailurePlan(uint64_t fails_at, Fate fate) : fails_at_(fails_at), fate_(fate) {}

  struct Verdict {
    bool apply;
    bool answer;
  };
  Verdict OnCall();
  // Did any call fail?
  bool fired() const { return calls_ > fails_at_; }

 private:
  const uint64_t fails_at_;
  const Fate fate_;
  std::atomic<uint64_t> calls_ = 0;
};

// The stores behind one plan. `store` and `plan` outlive them.
class FailingRecordStore final : public RecordStore {
 public:
  FailingRecordStore(RecordStore* store, FailurePlan* plan) : store_(store), plan_(plan) {}
  absl::StatusOr<Snapshot> Get(std::string_view partition,
                               const std::vector<std::string>& keys) override;
  absl::StatusOr<ScanPage> Scan(std::string_view partition, std::string_view begin,
                                std::string_view end, size_t limit,
                                std::optional<PartitionVersion> at) override;
  absl::StatusOr<std::vector<std::string>> Partitions(std::string_view prefix,
                                                      std::string_view cursor,
                                                      size_t limit) override;
  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;
  uint64_t owed_erasures() const override { return store_->owed_erasures(); }

 private:
  RecordStore* const store_;
  FailurePlan* const plan_;
};

class FailingBlobStore final : public BlobStore {
 public:
  FailingBlobStore(BlobStore* store, FailurePlan* plan) : store_(store), plan_(plan) {}
  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override;
  absl::StatusOr<std::string> Get(std::string_view name) override;
  absl::Status Delete(std::string_view name) override;
  absl::StatusOr<std::vector<Entry>> List(std::string_view prefix, std::string_view cursor,
                                          size_t limit) override;

 private:
  BlobStore* const store_;
  FailurePlan* const plan_;
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_FAILING_STORES_H_
