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

// Where an account is.
struct Placement {
  RegionId home;  // whose storage serves its data
  RegionId keys;  // whose custody has its keys: `home` (resident) or another region (exclave)
  bool resident() const { return keys == home; }
  friend bool operator==(const Placement&, const Placement&) = default;
};
inline Placement ResidentIn(const RegionId& region) { return {region, region}; }

// What one account's statements say; the caller has verified them.
struct AccountFacts {
  std::string territory;
  Placement place;  // where it is now
  bool notified = false;
  bool in_migration = false;
  bool moved = false;  // by a completed move, to `place`
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
// The custody policy of accounts that are placed so, without refuge regions.
CustodyPolicy PolicyOf(const Placement& place);
inline Placement PlacementOf(const HomeInfo& home) { return {home.region, home.keys}; }
// Where an account begins; nothing when its record has no policy, several, or one that says
// something else than where one custody is.
std::optional<Placement> PlacementOf(const AccountRecord& record);
// Where an account is when it consents to this, as the consent has it. What moves its keys alone
// names the region of the keys as source, and that of the data as destination.
std::optional<Placement> PlacementBefore(const Consent& consent);
// Does it bring keys from another region to where the data is? False also when it says nothing.
bool MovesKeysAlone(const Consent& consent);
// The next scheduled home that keeps data or keys elsewhere than today's, if announced.
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
// STATE_NOT_READY when nothing of an account that is placed so is due or announced to move, or
// would move in a way that nothing moves: data and keys go together, or keys go to where the data
// is.
absl::StatusOr<Consent> DraftConsent(const Topology& topology, std::string_view territory,
                                     const Placement& place, UnixMillis now);

}  // namespace comity

#endif  // COMITY_COMMON_TOPOLOGY_STANDING_H_
