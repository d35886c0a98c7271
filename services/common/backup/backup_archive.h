#ifndef COMITY_COMMON_BACKUP_BACKUP_ARCHIVE_H_
#define COMITY_COMMON_BACKUP_BACKUP_ARCHIVE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/backup/backup_cipher.h"
#include "services/common/store/record_store.h"

namespace comity {

// The encrypted records of a backup: partitions as they are in the service, each with a version
// that the service gives it. Thread-safe as far as nobody changes one partition twice at a time.
// All calls: STORE_UNAVAILABLE; DATA_CORRUPT for what does not open. What it is given outlives it.
class BackupArchive final {
 public:
  BackupArchive(RecordStore* store, const BackupCipher* cipher) : store_(store), cipher_(cipher) {}

  // 0 when there is no such partition, or it was never written to its end.
  absl::StatusOr<uint64_t> VersionOf(BackupKind kind, std::string_view partition) const;

  // Changes a partition as the service's own one was changed, all or nothing, durably. It has
  // `version` then; 0: it is not there any more.
  absl::Status Commit(BackupKind kind, std::string_view partition,
                      const std::vector<Mutation>& mutations, uint64_t version);

  // What a partition is to hold instead of everything that it holds. What was there and is no
  // longer leaves the files (Mutation::Erase). A partition that this did not end has version 0.
  // An empty one with version 0 goes.
  using Records = std::map<std::string, std::string>;
  absl::Status Replace(BackupKind kind, std::string_view partition, const Records& records,
                       uint64_t version);

  // Partitions in no order, at most `limit`, after the place of the last one of the page before.
  struct Partition {
    std::string place;
    BackupKind kind = BackupKind::kRecords;
    std::string name;      // empty when version is 0
    uint64_t version = 0;  // 0: it was never written to its end
  };
  absl::StatusOr<std::vector<Partition>> List(const std::string& cursor, size_t limit) const;
  // The place of one whose name is known; its version is not looked up.
  Partition PartitionOf(BackupKind kind, const std::string& name) const;
  // Takes away what lies there if it was never written to its end.
  absl::Status RemoveUnended(const std::string& place);
  // All records of the partition that lies there.
  absl::StatusOr<Records> Read(const Partition& partition) const;

  uint64_t owed_erasures() const { return store_->owed_erasures(); }

 private:
  Mutation Put(const std::string& place, BackupItem item) const;
  absl::StatusOr<std::vector<std::string>> NamesAt(const std::string& place) const;
  // In one commit if it is small enough for that, which partitions almost always are.
  absl::Status CommitInSteps(const std::string& place, const std::vector<Mutation>& all);
  absl::Status CommitAt(const std::string& place, const std::vector<Mutation>& mutations);

  RecordStore* const store_;
  const BackupCipher* const cipher_;
};

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_BACKUP_ARCHIVE_H_
