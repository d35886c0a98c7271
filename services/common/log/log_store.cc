#include "services/common/log/log_store.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/encoding/canonical.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kHeadKey[] = "head";
constexpr char kPendingKey[] = "pending";
constexpr uint16_t kRecordVersion = 1;
constexpr std::string_view kMoreMark = ".more/";  // further blobs of a file
constexpr size_t kListPage = 1000;

enum HeadTag : uint16_t { kOrigin = 2, kSize = 3, kRoot = 4, kLogEpoch = 5 };
enum PendingTag : uint16_t { kFirstIndex = 2, kLeaves = 3 };

std::string EncodeHead(const LogHead& head) {
  CanonicalWriter writer(kRecordVersion);
  writer.Bytes(kOrigin, head.origin)
      .U64(kSize, head.size)
      .Bytes(kRoot, head.root.bytes())
      .U64(kLogEpoch, head.log_epoch);
  return std::move(writer).Finish();
}

absl::StatusOr<LogHead> DecodeHead(std::string_view bytes) {
  ASSIGN_OR_RETURN(CanonicalReader reader, CanonicalReader::Open(bytes, kRecordVersion));
  LogHead head;
  ASSIGN_OR_RETURN(const std::string_view origin, reader.Bytes(kOrigin));
  head.origin = std::string(origin);
  ASSIGN_OR_RETURN(head.size, reader.U64(kSize));
  ASSIGN_OR_RETURN(const std::string_view root, reader.FixedBytes(kRoot, Digest::kSize));
  head.root = *Digest::FromBytes(root);
  ASSIGN_OR_RETURN(head.log_epoch, reader.U64(kLogEpoch));
  RETURN_IF_ERROR(reader.Finish());
  return head;
}

std::string EncodePending(const PendingBatch& batch) {
  CanonicalWriter writer(kRecordVersion);
  writer.U64(kFirstIndex, batch.first_index).List(kLeaves, batch.leaves);
  return std::move(writer).Finish();
}

absl::StatusOr<PendingBatch> DecodePending(std::string_view bytes) {
  ASSIGN_OR_RETURN(CanonicalReader reader, CanonicalReader::Open(bytes, kRecordVersion));
  PendingBatch batch;
  ASSIGN_OR_RETURN(batch.first_index, reader.U64(kFirstIndex));
  ASSIGN_OR_RETURN(batch.leaves, reader.List(kLeaves));
  RETURN_IF_ERROR(reader.Finish());
  return batch;
}

std::string PartName(const std::string& name, size_t part) {
  return part == 0 ? name : name + std::string(kMoreMark) + std::to_string(part);
}

// The width that a name under "<N>.p/" stands for, also when it names a further blob; 0 if none.
uint64_t WidthOf(std::string_view relative) {
  const std::optional<TileId> id = ParseTilePath(relative.substr(0, relative.find(kMoreMark)));
  return id.has_value() && !id->full() ? id->width : 0;
}

}  // namespace

absl::StatusOr<LogStore::Loaded> LogStore::Load() {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records_->Get(partition_, {kHeadKey, kPendingKey}));
  version_ = snapshot.version;
  Loaded loaded;
  if (const std::string* bytes = snapshot.Find(kHeadKey); bytes != nullptr) {
    absl::StatusOr<LogHead> head = DecodeHead(*bytes);
    if (!head.ok()) {
      return Refuse(Reason::kDataCorrupt, "the log's head record cannot be read");
    }
    loaded.head = *std::move(head);
  }
  if (const std::string* bytes = snapshot.Find(kPendingKey); bytes != nullptr) {
    absl::StatusOr<PendingBatch> pending = DecodePending(*bytes);
    if (!pending.ok()) {
      return Refuse(Reason::kDataCorrupt, "the log's pending record cannot be read");
    }
    loaded.pending = *std::move(pending);
  }
  return loaded;
}

absl::Status LogStore::Commit(std::vector<Mutation> mutations) {
  const Precondition untouched =
      version_ == 0 ? Precondition::PartitionAbsent() : Precondition::VersionIs(version_);
  ASSIGN_OR_RETURN(version_,
                   records_->Commit(partition_, RandomId<RequestId>(), {untouched}, mutations));
  return absl::OkStatus();
}

