#ifndef COMITY_CUSTODY_VAULT_H_
#define COMITY_CUSTODY_VAULT_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/identity/authorization.h"
#include "services/common/secret/secret.h"
#include "services/custody/key_sealer.h"
#include "services/custody/leaf_log.h"
#include "services/custody/seal.h"
#include "services/custody/site.h"

namespace comity::custody {

struct SealState {
  std::string description;
  bool sealed = true;
  uint32_t needed = 0;  // 0: the seal opens by itself
  // None: the same. While it is open, who has entered is who has renewed the lease so far.
  std::vector<ShareState> holders;
  UnixMillis lease_end = 0;                  // when custody seals itself; 0: sealed, or no lease
  std::string share_set;                     // of the shares in force; empty: the seal has none
  SealTrouble trouble = SealTrouble::kNone;  // why a token did not open it when last asked
  uint32_t generation = 0;                   // how many root keys there were; 0: sealed
  bool committee_differs = false;            // the topology names other holders
  uint32_t to_rotate = 0;                    // shares entered for another root key
  std::vector<ShareState> dealt;             // to whom its shares are dealt, and who has shown his
  bool resealing = false;                    // keys are being sealed anew under the newest root key
  uint64_t resealed = 0;                     // accounts done
  uint32_t entered() const;
};

// How long the shares of a new root key wait in memory for those whom they are dealt to.
inline constexpr int64_t kDealingMs = kDayMs;

// What the root key opens, while it is open. Sealing takes effect at once and waits for nobody: no
// log, no call that is under way. Thread-safe. What it is given outlives it.
class Vault final {
 public:
  // `wipe` drops everything that was opened with the root key and is kept elsewhere. It is called
  // after Open() refuses, so that nothing can be put back.
  Vault(const Site* site, Seal* seal, LeafLog* log, std::function<void()> wipe);

  // Opens a seal that opens by itself; leaves one that people open sealed, and one whose token does
  // not open it. Before the first call.
  absl::Status Start();

  // The keys under the root. Whoever keeps the pointer over more than one act keeps the keys, too.
  // SEALED.
  using Keys = std::shared_ptr<const KeySealer>;
  absl::StatusOr<Keys> Open() const;
  absl::Status CheckOpen() const { return Open().status(); }
  // Is the lease over? Then no key is used any more, also of those that are in memory still. For
  // those who use such ones; takes no lock.
  bool LeaseIsOver() const {
    const UnixMillis end = lease_end_.load(std::memory_order_relaxed);
    return end != 0 && end <= site_->Now();
  }

  // For operator persons of this custody alone: CALLER_NOT_ALLOWED.
  absl::StatusOr<SealState> GetState(const Authorization& authorization) const;
  // Takes the caller's share; opens when there are enough, after a leaf says so. When it is open
  // already the share is checked and forgotten; where there is a lease, it is renewed when as many
  // holders as open the seal have done so, after a leaf. What Seal::Enter() refuses;
  // LOG_UNAVAILABLE, after which any holder enters his share once more; SEALED when somebody sealed
  // meanwhile.
  absl::StatusOr<SealState> Enter(const Authorization& authorization, const SecretBytes& share);
  // Wipes root, opened keys and shares entered so far. Its leaf follows by Tick().
  absl::StatusOr<SealState> Close(const Authorization& authorization);

  // Another root key in the place of this one (docs/custody.md). Takes the caller's share for it;
  // with as many as open the seal a root key is made, and, where people open, its shares are dealt
  // to the committee that the topology names. Each takes his by TakeShare() and shows by Enter()
  // that he has it. When all have, the new root is in force and those before open nothing; without
  // people that is so at once. SEALED; STATE_NOT_READY while keys still rest under the root before;
  // what Seal::Enter() refuses; LOG_UNAVAILABLE; STORE_UNAVAILABLE.
  absl::StatusOr<SealState> Rotate(const Authorization& authorization, const SecretBytes& share);
  // The caller's share of the root key that was made, until he has shown it. STATE_NOT_READY.
  absl::StatusOr<SecretBytes> TakeShare(const Authorization& authorization) const;

  // Do calls that are under way still seal under a root key before the newest? Never again once
  // this has said no, for the same newest one.
  bool KeysBeforeInUse() const;
  // Tells of the accounts whose keys rest under the newest root key.
  void NoteResealed(uint64_t accounts) { resealed_ = accounts; }
  // Nothing rests under the root before `keys` any more: it is destroyed, after a leaf. SEALED when
  // these are not the keys that are open; LOG_UNAVAILABLE, STORE_UNAVAILABLE.
  absl::Status FinishRotation(const Keys& keys);

  // What everybody may know.
  SealState state() const;
  std::string description() const { return seal_->description(); }

  // Writes the leaf of a sealing. Blocks; from the maintenance thread.
  void Tick();
  // Wipes everything when the lease is over, and warns of it in its last quarter. From the
  // maintenance thread.
  void CheckLease();

 private:
  absl::Status Install(Keys keys, uint64_t generation);
  // Lets the backup, if one is kept, follow the seal and these keys.
  absl::Status BackUp(const Keys& keys) const;
  absl::StatusOr<Keys> KeysOf(SecretBytes root) const;
  // Puts other keys in the place of the open ones, if nobody has sealed since.
  absl::Status Exchange(Keys keys, uint64_t generation);
  void NoteHandedOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CutOver(uint64_t generation) ABSL_EXCLUSIVE_LOCKS_REQUIRED(entering_);
  // SEALED, and nothing left that was entered or dealt, if somebody has sealed since.
  absl::Status CheckSince(uint64_t generation);
  void CheckDealt() ABSL_EXCLUSIVE_LOCKS_REQUIRED(entering_);
  absl::Status Renew(const std::string& person, uint64_t generation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(entering_);
  // Wipes everything; with `if_over` only when the lease is over. Whether it did.
  bool CloseNow(bool if_over);
  absl::Status WriteLeaf(std::string_view type) const;
  absl::Status WriteOwedLeaf() ABSL_EXCLUSIVE_LOCKS_REQUIRED(entering_);

  const Site* const site_;
  Seal* const seal_;
  LeafLog* const log_;
  const std::function<void()> wipe_;

  absl::Mutex entering_;  // one opening at a time, its leaf included; Close() does not take it
  mutable absl::Mutex mutex_;
  Keys keys_ ABSL_GUARDED_BY(mutex_);
  // What those who were handed keys before may still use.
  std::vector<std::weak_ptr<const KeySealer>> handed_out_ ABSL_GUARDED_BY(mutex_);
  Keys next_ ABSL_GUARDED_BY(mutex_);  // of the root key whose shares are dealt
  UnixMillis dealt_at_ ABSL_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> resealed_{0};
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // grows with every Close()
  bool leaf_owed_ ABSL_GUARDED_BY(mutex_) = false;
  // 0: no lease. Written under mutex_; stays when it is over, so that nothing is used until the
  // next opening.
  std::atomic<UnixMillis> lease_end_{0};
  std::set<std::string> renewed_by_ ABSL_GUARDED_BY(mutex_);
  UnixMillis warned_ = 0;  // of the maintenance thread
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_VAULT_H_
