#ifndef COMITY_COMMON_STORE_FORWARDING_STORES_H_
#define COMITY_COMMON_STORE_FORWARDING_STORES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

namespace comity {

// Stores in front of another one: a subclass overrides the calls that it changes, the others go
// through. As thread-safe as what stands behind, which outlives them or is kept by the subclass.
class ForwardingRecordStore : public RecordStore {
 public:
  absl::StatusOr<Snapshot> Get(std::string_view partition,
                               const std::vector<std::string>& keys) override {
    return behind_->Get(partition, keys);
  }
  absl::StatusOr<ScanPage> Scan(std::string_view partition, std::string_view begin,
                                std::string_view end, size_t limit,
                                std::optional<PartitionVersion> at) override {
    return behind_->Scan(partition, begin, end, limit, at);
  }
  absl::StatusOr<std::vector<std::string>> Partitions(std::string_view prefix,
                                                      std::string_view cursor,
                                                      size_t limit) override {
    return behind_->Partitions(prefix, cursor, limit);
  }
  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override {
    return behind_->Commit(partition, request_id, preconditions, mutations);
  }
  uint64_t owed_erasures() const override { return behind_->owed_erasures(); }

 protected:
  explicit ForwardingRecordStore(RecordStore* behind) : behind_(behind) {}
  RecordStore* behind_;
};

class ForwardingBlobStore : public BlobStore {
 public:
  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override {
    return behind_->PutIfAbsentOrEqual(name, bytes);
  }
  absl::StatusOr<std::string> Get(std::string_view name) override { return behind_->Get(name); }
  absl::Status Delete(std::string_view name) override { return behind_->Delete(name); }
  absl::StatusOr<std::vector<Entry>> List(std::string_view prefix, std::string_view cursor,
                                          size_t limit) override {
    return behind_->List(prefix, cursor, limit);
  }

 protected:
  explicit ForwardingBlobStore(BlobStore* behind) : behind_(behind) {}
  BlobStore* behind_;
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_FORWARDING_STORES_H_
