#ifndef COMITY_REVIEW_SCOPE_H_
#define COMITY_REVIEW_SCOPE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/review/case.h"
#include "services/review/own_storage.h"
#include "services/review/site.h"

namespace comity::review {

// Contents that one authorisation names at most: what custody opens and storage answers in one
// message. And what the authorisations of one case name together.
inline constexpr size_t kMaxScopeOfAccount = 2'048;
inline constexpr size_t kMaxScopeOfCase = 20'000;

// What an accepted case authorises.
struct DecidedScope {
  std::vector<std::string> cores;   // encoded, one per account with something in scope
  std::vector<CaseTarget> targets;  // as before, with what was found
};

// What the classes open. C0 to C3 open nothing.
std::vector<KeyPurpose> PurposesOf(const std::vector<DataClass>& classes);

// Asks storage what the accounts hold in the requested time range and writes one authorisation core
// for each. `only`, unless empty, narrows it to these contents: FIELD_INVALID when one of them is
// not there. PEER_UNAVAILABLE, ACCOUNT_FENCED.
absl::StatusOr<DecidedScope> DecideScope(const Site& site, OwnStorage& storage, const Case& c,
                                         const std::vector<ContentId>& only);

}  // namespace comity::review

#endif  // COMITY_REVIEW_SCOPE_H_
