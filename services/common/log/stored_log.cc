#include "services/common/log/stored_log.h"

#include <optional>

#include "services/common/log/log_store.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

absl::Status Corrupt(std::string_view cause) { return Refuse(Reason::kDataCorrupt, cause); }

}  // namespace

absl::StatusOr<VerifiedLog> ReadStoredLog(const std::string& origin, const std::string& partition,
                                          RecordStore* records, BlobStore* blobs) {
  LogStore store(partition, records, blobs);
  ASSIGN_OR_RETURN(const LogStore::Loaded loaded, store.Load());
  if (!loaded.head.has_value()) return VerifiedLog{{origin, 0, merkle::EmptyRoot()}, {}};
  const LogHead& head = *loaded.head;
  if (head.origin != origin) return Corrupt("the store holds the log of " + head.origin);
  uint64_t end = head.size;
  if (loaded.pending.has_value()) {
    if (loaded.pending->first_index != head.size) {
      return Corrupt("the log's pending batch does not follow its head");
    }
    end += loaded.pending->leaves.size();
  }
  ASSIGN_OR_RETURN(const bool beyond, store.HasBundleBeyond(end));
  if (beyond) return Corrupt("there are entries beyond the last signed checkpoint");

  // The checks are those of whoever fetches the log. The checkpoint is the head record; a key made
  // for this one look stands for the log's own, which signs nothing that is not to be published.
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  const std::string checkpoint = SignCheckpoint({origin, head.size, head.root}, key);
  const LogFetcher fetch = [&](const std::string& path) -> absl::StatusOr<std::string> {
    if (path == kCheckpointPath) return checkpoint;
    const std::optional<TileId> id = ParseTilePath(path);
    if (!id.has_value()) return Refuse(Reason::kObjectNotFound, path);
    return store.Get(*id);
  };
  return FetchAndVerifyLog(fetch, origin, key.public_key());
}

}  // namespace comity
