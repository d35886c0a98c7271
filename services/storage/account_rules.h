#ifndef COMITY_STORAGE_ACCOUNT_RULES_H_
#define COMITY_STORAGE_ACCOUNT_RULES_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/topology/standing.h"
#include "services/common/topology/topology.h"
#include "services/storage/account_store.h"

// What follows from an account's snapshot, the topology and the time alone. Pure.
namespace comity::storage {

// How long a source keeps its copy after the destination is active when no device reads it back.
inline constexpr int64_t kReadBackPeriodMs = 30 * kDayMs;

// Is a move away from here under way, not yet cut over or called off?
bool IsMoving(const AccountSnapshot& account);

// The newest consent if it counts now: not taken back, not expired, not spent by a move, about
// this region, and saying what the topology computes. Null otherwise.
const ConsentEntry* ConsentInForce(const Topology& topology, const RegionId& region,
                                   const AccountSnapshot& account, UnixMillis now);

// Where an account is that region `home` serves.
Placement PlaceOf(const RegionId& home, const AccountSnapshot& account);

// The account as the residency rules see it.
AccountFacts FactsOf(const Topology& topology, const RegionId& region,
                     const AccountSnapshot& account, UnixMillis now);
StandingResult StandingOf(const Topology& topology, const RegionId& region,
                          const AccountSnapshot& account, UnixMillis now);

// May this move go on: is the consent that it spends still in force, and may it move something now?
// CONSENT_MISSING, CONSENT_VOID, STATE_NOT_READY before the date, BORDER_CLOSED.
absl::Status CheckMayMove(const Topology& topology, const RegionId& region,
                          const AccountSnapshot& account, const MoveRecord& move, UnixMillis now);

// Is the account served here now? ACCOUNT_NOT_HERE, ACCOUNT_CLOSING (closed), ACCOUNT_FENCED.
absl::Status CheckServed(const AccountSnapshot& account);
// And may its owner write? ACCOUNT_CLOSING, ACCOUNT_SUSPENDED besides.
absl::Status CheckWritable(const Topology& topology, const RegionId& region,
                           const AccountSnapshot& account, UnixMillis now);

// May the source's copy of a moved account be destroyed: has a device read its data back at the
// destination, or have 30 days passed since that is active?
bool MayDestroySource(const AccountSnapshot& account, UnixMillis now);
bool IsReadBack(const AccountSnapshot& account);
// The account epoch that the newest move away from here ended or would have ended.
absl::StatusOr<AccountEpoch> EpochBeforeMove(const AccountSnapshot& account);

// When maintenance must next look at the account; nothing if never.
std::optional<UnixMillis> NextDue(const AccountSnapshot& account);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_RULES_H_
