#include "services/common/store/open.h"

#include "services/common/status/macros.h"
#include "services/common/store/file_blob_store.h"
#include "services/common/store/file_calls.h"
#include "services/common/store/rocksdb_record_store.h"

namespace comity {
namespace {

// Twice the bytes: names stand beside values there, and are at most as long as 768 bytes each.
constexpr RecordRoom kRoomBehindAnother{.operations = kMaxCommitOperations + 1,
                                        .bytes = 2 * kMaxCommitBytes,
                                        .keys = kMaxPartitionKeys + 1};

FileCalls& RealCalls() {
  static PosixFileCalls calls;  // has no state
  return calls;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RecordStore>> OpenRocksRecordStore(
    const std::string& directory, const RecordStoreOpening& opening) {
  RocksRecordStoreOptions options{.first_version = opening.first_version};
  if (opening.behind_another) options.room = kRoomBehindAnother;
  ASSIGN_OR_RETURN(std::unique_ptr<RecordStore> store, RocksRecordStore::Open(directory, options));
  return store;
}

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const std::string& directory) {
  ASSIGN_OR_RETURN(std::unique_ptr<BlobStore> store, FileBlobStore::Open(directory, RealCalls()));
  return store;
}

absl::StatusOr<ReadOnlyStores> OpenStoresReadOnly(const std::string& directory) {
  ReadOnlyStores stores;
  ASSIGN_OR_RETURN(stores.blobs, FileBlobStore::OpenReadOnly(directory, RealCalls()));
  ASSIGN_OR_RETURN(stores.records, RocksRecordStore::Open(directory, {.read_only = true}));
  return stores;
}

}  // namespace comity
