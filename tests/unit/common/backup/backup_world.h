#ifndef COMITY_TESTS_UNIT_COMMON_BACKUP_BACKUP_WORLD_H_
#define COMITY_TESTS_UNIT_COMMON_BACKUP_BACKUP_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/backup/backup.h"
#include "services/common/backup/backup_reader.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/temp_dir.h"

namespace comity {

// All that a record store holds: partitions, with their records.
using Contents = std::map<std::string, std::map<std::string, std::string>>;
Contents ContentsOf(RecordStore& store);

// A service's folder and that of its backup, on the real drivers.
class BackupWorld {
 public:
  BackupWorld();
  std::string directory() const { return dir_.path() + "/service"; }
  std::string folder() const { return dir_.path() + "/backup"; }
  std::string Restored() const { return dir_.path() + "/restored"; }

  BackupOptions options();
  // The service starts, with its stores as `wrap` gives them to it, or as they are.
  using Wrap = std::function<std::shared_ptr<RecordStore>(std::shared_ptr<RecordStore>)>;
  absl::Status Start(const Wrap& wrap = nullptr);
  void Stop();
  // Start() without a backup: what the store is given then, the backup does not have.
  void StartAlone();
  // The service ends in good order.
  void Close();

  Backup& backup() { return *backup_; }
  RecordStore& records() { return backup_ != nullptr ? backup_->records() : *own_records_; }
  BlobStore& blobs() { return backup_ != nullptr ? backup_->blobs() : *own_blobs_; }
  absl::Status Put(const std::string& partition, const std::string& key, const std::string& value) {
    return Change(partition, {Mutation::Put(key, value)});
  }
  absl::Status Change(const std::string& partition, const std::vector<Mutation>& mutations);

  // Its stores as they lie; it does not run.
  Contents Own() { return StoredIn(directory()); }
  // What comes of the backup, which no service has open. Opened by the key that it last had.
  absl::StatusOr<BackupReader::Totals> Restore();
  Contents StoredIn(const std::string& directory);

  ManualClock clock;

  int told = 0;  // how often a start told of its progress

 private:
  void OpenOwn();

  const TempDir dir_;
  std::shared_ptr<RecordStore> own_records_;
  std::shared_ptr<BlobStore> own_blobs_;
  std::unique_ptr<Backup> backup_;
  SecretBytes key_;
};

// What the backup is of, without what it has of its own and what changes with each start.
Contents WithoutOpening(Contents contents);

}  // namespace comity

#endif  // COMITY_TESTS_UNIT_COMMON_BACKUP_BACKUP_WORLD_H_
