#ifndef COMITY_COMMON_AUDIT_AUDIT_HEAD_H_
#define COMITY_COMMON_AUDIT_AUDIT_HEAD_H_

#include <optional>

#include "services/common/ids/ids.h"
#include "services/common/statement/leaf.h"

namespace comity {

// Leaves of a service's own log that say what the hash of the newest block of its audit log was.
inline constexpr char kAuditHeadLeaf[] = "audit.head";
// Clear field of such a leaf and of "service.started": the hash, base32.
inline constexpr char kAuditHeadField[] = "audit_head";

std::optional<Digest> AuditHeadOf(const Leaf& leaf);

}  // namespace comity

#endif  // COMITY_COMMON_AUDIT_AUDIT_HEAD_H_
