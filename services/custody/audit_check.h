#ifndef COMITY_CUSTODY_AUDIT_CHECK_H_
#define COMITY_CUSTODY_AUDIT_CHECK_H_

#include "absl/status/status.h"

#include "services/common/check/store_check.h"

namespace comity::custody {

// Violations "audit": a record that is missing or was altered, by the chain of the records
// themselves and by what the log says of where they stood.
absl::Status CheckAudit(const StoreCheck& check);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_AUDIT_CHECK_H_
