#ifndef COMITY_COMMON_FAULTS_FAULTY_STORES_H_
#define COMITY_COMMON_FAULTS_FAULTY_STORES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/common/faults/fault_file.h"
#include "services/common/store/forwarding_stores.h"

namespace comity {

// What the two stores of one process have in common: which faults it is to have, and how far it is
// with them. Thread-safe.
class StoreFaults final {
 public:
  // `service` is "us/custody".
  StoreFaults(std::shared_ptr<const FaultFile> file, std::string service);
  ~StoreFaults();

  // STORE_UNAVAILABLE when nothing can be written now.
  absl::Status CheckDisk();
  // Counts this commit. Is it the one to die at, before it or after it?
  enum class Fate { kLive, kDieBefore, kDieAfter };
  Fate Count(std::string_view partition, const std::vector<Mutation>& mutations);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

// A record store with the faults that the file says: development only.
class FaultyRecordStore final : public ForwardingRecordStore {
 public:
  FaultyRecordStore(std::shared_ptr<RecordStore> inner, std::shared_ptr<StoreFaults> faults)
      : ForwardingRecordStore(inner.get()), inner_(std::move(inner)), faults_(std::move(faults)) {}

  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;

 private:
  const std::shared_ptr<RecordStore> inner_;
  const std::shared_ptr<StoreFaults> faults_;
};

// A blob store with the faults that the file says: development only.
class FaultyBlobStore final : public ForwardingBlobStore {
 public:
  FaultyBlobStore(std::shared_ptr<BlobStore> inner, std::shared_ptr<StoreFaults> faults)
      : ForwardingBlobStore(inner.get()), inner_(std::move(inner)), faults_(std::move(faults)) {}

  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override;
  absl::Status Delete(std::string_view name) override;

 private:
  const std::shared_ptr<BlobStore> inner_;
  const std::shared_ptr<StoreFaults> faults_;
};

}  // namespace comity

#endif  // COMITY_COMMON_FAULTS_FAULTY_STORES_H_
