#ifndef COMITY_COMMON_BACKUP_BACKUP_READER_H_
#define COMITY_COMMON_BACKUP_BACKUP_READER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/backup/backup_head.h"
#include "services/common/secret/secret.h"
#include "services/common/store/open.h"

namespace comity {

// A backup that no service has open, to make a service's folder of it.
class BackupReader final {
 public:
  // STORE_UNAVAILABLE when there is none or a service has it open; STATE_NOT_READY when its first
  // copy has not come to its end; DATA_CORRUPT.
  static absl::StatusOr<std::unique_ptr<BackupReader>> Open(const std::string& folder);

  const BackupHead& head() const { return head_; }

  struct Totals {
    uint64_t partitions = 0;
    uint64_t records = 0;
    uint64_t audit_records = 0;
    uint64_t blobs = 0;
    // Partitions too large for one commit that the service was bringing into step, as it does when
    // it starts, when it ended for ever: they are not restored.
    uint64_t unended = 0;
  };
  // Told of how many of how many partitions are done.
  using Progress = std::function<void(uint64_t done, uint64_t all)>;
  // Writes store/, audit/ and identity/ of `directory`, in which there is no store yet, as the
  // service had them when the backup was last written to; durable when it returns. A death or an
  // error leaves some of it: whoever calls begins anew. DATA_CORRUPT when `key` is not the one, and
  // for whatever of the backup is not what was written there; STORE_UNAVAILABLE.
  absl::StatusOr<Totals> Restore(const SecretBytes& key, const std::string& directory,
                                 const Progress& progress);

 private:
  BackupReader(ReadOnlyStores stores, BackupHead head)
      : stores_(std::move(stores)), head_(std::move(head)) {}

  const ReadOnlyStores stores_;
  const BackupHead head_;
};

// What is told at the next start, once: that the store was restored, from a backup with how many
// entries of the service's log. nullopt when it was not.
absl::StatusOr<std::optional<uint64_t>> FindRestoredMark(RecordStore& records);
absl::Status SetRestoredMark(RecordStore& records, uint64_t log_entries);
absl::Status ClearRestoredMark(RecordStore& records);

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_BACKUP_READER_H_
