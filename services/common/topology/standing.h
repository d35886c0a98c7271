#ifndef COMITY_COMMON_TOPOLOGY_STANDING_H_
#define COMITY_COMMON_TOPOLOGY_STANDING_H_

#include <optional>
#include <string>

#include "services/common/topology/topology.h"

namespace comity {

enum class Standing : uint8_t {
  kStays = 1,
  kToBeNotified = 2,
  kWaitingForTerms = 3,
  kEligible = 4,
  kAccepted = 5,
  kInMigration = 6,
  kMoved = 7,
  kSuspended = 8,
  kClosing = 9,
};

// What one account's statements say; the caller has verified them.
struct AccountFacts {
  std::string territory;
  RegionId home;  // region that serves it now
  bool notified = false;
  bool in_migration = false;
  bool moved = false;  // by a completed move, to `home`
  bool closing = false;
  std::optional<Consent> consent;  // newest valid, unspent, unexpired, not withdrawn
};

struct StandingResult {
  Standing standing = Standing::kStays;
  std::string reason;         // for people
  RegionId scheduled_region;  // empty = no change
  UnixMillis scheduled_time = 0;
  std::string terms;  // version to accept
  UnixMillis window_end = 0;
};

// The residency rules, as one pure function of topology, facts and time (docs/residency.md).
StandingResult DecideStanding(const Topology& topology, const AccountFacts& facts, UnixMillis now);

// The home of a new account of this territory at this time.
const HomeInfo& HomeAt(const TerritoryInfo& territory, UnixMillis now);
// The next scheduled home whose region differs, if announced.
const HomeInfo* AnnouncedChange(const TerritoryInfo& territory, UnixMillis now);

// Why a consent is looked at: to keep it (from the announcement on), or to move something now.
enum class ConsentUse : uint8_t { kRecord = 1, kMove = 2 };

// Does this consent say exactly what the topology computes for that move (every field but epoch and
// chain head), and was it signed between announcement and end of the window, with an expiry of at
// most 90 days that has not passed? CONSENT_VOID with the cause otherwise. With kMove, which is the
// default so that nothing moves by an oversight, also STATE_NOT_READY before the date of the move.
// Whose signature and which account it is, the caller has checked (DeviceChain).
absl::Status CheckConsent(const Topology& topology, const Envelope& envelope,
                          const Consent& consent, std::string_view territory, UnixMillis now,
                          ConsentUse use = ConsentUse::kMove);
// The consent that the topology computes; the client fills in epoch and chain head and signs it.
// STATE_NOT_READY when no move out of `source` is due or announced.
absl::StatusOr<Consent> DraftConsent(const Topology& topology, std::string_view territory,
                                     const RegionId& source, UnixMillis now);

}  // namespace comity

#endif  // COMITY_COMMON_TOPOLOGY_STANDING_H_
