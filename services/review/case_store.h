#ifndef COMITY_REVIEW_CASE_STORE_H_
#define COMITY_REVIEW_CASE_STORE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/review/case.h"

namespace comity::review {

struct StoredCase {
  Case value;
  uint64_t revision = 0;  // grows with each write; 0 = was never written
};

// Cases, one record each. Thread-safe; calls block. STORE_UNAVAILABLE, DATA_CORRUPT;
// PEER_UNAVAILABLE while the record key is not open.
class CaseStore {
 public:
  virtual ~CaseStore() = default;
  // nullopt also for what is no case id.
  virtual absl::StatusOr<std::optional<StoredCase>> Find(std::string_view case_id) = 0;
  // Writes `after` over `before` (revision 0: there must be none), and when it next falls due.
  // CONFLICT when the case was written meanwhile.
  virtual absl::StatusOr<StoredCase> Write(const StoredCase& before, Case after) = 0;
  // Every case that falls due some time, with that time.
  virtual absl::StatusOr<std::vector<std::pair<UnixMillis, std::string>>> ListDue() = 0;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASE_STORE_H_
