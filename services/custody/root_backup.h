#ifndef COMITY_CUSTODY_ROOT_BACKUP_H_
#define COMITY_CUSTODY_ROOT_BACKUP_H_

#include "absl/status/status.h"

#include "services/custody/key_sealer.h"

namespace comity::custody {

// A backup of this custody, as far as it goes by the root key: whoever opens the root key opens it,
// and nobody else does. Thread-safe.
class RootBackup {
 public:
  virtual ~RootBackup() = default;
  // From now on these keys open it, beside those that did before; and what guards the root key is
  // in it as it is now. Durable. STORE_UNAVAILABLE.
  virtual absl::Status Follow(const KeySealer& keys) = 0;
  // Keys of a root before these open it no longer. Durable. STORE_UNAVAILABLE.
  virtual absl::Status DropOlder(const KeySealer& keys) = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ROOT_BACKUP_H_
