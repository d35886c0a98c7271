#ifndef COMITY_COMMON_STORE_OPEN_H_
#define COMITY_COMMON_STORE_OPEN_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

namespace comity {

// What is not usual about a record store.
struct RecordStoreOpening {
  // It stands behind another one that adds a record to each commit, and bytes to each record.
  bool behind_another = false;
  // Versions given out from now on are no smaller: it takes the place of a store that is lost.
  PartitionVersion first_version = 1;
};

// The embedded drivers: RocksDB under `<directory>/records`, files under `<directory>/blobs`.
// Created when missing (mode 0700). Only one process can hold a directory: STORE_UNAVAILABLE with
// the cause otherwise. After a failed sync a store is read-only until it is opened again.
absl::StatusOr<std::unique_ptr<RecordStore>> OpenRocksRecordStore(
    const std::string& directory, const RecordStoreOpening& opening = {});
absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const std::string& directory);

// Both, to look at a store whose service is stopped: nothing on disk changes, writes are refused,
// and no service can open the directory meanwhile. STORE_UNAVAILABLE when there is no store, or a
// service has it open; DATA_CORRUPT when the files contradict each other.
struct ReadOnlyStores {
  std::unique_ptr<BlobStore> blobs;  // holds the directory
  std::unique_ptr<RecordStore> records;
};
absl::StatusOr<ReadOnlyStores> OpenStoresReadOnly(const std::string& directory);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_OPEN_H_
