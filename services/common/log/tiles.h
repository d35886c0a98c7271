#ifndef COMITY_COMMON_LOG_TILES_H_
#define COMITY_COMMON_LOG_TILES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/log/merkle.h"

// The shapes of C2SP tlog-tiles: paths, tile and bundle bytes, and the right edge of a tiled tree.
namespace comity {

inline constexpr std::string_view kCheckpointPath = "checkpoint";
inline constexpr int kTileHeight = 8;
inline constexpr uint64_t kTileWidth = 1 << kTileHeight;
inline constexpr int kMaxTileLevel = 7;  // trees stay below 2^63 leaves

// Names one file of a log: a tile of `level`, or an entry bundle. `width` 256 is a full one.
struct TileId {
  static constexpr int kBundle = -1;
  int level = 0;  // kBundle for an entry bundle
  uint64_t index = 0;
  uint64_t width = kTileWidth;
  friend auto operator<=>(const TileId&, const TileId&) = default;
  bool full() const { return width == kTileWidth; }
};

// "tile/<L>/<N>[.p/<W>]" or "tile/entries/<N>[.p/<W>]".
std::string FormatTilePath(const TileId& id);
// nullopt for every other spelling.
std::optional<TileId> ParseTilePath(std::string_view path);

// The index of the partial tile (bundle) of `level` in a tree of `size`, whether or not the tree
// has one.
uint64_t EdgeTileIndex(uint64_t size, int level);
// How many hashes (leaves, for a bundle) tile `index` of `level` holds in a tree of `size`: 0..256.
uint64_t TileWidthIn(uint64_t size, int level, uint64_t index);

using TileHashes = std::vector<Digest>;
std::string EncodeTile(const TileHashes& hashes);
// DATA_CORRUPT unless `bytes` are exactly `width` hashes.
absl::StatusOr<TileHashes> DecodeTile(std::string_view bytes, uint64_t width);
// The hash of a full tile, which stands in the tile above.
Digest FullTileRoot(const TileHashes& hashes);

// Leaves as u16 length and bytes, one after the other. Each is at most 65,535 bytes.
std::string EncodeBundle(const std::vector<std::string>& leaves);
// DATA_CORRUPT unless `bytes` are exactly `count` leaves.
absl::StatusOr<std::vector<std::string>> DecodeBundle(std::string_view bytes, uint64_t count);

// The partial tiles of a tree that grows: all that an append has to know of what is to its left.
// Copyable value.
class TileEdge final {
 public:
  TileEdge() = default;
  // `partial[level]` are the hashes of the partial tile of that level in a tree of `size`.
  TileEdge(uint64_t size, std::vector<TileHashes> partial);

  // Called with each tile that a new leaf completes, lowest level first.
  using FullTile = std::function<void(const TileId&, const TileHashes&)>;
  void Append(const Digest& leaf_hash, const FullTile& full);

  uint64_t size() const { return size_; }
  const TileHashes& Partial(int level) const { return partial_[static_cast<size_t>(level)]; }
  int levels() const { return static_cast<int>(partial_.size()); }
  // The non-empty partial tiles, lowest level first.
  std::vector<std::pair<TileId, const TileHashes*>> PartialTiles() const;
  Digest Root() const;

 private:
  uint64_t size_ = 0;
  std::vector<TileHashes> partial_;
};

// Nodes out of tiles that are at hand: the edge, and full tiles given by id. Asking for another
// tile is INTERNAL. Remembers what it hashed, so that the proofs of a batch cost one pass over its
// tiles. Keeps references; they must not change while it lives. Not thread-safe.
class TileNodes final : public merkle::NodeSource {
 public:
  explicit TileNodes(const TileEdge& edge, const std::map<TileId, TileHashes>* full = nullptr)
      : edge_(edge), full_(full) {}
  absl::StatusOr<Digest> Node(int level, uint64_t index) override;

 private:
  absl::StatusOr<Digest> Stored(int tile_level, uint64_t index) const;

  const TileEdge& edge_;
  const std::map<TileId, TileHashes>* full_;
  std::map<std::pair<int, uint64_t>, Digest> hashed_;
};

}  // namespace comity

#endif  // COMITY_COMMON_LOG_TILES_H_
