#ifndef COMITY_STORAGE_INCOMING_H_
#define COMITY_STORAGE_INCOMING_H_

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/identity/authorization.h"
#include "services/common/statement/custody.h"
#include "services/common/store/blob_store.h"
#include "services/common/tasks/task_pool.h"
#include "services/storage/account_store.h"
#include "services/storage/content_writer.h"
#include "services/storage/eraser.h"
#include "services/storage/object_store.h"
#include "services/storage/object_walk.h"
#include "services/storage/site.h"

namespace comity::storage {

struct PrepareCommand {
  AccountId account;
  AccountEpoch epoch = 0;
  std::vector<Statement> chain;
  std::vector<Statement> statements;  // oldest first
  std::optional<Statement> consent;
};

// One version that the destination has.
struct HeldVersion {
  ObjectId object;
  uint64_t version = 0;
  Digest record;  // digest of the canonical record
};

struct ConfirmedManifest {
  Statement manifest;
  Statement endorsement;
};

// One CopyObjects stream at the destination. Not thread-safe; the Incoming outlives it.
class CopyReceiver final {
 public:
  // Lets go of bytes only when everything under way has ended.
  ~CopyReceiver();

  // What is here already, in order of object id; nothing at the end.
  absl::StatusOr<std::optional<HeldVersion>> NextHeld();

  // Begins a version; its bytes follow, and its end.
  absl::Status Begin(ObjectRecord record);
  absl::Status Write(std::string_view chunk);
  // Begin to make the version, or the deletion, durable, so that several wait for the disk
  // together; without a pool it is durable then. DATA_CORRUPT when the bytes are not those of the
  // record. What is refused may be an earlier one.
  absl::Status End();
  absl::Status Delete(const ObjectId& object);
  bool receiving() const { return record_.has_value(); }
  // Everything is durable: how many versions and deletions that was.
  absl::StatusOr<uint64_t> Finish();

 private:
  friend class Incoming;
  using Applying = Task<absl::Status>;

  CopyReceiver(class Incoming* incoming, SnapshotPtr account);
  absl::Status CheckOpen(const AccountSnapshot* known) const;
  absl::Status UpdateBuckets(const std::set<uint8_t>& more);
  absl::Status BeginApply(std::function<absl::Status()> work);
  // Ends what is under way, the oldest first, until no more than `left` are.
  absl::Status Await(size_t left);
  // Of the tasks:
  absl::Status ListBucket(uint8_t bucket) ABSL_LOCKS_EXCLUDED(mutex_);
  bool IsOpened(uint8_t bucket) ABSL_LOCKS_EXCLUDED(mutex_);
  absl::Status Keep(ContentWriter& writer, std::optional<WrittenContent> written,
                    const ObjectRecord& record);
  absl::Status Apply(const ObjectId& object, const std::optional<StoredObject>& put);

  class Incoming* const incoming_;
  const AccountId account_;
  const AccountEpoch epoch_;
  ObjectWalk held_;
  std::optional<ObjectRecord> record_;
  std::shared_ptr<ContentWriter> writer_;
  std::deque<std::shared_ptr<Applying>> under_way_;  // in the order in which they came
  uint64_t done_ = 0;

  absl::Mutex mutex_;
  absl::CondVar listed_changed_;
  std::set<uint8_t> listed_ ABSL_GUARDED_BY(mutex_);
  std::set<uint8_t> to_list_ ABSL_GUARDED_BY(mutex_);
  bool listing_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<uint8_t> opened_ ABSL_GUARDED_BY(mutex_);  // listed, with an open gate
};

// The destination of moves. It takes nothing without the device's own consent to exactly this, and
// serves nothing before source custody's signed release and its own custody's signed activation.
// Thread-safe.
class Incoming final {
 public:
  // What is given outlives this.
  Incoming(Site site, AccountStore* accounts, ObjectStore* objects, BlobStore* blobs,
           Eraser* eraser);

  // Step PREPARED. A repeat is OK; a later epoch replaces a move that was called off.
  //   BORDER_CLOSED     this topology has no such edge.
  //   CONSENT_MISSING, CONSENT_VOID, CHAIN_BEHIND, SIGNATURE_INVALID, STATEMENT_MALFORMED
  //   STATE_NOT_READY   the account is served here, an earlier copy is not destroyed, an earlier
  //                     move to here is not decided, or the date has not come.
  absl::Status Prepare(const Authorization& authorization, const PrepareCommand& command);

  // Step DATA_COPIED. CONSENT_MISSING when nothing was prepared for this epoch by the caller;
  // CONSENT_VOID when the consent was taken back.
  absl::StatusOr<std::unique_ptr<CopyReceiver>> BeginCopy(const Authorization& authorization,
                                                          const AccountId& account,
                                                          AccountEpoch epoch);

  // Step FENCED: no more copies are taken; CONFLICT when the manifests differ. What is confirmed
  // is only given up on an abort.
  absl::StatusOr<ConfirmedManifest> Confirm(const Authorization& authorization,
                                            const AccountId& account, AccountEpoch epoch,
                                            const Statement& manifest,
                                            const Statement& endorsement);

  // Step CUT_OVER: the release and the activation verified; `kept` joins the history. OK when it
  // is done already. STATE_NOT_READY when what is here is not what was released.
  absl::Status Activate(const AccountId& account, const Parsed<Release>& release,
                        const std::vector<Statement>& kept);

  // The consent was taken back, or custody aborted (`aborted`, which counts also when the manifests
  // were confirmed): accepts nothing more, and erases.
  absl::Status CallOff(const AccountId& account, bool aborted);

 private:
  friend class CopyReceiver;

  // The account if this move to here is open. CONSENT_MISSING, CONSENT_VOID, BORDER_CLOSED.
  absl::StatusOr<SnapshotPtr> Open(const Authorization& authorization, const AccountId& account,
                                   AccountEpoch epoch);
  absl::Status EraseCalledOff(const AccountSnapshot& account);
  absl::Mutex& StripeOf(const AccountId& account) {
    return stripes_[static_cast<uint8_t>(account.bytes()[0]) % stripes_.size()];
  }

  const Site site_;
  AccountStore* const accounts_;
  ObjectStore* const objects_;
  BlobStore* const blobs_;
  Eraser* const eraser_;
  // Opening the gates for copies, sealing them and activating are one at a time for an account.
  std::array<absl::Mutex, 64> stripes_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_INCOMING_H_
