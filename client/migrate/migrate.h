#ifndef COMITY_CLIENT_MIGRATE_MIGRATE_H_
#define COMITY_CLIENT_MIGRATE_MIGRATE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/session/session.h"
#include "services/common/ids/ids.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"

// What an operator person of a storage does with moves. `session` is opened with that person's
// certificate.
namespace comity {

struct StandingCount {
  Standing standing = Standing::kStays;
  std::string territory;
  uint64_t accounts = 0;
};
struct AccountStanding {
  AccountId account;
  Standing standing = Standing::kStays;
  std::string territory;
  std::string reason;
};
struct MigrationPlan {
  std::vector<StandingCount> counts;
  std::vector<AccountStanding> accounts;  // all, by id
};
absl::StatusOr<MigrationPlan> PlanMigration(Session& session, const RegionId& source);

enum class MoveStep : uint8_t {
  kNone = 0,
  kPrepared = 1,
  kDataCopied = 2,
  kFenced = 3,
  kKeysMoved = 4,
  kCutOver = 5,
  kDestroyed = 6,
  kTold = 7,
  kAborted = 8,
};
std::string_view Name(MoveStep step);  // "data copied"

struct MoveView {
  AccountId account;
  MoveStep step = MoveStep::kNone;
  uint64_t objects = 0;
  uint64_t bytes = 0;
  uint32_t pause_ms = 0;
  Reason failure = Reason::kUnspecified;  // why the last try did not get on
  std::string destination;
};
struct MigrationView {
  RequestId id;
  bool done = false;
  uint64_t accounts = 0;
  uint64_t moved = 0;
  uint64_t failed = 0;
  std::vector<MoveView> moves;
};
// Starts moving every account that is eligible; `destination` empty = any, `max_accounts` 0 = all.
absl::StatusOr<MigrationView> StartMigration(Session& session, const RegionId& source,
                                             const std::string& destination, uint64_t max_accounts);
// The newest one when `id` is not given.
absl::StatusOr<MigrationView> GetMigration(Session& session, const RegionId& source,
                                           const RequestId* id = nullptr);
// Waits until it is done; told of each look.
absl::StatusOr<MigrationView> WaitForMigration(
    Session& session, const RegionId& source, const RequestId& id,
    const std::function<void(const MigrationView&)>& progress = nullptr);

}  // namespace comity

#endif  // COMITY_CLIENT_MIGRATE_MIGRATE_H_
