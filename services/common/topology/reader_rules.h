#ifndef COMITY_COMMON_TOPOLOGY_READER_RULES_H_
#define COMITY_COMMON_TOPOLOGY_READER_RULES_H_

#include <optional>
#include <string>
#include <string_view>

#include "comity/topology/v1/topology.pb.h"
#include "services/common/topology/reader_text.h"
#include "services/common/topology/topology_data.h"

// Internal to services/common/topology: the rules of the file, one function for each part. Each
// reads its part into `data`, which holds the parts before it, or answers TOPOLOGY_INVALID with the
// line and why. The rules are told in docs/topology.md.
namespace comity::internal {

absl::Status ReadHead(const comity::topology::v1::Topology& file, const Place& place,
                      TopologyData& data);
absl::Status ReadJurisdictions(const comity::topology::v1::Topology& file, const Place& place,
                               TopologyData& data);
absl::Status ReadOperators(const comity::topology::v1::Topology& file, const Place& place,
                           bool as_template, TopologyData& data);
absl::Status ReadRegions(const comity::topology::v1::Topology& file, const Place& place,
                         bool as_template, TopologyData& data);
absl::Status ReadBorders(const comity::topology::v1::Topology& file, const Place& place,
                         TopologyData& data);
absl::Status ReadTerms(const comity::topology::v1::Topology& file, const Place& place,
                       TopologyData& data);
absl::Status ReadTerritories(const comity::topology::v1::Topology& file, const Place& place,
                             TopologyData& data);
absl::Status ReadReviewRules(const comity::topology::v1::Topology& file, const Place& place,
                             TopologyData& data);
absl::Status ReadPeople(const comity::topology::v1::Topology& file, const Place& place,
                        TopologyData& data);

bool IsName(std::string_view text);    // 1 to 32 of [a-z0-9-], a letter or digit at both ends
bool IsCode(std::string_view text);    // 2 to 8 of [A-Z0-9]
bool IsTitle(std::string_view text);   // 1 to 200 bytes without control characters
bool IsDomain(std::string_view text);  // a DNS name in lower case
bool IsHostPort(std::string_view text);
std::string Quote(std::string_view text);

const RegionInfo* FindRegion(const TopologyData& data, const std::string& name);
std::optional<ServiceKind> KindFromProto(comity::topology::v1::ServiceKind kind);

}  // namespace comity::internal

#endif  // COMITY_COMMON_TOPOLOGY_READER_RULES_H_
