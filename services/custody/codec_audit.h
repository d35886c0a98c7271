#ifndef COMITY_CUSTODY_CODEC_AUDIT_H_
#define COMITY_CUSTODY_CODEC_AUDIT_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

#include "comity/custody/v1/custody.pb.h"
#include "services/common/audit/audit_query.h"

// As codec.h, for audit records.
namespace comity::custody {

struct AuditCommand {
  AuditFilter filter;
  uint64_t from = 0;  // number of a record; 0: the first
  size_t limit = 0;
};
absl::StatusOr<AuditCommand> Decode(const comity::custody::v1::ListAuditRecordsRequest& request);

void Encode(const AuditPage& page, comity::custody::v1::ListAuditRecordsResponse& response);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CODEC_AUDIT_H_
