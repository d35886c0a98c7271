#ifndef COMITY_CUSTODY_STORE_CHECK_H_
#define COMITY_CUSTODY_STORE_CHECK_H_

#include "services/common/check/store_check.h"

namespace comity::custody {

// Looks at everything that a stopped custody keeps: each account decodes and obeys its own rules,
// each sealed key opens (when the root key is at hand), each act that has to be in the log is
// there, and each leaf that a record claims is what the record says. The facts are what
// `comity check` compares with other services (docs/check.md). Not for a running custody.
absl::Status CheckCustodyStore(const StoreCheck& check);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_STORE_CHECK_H_