absl::Status LogStore::CommitPending(const PendingBatch& batch) {
  return Commit({Mutation::Put(kPendingKey, EncodePending(batch))});
}

absl::Status LogStore::CommitHead(const LogHead& head) {
  return Commit({Mutation::Put(kHeadKey, EncodeHead(head)), Mutation::Delete(kPendingKey)});
}

std::string LogStore::BlobName(const TileId& id) const {
  return partition_ + "/" + FormatTilePath(id);
}

absl::Status LogStore::Put(const TileId& id, std::string_view bytes) {
  const std::string name = BlobName(id);
  size_t part = 0;
  do {
    RETURN_IF_ERROR(
        blobs_->PutIfAbsentOrEqual(PartName(name, part), bytes.substr(0, kMaxBlobBytes)));
    bytes.remove_prefix(std::min(bytes.size(), kMaxBlobBytes));
    ++part;
  } while (!bytes.empty());
  return absl::OkStatus();
}

absl::StatusOr<std::string> LogStore::Get(const TileId& id) const {
  const std::string name = BlobName(id);
  ASSIGN_OR_RETURN(std::string bytes, blobs_->Get(name));
  // A full blob may be followed by another; the first that is not full, or missing, is the end.
  for (size_t part = 1; bytes.size() == part * kMaxBlobBytes; ++part) {
    const absl::StatusOr<std::string> more = blobs_->Get(PartName(name, part));
    if (ReasonOf(more.status()) == Reason::kObjectNotFound) {
      break;
    }
    RETURN_IF_ERROR(more.status());
    bytes.append(*more);
  }
  return bytes;
}

absl::Status LogStore::Delete(const TileId& id, size_t size) {
  const std::string name = BlobName(id);
  for (size_t part = 0; part * kMaxBlobBytes < size; ++part) {
    RETURN_IF_ERROR(blobs_->Delete(PartName(name, part)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> LogStore::PartialNames(int level, uint64_t index) const {
  const std::string folder = BlobName({level, index, kTileWidth}) + ".p/";
  std::vector<std::string> names;
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<BlobStore::Entry> page,
                     blobs_->List(folder, cursor, kListPage));
    for (const BlobStore::Entry& entry : page) {
      names.push_back(entry.name);
    }
    if (page.size() < kListPage) {
      return names;
    }
    cursor = page.back().name;
  }
}

absl::Status LogStore::SweepPartials(uint64_t size) {
  // A crash leaves at most what one batch replaced: partial files of the edge and, where the batch
  // completed a tile, of the tile before it.
  for (int level = TileId::kBundle; level <= kMaxTileLevel; ++level) {
    const uint64_t edge = EdgeTileIndex(size, level);
    for (const uint64_t index : {edge - 1, edge}) {
      if (edge == 0 && index != 0) {
        continue;
      }
      const uint64_t keep = index == edge ? TileWidthIn(size, level, index) : 0;
      ASSIGN_OR_RETURN(const std::vector<std::string> names, PartialNames(level, index));
      for (const std::string& name : names) {
        if (WidthOf(std::string_view(name).substr(partition_.size() + 1)) != keep) {
          RETURN_IF_ERROR(blobs_->Delete(name));
        }
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> LogStore::HasBundleBeyond(uint64_t size) const {
  // Every batch writes the bundle that is partial at `size` anew, wider or full, and the wider one
  // goes only when a still wider one is there: so these two places tell.
  const uint64_t edge = EdgeTileIndex(size, TileId::kBundle);
  const absl::StatusOr<std::string> full = blobs_->Get(BlobName({TileId::kBundle, edge}));
  if (full.ok()) {
    return true;
  }
  if (ReasonOf(full.status()) != Reason::kObjectNotFound) {
    return full.status();
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> names, PartialNames(TileId::kBundle, edge));
  for (const std::string& name : names) {
    if (WidthOf(std::string_view(name).substr(partition_.size() + 1)) > size % kTileWidth) {
      return true;
    }
  }
  return false;
}

}  // namespace comity
