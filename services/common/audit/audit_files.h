#ifndef COMITY_COMMON_AUDIT_AUDIT_FILES_H_
#define COMITY_COMMON_AUDIT_AUDIT_FILES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/audit/audit_block.h"

// The files of an audit log: one folder, blocks one after another in files that are named by the
// number of their first record. A file may end in bytes that are no block, or in blocks that the
// next file has again: what a process was writing when it or its disk failed. Nothing is ever cut
// off or overwritten; the next file goes on after the last block that counts.
namespace comity {

struct AuditFile {
  std::string path;
  uint64_t first = 0;  // by its name
};
std::string AuditFileName(uint64_t first);

// Ascending; other files of the folder are left alone. None when there is no such folder.
// STORE_UNAVAILABLE.
absl::StatusOr<std::vector<AuditFile>> ListAuditFiles(const std::string& directory);

// Where a log ends.
struct AuditEnd {
  uint64_t next = 1;  // number of the next record
  Digest hash;        // of the last block; zeros if there is none
  UnixMillis time = 0;
  std::string path;  // of its file; empty if there is none
};

// Blocks in order, each verified against the one before, from the one that holds record `from` or,
// if that is not kept any more, from the oldest. Ends early when `visit` returns false.
// DATA_CORRUPT names file and place; the newest file is read as far as it is whole, for somebody
// may be writing it. STORE_UNAVAILABLE.
using VisitAuditBlock = std::function<bool(const ReadAuditBlock& read)>;
absl::Status ReadAuditBlocks(const std::string& directory, uint64_t from,
                             const VisitAuditBlock& visit);

// Number of a record from which on all are kept that were written at `time` or later.
absl::StatusOr<uint64_t> FindAuditTime(const std::string& directory, UnixMillis time);

// Files after which the next one began before `time`; never the newest one. Until then the last
// block of a file was the newest of all, and may have been published as that.
absl::StatusOr<std::vector<AuditFile>> FindAuditFilesBefore(const std::string& directory,
                                                            UnixMillis time);

// Where the next block goes. DATA_CORRUPT if more stands after the end than an interrupted write
// can leave, which is less than a block and has none behind it: then one that counted is damaged.
absl::StatusOr<AuditEnd> FindAuditEnd(const std::string& directory);

}  // namespace comity

#endif  // COMITY_COMMON_AUDIT_AUDIT_FILES_H_
