#ifndef COMITY_COMMON_LOG_LOG_GROWTH_H_
#define COMITY_COMMON_LOG_LOG_GROWTH_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/common/log/tiles.h"

// What a batch of leaves makes of a log, as a pure function: the same leaves on the same state give
// the same files, which is why an interrupted batch can be written again.
namespace comity {

struct LogState {
  TileEdge edge;
  std::string tail;  // bytes of the partial entry bundle
  uint64_t size() const { return edge.size(); }
};

struct LogGrowth {
  LogState state;
  std::vector<std::pair<TileId, std::string>> files;  // new, to be written
  std::vector<std::pair<TileId, size_t>> superseded;  // partial, with their size in bytes
  std::map<TileId, TileHashes> full_tiles;            // completed by the batch, for proofs
};

// `leaves` are at most one tile's width, each at most 65,535 bytes.
LogGrowth GrowLog(const LogState& from, const std::vector<std::string>& leaves);

}  // namespace comity

#endif  // COMITY_COMMON_LOG_LOG_GROWTH_H_
