#include "services/common/log/tiles.h"

#include <span>

#include "services/common/log/note_text.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kTilePrefix = "tile/";
constexpr std::string_view kEntriesPrefix = "entries/";
constexpr std::string_view kPartialMark = ".p/";

absl::Status Corrupt(std::string_view cause) { return Refuse(Reason::kDataCorrupt, cause); }

// 1234067 as "x001/x234/067".
std::string FormatIndex(uint64_t index) {
  std::string out;
  for (bool last = true; last || index > 0; last = false, index /= 1000) {
    const std::string digits = std::to_string(1000 + index % 1000).substr(1);
    out = last ? digits : "x" + digits + "/" + out;
  }
  return out;
}

// Reads the digits and leaves the comparison of the spelling to the caller: whoever formats the
// result and finds the same text knows that the text was the one right spelling.
std::optional<uint64_t> ReadIndex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      digits.push_back(c);
    } else if (c != 'x' && c != '/') {
      return std::nullopt;
    }
  }
  const size_t first = digits.find_first_not_of('0');
  return ParseNoteDecimal(first == std::string::npos ? "0"
                                                     : std::string_view(digits).substr(first));
}

// Hash of a complete subtree whose 2^n lowest nodes are `hashes`.
Digest SubtreeRoot(std::span<const Digest> hashes) {
  if (hashes.size() == 1) {
    return hashes.front();
  }
  const size_t half = hashes.size() / 2;
  return merkle::NodeHash(SubtreeRoot(hashes.first(half)), SubtreeRoot(hashes.subspan(half)));
}

}  // namespace

std::string FormatTilePath(const TileId& id) {
  std::string out(kTilePrefix);
  if (id.level == TileId::kBundle) {
    out.append(kEntriesPrefix);
  } else {
    out.append(std::to_string(id.level)).append("/");
  }
  out.append(FormatIndex(id.index));
  if (!id.full()) {
    out.append(kPartialMark).append(std::to_string(id.width));
  }
  return out;
}

std::optional<TileId> ParseTilePath(std::string_view path) {
  std::string_view rest = path;
  if (rest.substr(0, kTilePrefix.size()) != kTilePrefix) {
    return std::nullopt;
  }
  rest.remove_prefix(kTilePrefix.size());
  TileId id;
  if (rest.substr(0, kEntriesPrefix.size()) == kEntriesPrefix) {
    id.level = TileId::kBundle;
    rest.remove_prefix(kEntriesPrefix.size());
  } else {
    const size_t slash = rest.find('/');
    const std::optional<uint64_t> level = ParseNoteDecimal(rest.substr(0, slash));
    if (slash == std::string_view::npos || !level.has_value() || *level > kMaxTileLevel) {
      return std::nullopt;
    }
    id.level = static_cast<int>(*level);
    rest.remove_prefix(slash + 1);
  }
  if (const size_t mark = rest.find(kPartialMark); mark != std::string_view::npos) {
    const std::optional<uint64_t> width = ParseNoteDecimal(rest.substr(mark + kPartialMark.size()));
    if (!width.has_value() || *width == 0 || *width >= kTileWidth) {
      return std::nullopt;
    }
    id.width = *width;
    rest = rest.substr(0, mark);
  }
  const std::optional<uint64_t> index = ReadIndex(rest);
  if (!index.has_value()) {
    return std::nullopt;
  }
  id.index = *index;
  if (FormatTilePath(id) != path) {
    return std::nullopt;
  }
  return id;
}

uint64_t EdgeTileIndex(uint64_t size, int level) {
  const int shift = kTileHeight * (level == TileId::kBundle ? 1 : level + 1);
  return shift < 64 ? size >> shift : 0;
}

uint64_t TileWidthIn(uint64_t size, int level, uint64_t index) {
  const uint64_t edge = EdgeTileIndex(size, level);
  if (index != edge) {
    return index < edge ? kTileWidth : 0;
  }
  return (size >> (level == TileId::kBundle ? 0 : kTileHeight * level)) % kTileWidth;
}

std::string EncodeTile(const TileHashes& hashes) {
  std::string out;
  out.reserve(hashes.size() * Digest::kSize);
  for (const Digest& hash : hashes) {
    out.append(hash.bytes());
  }
  return out;
}

