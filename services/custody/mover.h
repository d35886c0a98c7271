#ifndef COMITY_CUSTODY_MOVER_H_
#define COMITY_CUSTODY_MOVER_H_

#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/ids/ids.h"
#include "services/custody/account.h"
#include "services/custody/ledger.h"
#include "services/custody/move_rules.h"
#include "services/custody/peer_custody.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// The source side of a key's move, and everything else that falls due about an account: takes step
// after step as DecideNextStep says, each durable before the next. It can stop anywhere and be
// started again by anybody. Thread-safe. What it is given outlives it.
class Mover final {
 public:
  Mover(const Site* site, Ledger* ledger, const Vault* vault, PeerCustody* peers)
      : site_(site), ledger_(ledger), vault_(vault), peers_(peers) {}

  enum class Scope {
    kHere,        // only steps that need nobody else; gives way to a run that is under way
    kEverywhere,  // also asks the other side; waits for a run that is under way. When many threads
                  // do so already, as kHere: the agenda does the rest
    kUnlessBusy,  // also asks the other side; gives way to a run that is under way
  };
  // OK when nothing is left to do now. Otherwise why it stopped: PEER_UNAVAILABLE and the like,
  // LOG_UNAVAILABLE, STORE_UNAVAILABLE, or what the other side's unusable answer was refused with.
  absl::Status Drive(const AccountId& id, Scope scope);

 private:
  class Turn;
  absl::Status Run(const AccountId& id, bool everywhere);
  absl::Status TakeStep(const Account& account, const MoveStep& step);

  absl::Status BeginKeyMove(const Account& account);
  absl::Status Export(const Account& account);
  // `begun` is `account` with the move that the keys are exported for.
  absl::Status SealKeys(const Account& before, Account account);
  absl::Status Import(const Account& account);
  absl::Status TellAbort(const Account& account);
  absl::Status TellRelease(const Account& account);
  // Decides and destroys: performed only if the step is still the next one when it is committed.
  absl::Status PerformStep(const AccountId& id, MoveStep::Kind kind);
  // The destination would not take the keys, and will not.
  absl::Status AbortRefused(const AccountId& id, AccountEpoch epoch);
  absl::Status FillAbort(AbortReason reason, Plan& plan) const;
  absl::Status FillRelease(Plan& plan) const;
  absl::Status FillDestruction(MoveStep::Kind kind, Plan& plan) const;

  const Site* const site_;
  Ledger* const ledger_;
  const Vault* const vault_;
  PeerCustody* const peers_;

  absl::Mutex mutex_;
  int asking_ ABSL_GUARDED_BY(mutex_) = 0;
  std::set<AccountId> running_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_MOVER_H_
