#ifndef COMITY_STORAGE_MIGRATIONS_H_
#define COMITY_STORAGE_MIGRATIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/storage/account_index.h"
#include "services/storage/mover.h"
#include "services/storage/site.h"

namespace comity::storage {

// A migration: an operator person's order to move whoever is eligible. Its id is the request id.
struct Migration {
  RequestId id;
  UnixMillis time = 0;
  std::optional<RegionId> destination;
  uint64_t max_accounts = 0;  // 0 = all
  uint64_t accounts = 0;
  bool enrolled = false;  // every account has its move record
};

// Where migrations are kept. STORE_UNAVAILABLE.
class MigrationStore {
 public:
  virtual ~MigrationStore() = default;
  // In order of time, oldest first.
  virtual absl::StatusOr<std::vector<Migration>> List() = 0;
  virtual absl::Status Put(const Migration& migration) = 0;
};

struct MigrationReport {
  Migration migration;
  bool done = false;
  uint64_t moved = 0;             // cut over, or further
  uint64_t failed = 0;            // called off
  std::vector<MoveStatus> moves;  // up to 1,000, failures first
};

// Starts migrations and reports on them. Thread-safe.
class Migrations final {
 public:
  using Enqueue = std::function<void(const AccountId&)>;

  // What is given outlives this. `enqueue` is told of each account that has a move to make.
  Migrations(Site site, MigrationStore* store, AccountIndex* index, Mover* mover, Enqueue enqueue);

  // Durable when answered; accounts are enrolled by EnrolAll(). A repeat gets the same answer;
  // REQUEST_ID_REUSED with other parameters; FIELD_INVALID for a region that is not in the
  // topology.
  absl::StatusOr<Migration> Start(const RequestId& id, const std::optional<RegionId>& destination,
                                  uint64_t max_accounts);

  // Nothing: the newest. STATE_NOT_READY when there is none.
  absl::StatusOr<MigrationReport> Get(const std::optional<RequestId>& id);

  // Enrols the accounts of every migration that is not wholly enrolled.
  absl::Status EnrolAll();

 private:
  absl::Status EnrolOne(Migration migration);

  const Site site_;
  MigrationStore* const store_;
  AccountIndex* const index_;
  Mover* const mover_;
  const Enqueue enqueue_;
  absl::Mutex start_mutex_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_MIGRATIONS_H_
