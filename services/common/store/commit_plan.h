#ifndef COMITY_COMMON_STORE_COMMIT_PLAN_H_
#define COMITY_COMMON_STORE_COMMIT_PLAN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/store/record_store.h"

// What a commit does to a partition, worked out before anything is written. Pure.
namespace comity {

// The partition as it stands, as far as one commit needs to know.
struct PartitionState {
  PartitionVersion version = 0;  // 0: absent
  uint32_t keys = 0;
  // Every key that the commit names, with its value if it has one.
  std::map<std::string, std::optional<std::string>> values;
};

struct CommitPlan {
  bool clear = false;   // remove all keys first
  bool exists = false;  // whether the partition exists afterwards
  uint32_t keys = 0;    // how many keys it then has
  // Then put these values and delete the keys without one.
  std::map<std::string, std::optional<std::string>> writes;
  // Keys whose values, as they stood, are to leave the files.
  std::set<std::string> erased;
};

// The keys that the preconditions and mutations name, each once, ascending.
std::vector<std::string> KeysOf(const std::vector<Precondition>& preconditions,
                                const std::vector<Mutation>& mutations);

// CONFLICT when a precondition does not hold; FIELD_INVALID when the partition would have more than
// `max_keys`. The commit has passed CheckCommit.
absl::StatusOr<CommitPlan> PlanCommit(const PartitionState& state,
                                      const std::vector<Precondition>& preconditions,
                                      const std::vector<Mutation>& mutations,
                                      size_t max_keys = kMaxPartitionKeys);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_COMMIT_PLAN_H_
