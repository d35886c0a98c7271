#ifndef COMITY_CUSTODY_MOVE_RULES_H_
#define COMITY_CUSTODY_MOVE_RULES_H_

#include <optional>

#include "absl/status/status.h"

#include "services/common/statement/custody.h"
#include "services/common/topology/topology.h"
#include "services/custody/account.h"
#include "services/custody/delivery.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"

// The rules of a key's move, as functions of what is recorded and the time. The store and the other
// side are move.{h,cc}'s.
namespace comity::custody {

// What the source custody does next about an account, without being asked.
struct MoveStep {
  enum class Kind {
    kNothing,
    kBeginKeyMove,     // the keys alone are to move: ask the destination, and seal them to it
    kAbort,            // decide ABORTED, for `reason`
    kExport,           // seal the keys to a transport key of the destination
    kImport,           // hand them over
    kRelease,          // decide RELEASED
    kTellAbort,        // the destination has not confirmed an abort
    kTellRelease,      // it has not activated yet
    kDestroySource,    // the released copy
    kDestroyClosed,    // everything, the closing is due
    kDestroyVersions,  // those that the owner has given up
    kRotate,           // the next version makes itself
  };
  Kind kind = Kind::kNothing;
  AbortReason reason = AbortReason::kTimeout;
};
// The one decision function. RELEASED needs, at this very time: an unrevoked consent in force by an
// active device that the topology still computes, an open border, both equal manifests (where data
// moves), and the destination's receipt, less than 30 s after the fence became known or the keys
// that move alone were sealed. Pure.
MoveStep DecideNextStep(const Account& account, const Topology& topology, const RegionId& region,
                        UnixMillis now);
// When the keys of an account move alone, to where its data is, without anybody asking for it: from
// the day of the rules on, while a consent to that is in force which the topology still computes.
// After an attempt that was called off, later. Nothing when no such move is due or announced. Pure.
std::optional<UnixMillis> KeyMoveTime(const Account& account, const Topology& topology,
                                      const RegionId& region, UnixMillis now);
// Does the step wait for the other side?
bool NeedsPeer(MoveStep::Kind kind);

// Applies what others signed about a move to the plan. Statements of other moves than the one under
// way, and repeats, change nothing.
//
// Source: storage's fence (CONSENT_MISSING: it is recorded, but the consent that it names is not
// known here; STATEMENT_SUPERSEDED: an epoch that is over; STATE_NOT_READY: another move is not
// decided yet; RULES_FORBID: the data is in another region; ACCOUNT_NOT_HERE; SIGNATURE_INVALID,
// ENDORSEMENT_MISSING).
absl::Status ApplyFence(const Site& site, const Delivery& delivery, const ReadStatement& fence,
                        Plan& plan);
// Source: either storage's manifest. STATE_NOT_READY when it is not equal to the fence's.
absl::Status ApplyManifest(const Site& site, const Delivery& delivery,
                           const ReadStatement& manifest, Plan& plan);
// Source: the destination's activation.
absl::Status ApplyPeerActivation(const Site& site, const std::vector<Statement>& endorsements,
                                 const Statement& activation, Plan& plan);

// Destination: the source's release makes the keys active. STATE_NOT_READY when they are not here.
absl::Status ApplyRelease(const Site& site, const Delivery& delivery, const ReadStatement& release,
                          Plan& plan);
// Destination: the source's abort erases them, and is remembered so that a late import of the same
// epoch is refused.
absl::Status ApplyAbort(const Site& site, const Delivery& delivery, const ReadStatement& abort,
                        Plan& plan);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_MOVE_RULES_H_
