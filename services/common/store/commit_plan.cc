#include "services/common/store/commit_plan.h"

#include <set>
#include <utility>

#include "services/common/status/reason.h"

namespace comity {
namespace {

bool Holds(const Precondition& precondition, const PartitionState& state) {
  switch (precondition.kind) {
    case Precondition::Kind::kVersionIs:
      return state.version == precondition.version;
    case Precondition::Kind::kPartitionAbsent:
      return state.version == 0;
    case Precondition::Kind::kKeyAbsent:
      return !state.values.at(precondition.key).has_value();
    case Precondition::Kind::kKeyPresent:
      return state.values.at(precondition.key).has_value();
    case Precondition::Kind::kValueIs:
      return state.values.at(precondition.key) == precondition.value;
  }
  return false;
}

}  // namespace

std::vector<std::string> KeysOf(const std::vector<Precondition>& preconditions,
                                const std::vector<Mutation>& mutations) {
  std::set<std::string> keys;
  for (const Precondition& precondition : preconditions) keys.insert(precondition.key);
  for (const Mutation& mutation : mutations) keys.insert(mutation.key);
  keys.erase("");  // of the kinds that name no key
  return {keys.begin(), keys.end()};
}

absl::StatusOr<CommitPlan> PlanCommit(const PartitionState& state,
                                      const std::vector<Precondition>& preconditions,
                                      const std::vector<Mutation>& mutations, size_t max_keys) {
  for (const Precondition& precondition : preconditions) {
    if (!Holds(precondition, state)) {
      return Refuse(Reason::kConflict, "a precondition of the commit does not hold");
    }
  }

  CommitPlan plan{.exists = state.version != 0, .keys = state.keys};
  auto present = [&](const std::string& key) {
    if (auto written = plan.writes.find(key); written != plan.writes.end()) {
      return written->second.has_value();
    }
    return !plan.clear && state.values.at(key).has_value();
  };
  for (const Mutation& mutation : mutations) {
    switch (mutation.kind) {
      case Mutation::Kind::kPut:
        if (!present(mutation.key)) ++plan.keys;
        plan.writes[mutation.key] = mutation.value;
        plan.exists = true;
        break;
      case Mutation::Kind::kErase:
        if (state.values.at(mutation.key).has_value()) plan.erased.insert(mutation.key);
        [[fallthrough]];
      case Mutation::Kind::kDelete:
        if (present(mutation.key)) {
          --plan.keys;
          plan.writes[mutation.key] = std::nullopt;
        }
        break;
      case Mutation::Kind::kDeletePartition:
        plan = CommitPlan{.clear = true, .erased = std::move(plan.erased)};
        break;
    }
  }
  if (plan.keys > max_keys && plan.keys > state.keys) {
    return Refuse(Reason::kFieldInvalid, "the partition is full");
  }
  return plan;
}

}  // namespace comity
