#ifndef COMITY_REVIEW_REQUEST_CHECK_H_
#define COMITY_REVIEW_REQUEST_CHECK_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/legal.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"
#include "services/review/rejection.h"

// The rules by which a request is refused at once (docs/review.md, rules 2, 3, 5, 6), as one pure
// function: what the request says and what is known of its sender, targets and siblings go in,
// every rejection that applies comes out. Everything that needs judgement is left to a reviewer.
namespace comity::review {

// One target as written: "region/account id".
struct Target {
  std::string text;
  std::string region;                // empty when not of that form
  std::optional<AccountId> account;  // absent: a predicate such as "cn/*"
};
Target ParseTarget(const std::string& text);

// Distinct targets that share something with this request within the sliding window, this request
// included: what a split bulk request adds up to.
struct SiblingSums {
  uint32_t by_reference = 0;
  uint32_t by_instrument = 0;
  uint32_t by_ground = 0;
  uint32_t by_authority = 0;  // counts for C3 to C5 only
};

struct RequestFacts {
  RegionId region;  // of this review
  UnixMillis now = 0;
  const ReviewRulesInfo* rules = nullptr;
  const RosterPerson* signer = nullptr;  // who signed, by key; nullptr if nobody of the roster
  bool instrument_seen = false;          // in another request
  SiblingSums sums;
  // By target text: is the account served here? Asked of storage in the same way for each target
  // of the own region; other regions' targets are not asked. Absent: storage was not asked yet, so
  // that a request that is refused as it stands learns nothing of its targets.
  std::optional<std::map<std::string, bool>> held;
};

struct TargetFinding {
  Target target;
  std::vector<Rejection> rejections;  // of this target alone
};

struct Finding {
  std::vector<Rejection> rejections;  // of the whole request, primary first
  std::vector<TargetFinding> targets;
  // Within the caps by itself, over them together with its siblings: it and the open siblings are
  // held, to be reviewed as one.
  bool hold_as_split = false;
  // Refused as a whole, or no target is left.
  bool refused() const { return !rejections.empty(); }
};

// Rejections of the whole request also hold those of its targets when every target is rejected.
Finding CheckRequest(const LegalRequest& request, const RequestFacts& facts);

// Rule 3: the weakest instrument that covers the class; none covers C6.
std::optional<InstrumentType> NeededInstrument(DataClass data_class);

}  // namespace comity::review

#endif  // COMITY_REVIEW_REQUEST_CHECK_H_
