#include "services/common/store/open.h"

#include "services/common/status/macros.h"
#include "services/common/store/file_blob_store.h"
#include "services/common/store/file_calls.h"
#include "services/common/store/rocksdb_record_store.h"

namespace comity {

absl::StatusOr<std::unique_ptr<RecordStore>> OpenRocksRecordStore(const std::string& directory) {
  ASSIGN_OR_RETURN(std::unique_ptr<RecordStore> store, RocksRecordStore::Open(directory, {}));
  return store;
}

absl::StatusOr<std::unique_ptr<BlobStore>> OpenFileBlobStore(const std::string& directory) {
  static PosixFileCalls calls;  // has no state
  ASSIGN_OR_RETURN(std::unique_ptr<BlobStore> store, FileBlobStore::Open(directory, calls));
  return store;
}

}  // namespace comity
