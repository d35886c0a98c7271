#include "services/common/log/log_growth.h"

#include <algorithm>

#include "services/common/log/merkle.h"

namespace comity {
namespace {

// The partial files that a state has, by id.
std::map<TileId, std::string> PartialFiles(const LogState& state) {
  std::map<TileId, std::string> files;
  if (!state.tail.empty()) {
    const uint64_t index = EdgeTileIndex(state.size(), TileId::kBundle);
    files[{TileId::kBundle, index, state.size() % kTileWidth}] = state.tail;
  }
  for (const auto& [id, hashes] : state.edge.PartialTiles()) {
    files[id] = EncodeTile(*hashes);
  }
  return files;
}

}  // namespace

LogGrowth GrowLog(const LogState& from, const std::vector<std::string>& leaves) {
  LogGrowth growth;
  growth.state = from;
  TileEdge& edge = growth.state.edge;
  std::string& tail = growth.state.tail;
  for (const std::string& leaf : leaves) {
    tail.append(EncodeBundle({leaf}));
    edge.Append(merkle::LeafHash(leaf), [&](const TileId& id, const TileHashes& hashes) {
      growth.files.emplace_back(id, EncodeTile(hashes));
      growth.full_tiles[id] = hashes;
    });
    if (edge.size() % kTileWidth == 0) {
      growth.files.emplace_back(TileId{TileId::kBundle, edge.size() / kTileWidth - 1}, tail);
      tail.clear();
    }
  }
  const std::map<TileId, std::string> before = PartialFiles(from);
  const std::map<TileId, std::string> after = PartialFiles(growth.state);
  for (const auto& [id, bytes] : after) {
    if (!before.contains(id)) {
      growth.files.emplace_back(id, bytes);
    }
  }
  for (const auto& [id, bytes] : before) {
    if (!after.contains(id)) {
      growth.superseded.emplace_back(id, bytes.size());
    }
  }
  return growth;
}

}  // namespace comity
