#ifndef COMITY_COMMON_AUDIT_AUDIT_QUERY_H_
#define COMITY_COMMON_AUDIT_AUDIT_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/audit/audit_block.h"
#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"

namespace comity {

// Which records somebody wants to see; everything that is set has to hold.
struct AuditFilter {
  enum class Kind : uint8_t {
    kAll = 0,
    kRefused = 1,  // calls that were refused
    kLegal = 2,    // uses under an authorisation
  };
  UnixMillis since = 0;
  UnixMillis until = 0;  // exclusive; 0: no end
  std::optional<AccountId> account;
  std::string method;  // "UnwrapDataKey"; empty: all
  Kind kind = Kind::kAll;
};

struct NumberedAuditRecord {
  uint64_t number = 0;
  AuditRecord record;
};
struct AuditPage {
  std::vector<NumberedAuditRecord> records;  // ascending
  uint64_t next = 1;                         // where the next page begins
  bool more = false;                         // there is one now
};

// Records from number `from` on (0: from the first that may match), at most `limit` of them. Looks
// at a bounded part of the log, so that a page may be short or empty and yet have a next one.
// Verifies what it passes: DATA_CORRUPT, STORE_UNAVAILABLE. `end`: the log has all records before
// that number; if they cannot be read, that is damage, too.
absl::StatusOr<AuditPage> QueryAudit(const std::string& directory, const AuditFilter& filter,
                                     uint64_t from, uint64_t end, size_t limit);

}  // namespace comity

#endif  // COMITY_COMMON_AUDIT_AUDIT_QUERY_H_
