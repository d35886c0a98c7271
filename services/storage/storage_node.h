#ifndef COMITY_STORAGE_STORAGE_NODE_H_
#define COMITY_STORAGE_STORAGE_NODE_H_

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/statusor.h"

#include "services/common/identity/service_signer.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "services/common/topology/roster.h"
#include "services/storage/account_index.h"
#include "services/storage/accounts.h"
#include "services/storage/deliveries.h"
#include "services/storage/event_log.h"
#include "services/storage/incoming.h"
#include "services/storage/legal_use.h"
#include "services/storage/migrations.h"
#include "services/storage/mover.h"
#include "services/storage/objects.h"
#include "services/storage/own_custody.h"
#include "services/storage/peer_storage.h"

namespace comity::storage {

// The domain of one storage, put together over its ports: no server, no threads but those that the
// options name. Thread-safe.
class StorageNode final {
 public:
  // Outlive the node.
  struct Ports {
    const Topology* topology = nullptr;
    RegionId region;
    const Clock* clock = nullptr;
    const Clock* real_time = nullptr;  // what blobs are dated by
    ServiceSigner* signer = nullptr;
    const Roster* roster = nullptr;
    EventLog* log = nullptr;
    RecordStore* records = nullptr;
    BlobStore* blobs = nullptr;
    PeerStorage* peer = nullptr;
    OwnCustody* custody = nullptr;
  };
  struct Options {
    size_t mover_threads = 4;     // 0: moves advance only by AdvanceMove(),
    bool maintain_moves = false;  // or, with this, by Maintain()
    size_t task_threads = 0;      // for reads and writes side by side; 0: one after the other
  };

  // Reads every account once, and takes up the moves that are not finished.
  static absl::StatusOr<std::unique_ptr<StorageNode>> Create(const Ports& ports,
                                                             const Options& options);
  ~StorageNode();

  Accounts& accounts();
  Objects& objects();
  Deliveries& deliveries();
  Incoming& incoming();
  LegalUses& legal_uses();
  Migrations& migrations();
  const AccountIndex& index() const;

  // Everything that time brings about: notices, enrolment, due accounts, sweeping. Returns early
  // when `stop` says so. Called by one thread.
  void Maintain(const std::function<bool()>& stop);

  // One account's move, on this thread.
  Progress AdvanceMove(const AccountId& account);
  // The account as it is kept here; null if it is not.
  absl::StatusOr<SnapshotPtr> Load(const AccountId& account);

 private:
  struct Impl;
  StorageNode();
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORAGE_NODE_H_
