#ifndef COMITY_STORAGE_MOVER_H_
#define COMITY_STORAGE_MOVER_H_

#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"
#include "services/storage/account_store.h"
#include "services/storage/copy_source.h"
#include "services/storage/eraser.h"
#include "services/storage/move_decision.h"
#include "services/storage/object_store.h"
#include "services/storage/own_custody.h"
#include "services/storage/peer_storage.h"
#include "services/storage/site.h"

namespace comity::storage {

// How far Advance() got.
enum class Progress : uint8_t {
  kDone,       // nothing is left to do
  kRetry,      // something was not reachable or not ready: try again
  kRetrySoon,  // and meanwhile reads and writes wait
  kWait,       // cut over; the rest waits for a read-back or a date
};

// The coordinator of moves away from here (docs/adr/0007): it carries statements and bytes and has
// no rights of its own. Every step is durable in the account's move record before the next one
// begins, and may be repeated, so that a killed process goes on where it was; what cannot be undone
// (fence, cut-over, abort) is done only on what custody has signed. Thread-safe for different
// accounts; one Advance() at a time for each account.
class Mover final {
 public:
  // What is given outlives this.
  Mover(Site site, AccountStore* accounts, ObjectStore* objects, BlobStore* blobs, Eraser* eraser,
        PeerStorage* peer, OwnCustody* custody);

  // Gives an eligible account the record of a move: its consent, the epoch it proposes. Nothing is
  // moved yet. False when it is not eligible now or is being moved already.
  absl::StatusOr<bool> Enrol(const AccountId& account, const RequestId& migration);

  // Takes the account's move as far as it can get now. A failure is in the move record.
  Progress Advance(const AccountId& account);

 private:
  enum class Step : uint8_t { kNext, kWait, kDone };

  absl::StatusOr<Step> TakeStep(const AccountSnapshot& account);
  absl::Status Prepare(const AccountSnapshot& account);
  absl::Status Copy(const AccountSnapshot& account);
  absl::Status SetFence(const AccountSnapshot& account);
  absl::Status Decide(const AccountSnapshot& account);
  absl::StatusOr<Step> Conclude(const AccountSnapshot& account);
  absl::Status Tell(const AccountSnapshot& account);
  absl::Status TellCalledOff(const AccountSnapshot& account);

  // Parts of Decide.
  absl::StatusOr<SnapshotPtr> SignFence(const AccountSnapshot& account);
  absl::Status ConfirmThere(const AccountSnapshot& account);
  absl::StatusOr<MoveDecision> AskCustody(const AccountSnapshot& account);
  absl::Status CutOver(const AccountSnapshot& account, const MoveDecision& decision);
  absl::Status Unfence(const AccountSnapshot& account, const MoveDecision& decision);

  // Ends a move that is not fenced yet: nothing has happened that custody must undo.
  absl::Status CallOff(const AccountSnapshot& account, Reason reason);
  absl::StatusOr<PassResult> RunPass(const AccountSnapshot& account);
  absl::Status TellOutcome(const AccountSnapshot& account);
  absl::Status TellDestination(const AccountSnapshot& account,
                               const std::vector<Statement>& statements);
  void RecordFailure(const AccountSnapshot& account, const absl::Status& status);
  // Changes the move record if it is still the one of `account`.
  absl::StatusOr<SnapshotPtr> UpdateMove(
      const AccountSnapshot& account,
      const std::function<absl::Status(const AccountSnapshot&, AccountEdit&)>& change);

  const Site site_;
  AccountStore* const accounts_;
  ObjectStore* const objects_;
  BlobStore* const blobs_;
  Eraser* const eraser_;
  PeerStorage* const peer_;
  OwnCustody* const custody_;
};

// Will the same call perhaps succeed later? Otherwise the other side has refused for good.
bool IsTransient(const absl::Status& status);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_MOVER_H_
