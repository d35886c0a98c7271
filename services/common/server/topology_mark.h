#ifndef COMITY_COMMON_SERVER_TOPOLOGY_MARK_H_
#define COMITY_COMMON_SERVER_TOPOLOGY_MARK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/topology/topology.h"

// Which topology a caller follows, said in the metadata of its calls.
namespace comity {

inline constexpr char kTopologyMetadata[] = "comity-topology";

struct TopologyMark {
  uint64_t serial = 0;
  std::string digest_hex;  // 64 lower-case hex digits
};

TopologyMark MarkOf(const Topology& topology);
std::string FormatTopologyMark(const TopologyMark& mark);  // "<serial>:<digest>"
// Only what FormatTopologyMark() writes.
std::optional<TopologyMark> ParseTopologyMark(std::string_view text);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_TOPOLOGY_MARK_H_
