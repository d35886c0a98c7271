#ifndef COMITY_REVIEW_CASE_INDEX_H_
#define COMITY_REVIEW_CASE_INDEX_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"

namespace comity::review {

// Which case a request is.
struct Claim {
  std::string case_id;
  std::string salt;  // 32 bytes
};

// What requests may share.
enum class SharedTrait : uint8_t { kReference, kInstrument, kGround, kAuthority };

struct ListingEntry {
  std::string case_id;
  std::string cursor;  // continue after it
};

// Ways to find cases. Entries are written before the case that they name: who reads one looks the
// case up, and passes over those that were never written. Thread-safe; calls block.
// STORE_UNAVAILABLE, DATA_CORRUPT; PEER_UNAVAILABLE while the record key is not open.
class CaseIndex {
 public:
  virtual ~CaseIndex() = default;

  virtual absl::StatusOr<std::optional<Claim>> FindClaim(const Digest& request) = 0;
  // `proposed`, or the claim that is there already: a request that comes again after a crash goes
  // on as the case that it was.
  virtual absl::StatusOr<Claim> MakeClaim(const Digest& request, const Claim& proposed) = 0;

  // Cases that have the trait with this value, received since then.
  virtual absl::StatusOr<std::vector<std::string>> FindShared(SharedTrait trait,
                                                              std::string_view value,
                                                              UnixMillis since) = 0;
  virtual absl::Status AddShared(SharedTrait trait, std::string_view value, UnixMillis received,
                                 std::string_view case_id) = 0;

  virtual absl::Status AddListing(std::string_view case_id, UnixMillis received) = 0;
  // Newest first, after `cursor` (empty: from the newest). Fewer than `limit`: the end.
  // PAGE_TOKEN_INVALID.
  virtual absl::StatusOr<std::vector<ListingEntry>> List(std::string_view cursor, size_t limit) = 0;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASE_INDEX_H_
