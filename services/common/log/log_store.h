#ifndef COMITY_COMMON_LOG_LOG_STORE_H_
#define COMITY_COMMON_LOG_LOG_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/log/tiles.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

// What a log keeps, and in which order it may change (docs/formats-log.md).
namespace comity {

// The head is also the record of the last signed checkpoint: it is durable before the signature
// over (size, root) leaves the process.
struct LogHead {
  std::string origin;
  uint64_t size = 0;
  Digest root;
  uint64_t log_epoch = 0;  // number of the opening that wrote it, from 1
};

// A batch that may have reached the blobs in part. Written before the first blob, so that whoever
// opens the log after a crash writes the very same bytes under the same names.
struct PendingBatch {
  uint64_t first_index = 0;
  std::vector<std::string> leaves;
};

// Records and blobs of one log. Get is thread-safe; everything else belongs to the one appender.
class LogStore final {
 public:
  LogStore(std::string partition, RecordStore* records, BlobStore* blobs)
      : partition_(std::move(partition)), records_(records), blobs_(blobs) {}

  struct Loaded {
    std::optional<LogHead> head;
    std::optional<PendingBatch> pending;
  };
  // Remembers the partition's version: each commit below succeeds only if nobody else committed
  // since. DATA_CORRUPT for records that cannot be read.
  absl::StatusOr<Loaded> Load();
  // CONFLICT when another appender was here.
  absl::Status CommitPending(const PendingBatch& batch);
  absl::Status CommitHead(const LogHead& head);  // and clears the pending batch

  // Files of any size; larger than a blob, they lie in several. CONFLICT: other bytes are there.
  absl::Status Put(const TileId& id, std::string_view bytes);
  absl::StatusOr<std::string> Get(const TileId& id) const;
  // Deletes a file of `size` bytes.
  absl::Status Delete(const TileId& id, size_t size);
  // Deletes the partial files that stand for trees smaller than `size` and were left by a crash.
  absl::Status SweepPartials(uint64_t size);
  // Is there an entry bundle that a tree of `size` does not have?
  absl::StatusOr<bool> HasBundleBeyond(uint64_t size) const;

 private:
  std::string BlobName(const TileId& id) const;
  absl::Status Commit(std::vector<Mutation> mutations);
  absl::StatusOr<std::vector<std::string>> PartialNames(int level, uint64_t index) const;

  const std::string partition_;
  RecordStore* const records_;
  BlobStore* const blobs_;
  PartitionVersion version_ = 0;
};

}  // namespace comity

#endif  // COMITY_COMMON_LOG_LOG_STORE_H_