absl::StatusOr<TileHashes> DecodeTile(std::string_view bytes, uint64_t width) {
  if (bytes.size() != width * Digest::kSize) {
    return Corrupt("a tile of " + std::to_string(width) + " hashes has " +
                   std::to_string(bytes.size()) + " bytes");
  }
  TileHashes hashes;
  hashes.reserve(width);
  for (size_t i = 0; i < bytes.size(); i += Digest::kSize) {
    hashes.push_back(*Digest::FromBytes(bytes.substr(i, Digest::kSize)));
  }
  return hashes;
}

Digest FullTileRoot(const TileHashes& hashes) { return SubtreeRoot(hashes); }

std::string EncodeBundle(const std::vector<std::string>& leaves) {
  std::string out;
  for (const std::string& leaf : leaves) {
    out.push_back(static_cast<char>(leaf.size() >> 8));
    out.push_back(static_cast<char>(leaf.size() & 0xff));
    out.append(leaf);
  }
  return out;
}

absl::StatusOr<std::vector<std::string>> DecodeBundle(std::string_view bytes, uint64_t count) {
  std::vector<std::string> leaves;
  while (!bytes.empty()) {
    if (bytes.size() < 2) {
      return Corrupt("an entry bundle ends inside a length");
    }
    const size_t size =
        static_cast<size_t>(static_cast<uint8_t>(bytes[0])) << 8 | static_cast<uint8_t>(bytes[1]);
    bytes.remove_prefix(2);
    if (bytes.size() < size) {
      return Corrupt("an entry bundle ends inside a leaf");
    }
    leaves.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  if (leaves.size() != count) {
    return Corrupt("an entry bundle of " + std::to_string(count) + " leaves holds " +
                   std::to_string(leaves.size()));
  }
  return leaves;
}

TileEdge::TileEdge(uint64_t size, std::vector<TileHashes> partial)
    : size_(size), partial_(std::move(partial)) {}

void TileEdge::Append(const Digest& leaf_hash, const FullTile& full) {
  Digest carry = leaf_hash;
  for (size_t level = 0;; ++level) {
    if (level == partial_.size()) {
      partial_.emplace_back();
    }
    TileHashes& tile = partial_[level];
    tile.push_back(carry);
    if (tile.size() < kTileWidth) {
      break;
    }
    const int tile_level = static_cast<int>(level);
    full({tile_level, EdgeTileIndex(size_, tile_level), kTileWidth}, tile);
    carry = FullTileRoot(tile);
    tile.clear();
  }
  ++size_;
}

std::vector<std::pair<TileId, const TileHashes*>> TileEdge::PartialTiles() const {
  std::vector<std::pair<TileId, const TileHashes*>> out;
  for (int level = 0; level < levels(); ++level) {
    const TileHashes& tile = Partial(level);
    if (!tile.empty()) {
      out.push_back({{level, EdgeTileIndex(size_, level), tile.size()}, &tile});
    }
  }
  return out;
}

Digest TileEdge::Root() const {
  // All complete subtrees that make up the root lie in the partial tiles.
  TileNodes nodes(*this);
  return *merkle::Root(nodes, size_);
}

absl::StatusOr<Digest> TileNodes::Stored(int tile_level, uint64_t index) const {
  const uint64_t tile_index = index / kTileWidth;
  const uint64_t offset = index % kTileWidth;
  const TileHashes* hashes = nullptr;
  if (tile_level < edge_.levels() && tile_index == EdgeTileIndex(edge_.size(), tile_level)) {
    hashes = &edge_.Partial(tile_level);
  } else if (full_ != nullptr) {
    const auto it = full_->find(TileId{tile_level, tile_index, kTileWidth});
    hashes = it == full_->end() ? nullptr : &it->second;
  }
  if (hashes == nullptr || offset >= hashes->size()) {
    return Refuse(Reason::kInternal, "a proof needs a tile that is not at hand");
  }
  return (*hashes)[offset];
}

absl::StatusOr<Digest> TileNodes::Node(int level, uint64_t index) {
  if (level % kTileHeight == 0) {
    return Stored(level / kTileHeight, index);
  }
  const std::pair<int, uint64_t> key(level, index);
  if (const auto it = hashed_.find(key); it != hashed_.end()) {
    return it->second;
  }
  ASSIGN_OR_RETURN(const Digest left, Node(level - 1, 2 * index));
  ASSIGN_OR_RETURN(const Digest right, Node(level - 1, 2 * index + 1));
  return hashed_[key] = merkle::NodeHash(left, right);
}

}  // namespace comity
