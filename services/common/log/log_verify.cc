#include <algorithm>
#include <utility>

#include "services/common/log/log_http.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

absl::Status Corrupt(std::string_view cause) { return Refuse(Reason::kDataCorrupt, cause); }

// The same error, naming the file it came from.
absl::Status InFile(const absl::Status& status, const std::string& path) {
  return Refuse(ReasonOf(status), path + ": " + CauseOf(status));
}

// Rebuilds a log's tree from its leaves and compares it with the published tiles on the way. What
// disagrees is only noted: whether the leaves or the tiles are wrong is known when the root is.
class Auditor final {
 public:
  Auditor(const LogFetcher& fetch, Checkpoint checkpoint)
      : fetch_(fetch), checkpoint_(std::move(checkpoint)) {}

  // Takes the bundle that holds the leaf number `first`.
  absl::Status AddBundle(uint64_t first, std::vector<std::string>& leaves) {
    const uint64_t width = std::min(kTileWidth, checkpoint_.size - first);
    const std::string path = FormatTilePath({TileId::kBundle, first / kTileWidth, width});
    ASSIGN_OR_RETURN(const std::string bytes, Fetch(path));
    absl::StatusOr<std::vector<std::string>> bundle = DecodeBundle(bytes, width);
    if (!bundle.ok()) {
      return InFile(bundle.status(), path);
    }
    absl::Status compared;
    for (std::string& leaf : *bundle) {
      edge_.Append(merkle::LeafHash(leaf), [&](const TileId& id, const TileHashes& hashes) {
        if (compared.ok()) {
          compared = CompareTile(id, hashes);
        }
      });
      RETURN_IF_ERROR(compared);
      leaves.push_back(std::move(leaf));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    for (const auto& [id, hashes] : edge_.PartialTiles()) {
      RETURN_IF_ERROR(CompareTile(id, *hashes));
    }
    if (edge_.Root() == checkpoint_.root) {
      return wrong_tile_.empty() ? absl::OkStatus()
                                 : Corrupt(wrong_tile_ + " disagrees with the leaves");
    }
    if (!wrong_bundle_.empty()) {
      return Corrupt(wrong_bundle_ + " disagrees with the tiles and the checkpoint");
    }
    return Corrupt("the leaves and tiles give another root than the checkpoint");
  }

 private:
  absl::StatusOr<std::string> Fetch(const std::string& path) const {
    absl::StatusOr<std::string> bytes = fetch_(path);
    if (ReasonOf(bytes.status()) == Reason::kObjectNotFound) {
      return Corrupt(path + " is missing");
    }
    return bytes;
  }

  absl::Status CompareTile(const TileId& id, const TileHashes& expected) {
    const std::string path = FormatTilePath(id);
    ASSIGN_OR_RETURN(const std::string bytes, Fetch(path));
    const absl::StatusOr<TileHashes> hashes = DecodeTile(bytes, id.width);
    if (!hashes.ok()) {
      return InFile(hashes.status(), path);
    }
    const auto differs = std::mismatch(hashes->begin(), hashes->end(), expected.begin()).first;
    if (differs == hashes->end()) {
      return absl::OkStatus();
    }
    const std::string entry = ", entry " + std::to_string(differs - hashes->begin());
    if (wrong_tile_.empty()) {
      wrong_tile_ = path + entry;
    }
    if (wrong_bundle_.empty() && id.level == 0) {
      wrong_bundle_ = FormatTilePath({TileId::kBundle, id.index, id.width}) + entry;
    }
    return absl::OkStatus();
  }

  const LogFetcher& fetch_;
  const Checkpoint checkpoint_;
  TileEdge edge_;
  std::string wrong_tile_;    // the first tile that differs from what the leaves give
  std::string wrong_bundle_;  // the first bundle whose leaves differ from their tile
};

}  // namespace

absl::StatusOr<VerifiedLog> FetchAndVerifyLog(
    const LogFetcher& fetch, std::string_view origin, const PublicKey& key,
    const std::function<void(uint64_t, uint64_t)>& progress) {
  VerifiedLog log;
  ASSIGN_OR_RETURN(const std::string note, fetch(std::string(kCheckpointPath)));
  ASSIGN_OR_RETURN(log.checkpoint, VerifyCheckpoint(note, origin, key));
  const uint64_t size = log.checkpoint.size;
  Auditor auditor(fetch, log.checkpoint);
  while (log.leaves.size() < size) {
    RETURN_IF_ERROR(auditor.AddBundle(log.leaves.size(), log.leaves));
    if (progress) {
      progress(log.leaves.size(), size);
    }
  }
  RETURN_IF_ERROR(auditor.Finish());
  return log;
}

}  // namespace comity
