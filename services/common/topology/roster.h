#ifndef COMITY_COMMON_TOPOLOGY_ROSTER_H_
#define COMITY_COMMON_TOPOLOGY_ROSTER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/statement/operator.h"
#include "services/common/topology/topology.h"

namespace comity {

// The verified roster of one region. Immutable, copyable.
class Roster final {
 public:
  // Verifies the signatures of review's and custody's operators of `region`; no two persons share a
  // name or a key; agents and operator persons have no other role. SIGNATURE_INVALID otherwise.
  static absl::StatusOr<Roster> Verify(const Statement& statement, const RegionId& region,
                                       const Topology& topology);

  uint64_t number() const { return number_; }
  // Number 1 counts at once (0), later ones 72 h after they were signed.
  UnixMillis effective_time() const { return effective_time_; }
  const RegionId& region() const { return region_; }
  const std::vector<RosterPerson>& persons() const { return persons_; }
  const RosterPerson* FindByKey(const SigningKeyId& key) const;  // nullptr if none
  const RosterPerson* FindByName(std::string_view name) const;

 private:
  Roster() = default;
  uint64_t number_ = 0;
  UnixMillis effective_time_ = 0;
  RegionId region_;
  std::vector<RosterPerson> persons_;
  std::vector<std::pair<SigningKeyId, size_t>> keys_;  // sorted
};

bool HasRole(const RosterPerson& person, PersonRole role);

}  // namespace comity

#endif  // COMITY_COMMON_TOPOLOGY_ROSTER_H_
