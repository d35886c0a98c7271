#ifndef COMITY_CUSTODY_BACKUP_OPENING_H_
#define COMITY_CUSTODY_BACKUP_OPENING_H_

#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"
#include "services/common/server/service_environment.h"

namespace comity::custody {

// The key of a custody's backup, opened by what guards its root key: the shares of as many holders
// as open the seal, the token, or, in development, the key file that lies in `identity/`.
// SHARE_INVALID, SEALED, DATA_CORRUPT; causes say what is missing.
absl::StatusOr<SecretBytes> OpenCustodyBackup(const BackupOpening& opening);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_BACKUP_OPENING_H_
