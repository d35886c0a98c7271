#include "services/custody/kept_root_backup.h"

#include "services/common/status/macros.h"

namespace comity::custody {

absl::Status KeptRootBackup::Follow(const KeySealer& keys) {
  RETURN_IF_ERROR(backup_->FollowOpeningFiles());
  ASSIGN_OR_RETURN(const BackupHead head, backup_->head());
  const auto sealed = head.keys.find(keys.generation());
  if (sealed != head.keys.end() && keys.OpenBackupKey(sealed->second).ok()) {
    return absl::OkStatus();
  }
  return backup_->PutKey(keys.generation(), keys.SealBackupKey(backup_->key()));
}

absl::Status KeptRootBackup::DropOlder(const KeySealer& keys) {
  return backup_->DropKeysBefore(keys.generation());
}

}  // namespace comity::custody
