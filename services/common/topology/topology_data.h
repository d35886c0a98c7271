#ifndef COMITY_COMMON_TOPOLOGY_TOPOLOGY_DATA_H_
#define COMITY_COMMON_TOPOLOGY_TOPOLOGY_DATA_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "services/common/topology/topology.h"

// Internal to services/common/topology: what a Topology holds while it is being read.
namespace comity::internal {

struct TopologyData {
  uint64_t serial = 0;
  Digest digest;
  std::string deployment;
  std::string title;
  bool development = false;
  std::optional<UnixMillis> test_clock_start;
  std::string log_quorum;
  std::map<std::string, std::string> jurisdictions;
  std::map<std::string, OperatorInfo> operators;
  std::map<RegionId, RegionInfo> regions;
  std::set<std::tuple<RegionId, RegionId, ServiceKind>> borders;
  std::map<std::string, TermsInfo> terms;
  std::map<std::string, TerritoryInfo> territories;
  std::map<RegionId, ReviewRulesInfo> review_rules;
  std::vector<PersonTemplate> people;
};

// Parses the file and checks every rule; TOPOLOGY_INVALID with line and why.
absl::StatusOr<TopologyData> ReadTopology(std::string_view text, bool as_template);

}  // namespace comity::internal

#endif  // COMITY_COMMON_TOPOLOGY_TOPOLOGY_DATA_H_
