#ifndef COMITY_STORAGE_GATES_H_
#define COMITY_STORAGE_GATES_H_

#include <optional>

#include "absl/status/status.h"

#include "services/common/tasks/task_pool.h"
#include "services/storage/account_store.h"
#include "services/storage/object_store.h"

namespace comity::storage {

// Sets the gate of every listed bucket of the account to `to`; with `only_from`, of those buckets
// alone whose gate it is. Repeatable; each bucket by itself, several at a time over `tasks` (null:
// one after the other), each with all the commits that went before. Whoever calls it has first made
// the account forbid new buckets.
absl::Status SetAllGates(TaskPool* tasks, ObjectStore& objects, const AccountSnapshot& account,
                         const Gate& to, const std::optional<Gate>& only_from = std::nullopt);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_GATES_H_
