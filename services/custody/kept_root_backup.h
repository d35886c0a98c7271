#ifndef COMITY_CUSTODY_KEPT_ROOT_BACKUP_H_
#define COMITY_CUSTODY_KEPT_ROOT_BACKUP_H_

#include "absl/status/status.h"

#include "services/common/backup/backup.h"
#include "services/custody/root_backup.h"

namespace comity::custody {

// RootBackup over the service's backup, which outlives it.
class KeptRootBackup final : public RootBackup {
 public:
  explicit KeptRootBackup(Backup* backup) : backup_(backup) {}
  absl::Status Follow(const KeySealer& keys) override;
  absl::Status DropOlder(const KeySealer& keys) override;

 private:
  Backup* const backup_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEPT_ROOT_BACKUP_H_
