#ifndef COMITY_STORAGE_COPY_SOURCE_H_
#define COMITY_STORAGE_COPY_SOURCE_H_

#include <cstdint>
#include <functional>

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"
#include "services/common/tasks/task_pool.h"
#include "services/storage/account_store.h"
#include "services/storage/object_store.h"
#include "services/storage/peer_storage.h"

namespace comity::storage {

// What one pass carried over.
struct PassResult {
  uint64_t objects = 0;  // sent
  uint64_t bytes = 0;
  uint64_t deletions = 0;
  uint64_t changes() const { return objects + deletions; }
};

// One pass of a move's copying: compares what the destination holds with what is here, in order of
// id, and sends the difference. Memory grows with the number of differing objects, 16 bytes each.
// `go_on` is asked before each object; its refusal ends the pass. `tasks` as ContentReader has it.
absl::StatusOr<PassResult> CopyPass(ObjectStore& objects, BlobStore& blobs,
                                    const AccountSnapshot& account, CopyStream& stream,
                                    const std::function<absl::Status()>& go_on,
                                    TaskPool* tasks = nullptr);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_COPY_SOURCE_H_
