#include "services/common/audit/audit_head.h"

namespace comity {

std::optional<Digest> AuditHeadOf(const Leaf& leaf) {
  const auto field = leaf.clear.find(kAuditHeadField);
  if (field == leaf.clear.end()) return std::nullopt;
  const absl::StatusOr<Digest> head = Digest::Parse(field->second);
  return head.ok() ? std::optional<Digest>(*head) : std::nullopt;
}

}  // namespace comity
