#include "services/common/backup/backup_archive.h"

#include <optional>
#include <set>

#include "services/common/backup/backup_head.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kPage = 1'000;
// Of a partition that is too large for one commit.
constexpr size_t kStepRecords = 100;

std::string EncodeVersion(uint64_t version) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(version >> shift & 0xff);
  return bytes;
}

std::optional<uint64_t> DecodeVersion(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  uint64_t version = 0;
  for (const char c : bytes) version = version << 8 | static_cast<uint8_t>(c);
  return version;
}

absl::StatusOr<uint64_t> VersionFrom(const BackupItem& item) {
  const std::optional<uint64_t> version = DecodeVersion(item.value);
  if (!item.key.empty() || !version.has_value() || *version == 0) {
    return Refuse(Reason::kDataCorrupt, "the version of a partition of the backup");
  }
  return *version;
}

}  // namespace

absl::StatusOr<uint64_t> BackupArchive::VersionOf(BackupKind kind,
                                                  std::string_view partition) const {
  const std::string place = cipher_->PartitionName(kind, partition);
  const std::string name = cipher_->RecordName(place, "");
  ASSIGN_OR_RETURN(const Snapshot snapshot, store_->Get(place, {name}));
  const std::string* sealed = snapshot.Find(name);
  if (sealed == nullptr) return 0;
  ASSIGN_OR_RETURN(const BackupItem item, cipher_->Open(*sealed, place, name));
  return VersionFrom(item);
}

Mutation BackupArchive::Put(const std::string& place, BackupItem item) const {
  const std::string name = cipher_->RecordName(place, item.key);
  return Mutation::Put(name, cipher_->Seal(item, place, name));
}

absl::Status BackupArchive::CommitAt(const std::string& place,
                                     const std::vector<Mutation>& mutations) {
  return store_->Commit(place, RandomId<RequestId>(), {}, mutations).status();
}

absl::Status BackupArchive::Commit(BackupKind kind, std::string_view partition,
                                   const std::vector<Mutation>& mutations, uint64_t version) {
  const std::string place = cipher_->PartitionName(kind, partition);
  std::vector<Mutation> sealed;
  sealed.reserve(mutations.size() + 1);
  for (const Mutation& mutation : mutations) {
    switch (mutation.kind) {
      case Mutation::Kind::kPut:
        sealed.push_back(Put(place, {kind, std::string(partition), mutation.key, mutation.value}));
        break;
      case Mutation::Kind::kDelete:
        sealed.push_back(Mutation::Delete(cipher_->RecordName(place, mutation.key)));
        break;
      case Mutation::Kind::kErase:
        sealed.push_back(Mutation::Erase(cipher_->RecordName(place, mutation.key)));
        break;
      case Mutation::Kind::kDeletePartition:
        sealed.push_back(mutation);
        break;
    }
  }
  sealed.push_back(version == 0
                       ? Mutation::DeletePartition()
                       : Put(place, {kind, std::string(partition), "", EncodeVersion(version)}));
  return CommitAt(place, sealed);
}

absl::StatusOr<std::vector<std::string>> BackupArchive::NamesAt(const std::string& place) const {
  std::vector<std::string> names;
  std::string begin;
  std::optional<PartitionVersion> at;
  while (true) {
    ASSIGN_OR_RETURN(const ScanPage page, store_->Scan(place, begin, "", kPage, at));
    for (const auto& [name, value] : page.items) names.push_back(name);
    if (!page.more) return names;
    at = page.version;
    begin = names.back() + '\0';
  }
}

absl::Status BackupArchive::Replace(BackupKind kind, std::string_view partition,
                                    const Records& records, uint64_t version) {
  const std::string place = cipher_->PartitionName(kind, partition);
  ASSIGN_OR_RETURN(const std::vector<std::string> there, NamesAt(place));
  if (there.empty() && version == 0) return absl::OkStatus();
  std::set<std::string> stay = {cipher_->RecordName(place, "")};
  for (const auto& [key, value] : records) stay.insert(cipher_->RecordName(place, key));

  std::vector<Mutation> all;
  for (const std::string& name : there) {
    if (!stay.contains(name)) all.push_back(Mutation::Erase(name));
  }
  for (const auto& [key, value] : records) {
    all.push_back(Put(place, {kind, std::string(partition), key, value}));
  }
  all.push_back(version == 0
                    ? Mutation::DeletePartition()
                    : Put(place, {kind, std::string(partition), "", EncodeVersion(version)}));
  return CommitInSteps(place, all);
}

absl::Status BackupArchive::CommitInSteps(const std::string& place,
                                          const std::vector<Mutation>& all) {
  size_t bytes = 0;
  for (const Mutation& mutation : all) bytes += mutation.key.size() + mutation.value.size();
  if (all.size() <= kMaxCommitOperations && bytes <= kMaxCommitBytes) return CommitAt(place, all);

  // Without its version it counts as never written, until all of it is.
  std::vector<Mutation> step = {Mutation::Delete(cipher_->RecordName(place, ""))};
  bytes = 0;
  for (const Mutation& mutation : all) {
    const size_t more = mutation.key.size() + mutation.value.size();
    if (step.size() == kStepRecords || bytes + more > kMaxCommitBytes) {
      RETURN_IF_ERROR(CommitAt(place, step));
      step.clear();
      bytes = 0;
    }
    step.push_back(mutation);
    bytes += more;
  }
  return CommitAt(place, step);
}

absl::StatusOr<std::vector<BackupArchive::Partition>> BackupArchive::List(const std::string& cursor,
                                                                          size_t limit) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> places, store_->Partitions("", cursor, limit));
  std::vector<Partition> partitions;
  partitions.reserve(places.size());
  for (const std::string& place : places) {
    if (place == kBackupHeadPartition) {
      // Stays in the list as what holds nothing, so that a page is never empty before the end.
      partitions.push_back({.place = place});
      continue;
    }
    const std::string name = cipher_->RecordName(place, "");
    ASSIGN_OR_RETURN(const Snapshot snapshot, store_->Get(place, {name}));
    Partition& partition = partitions.emplace_back(Partition{.place = place});
    const std::string* sealed = snapshot.Find(name);
    if (sealed == nullptr) continue;
    ASSIGN_OR_RETURN(const BackupItem item, cipher_->Open(*sealed, place, name));
    partition.kind = item.kind;
    partition.name = item.partition;
    ASSIGN_OR_RETURN(partition.version, VersionFrom(item));
  }
  return partitions;
}

BackupArchive::Partition BackupArchive::PartitionOf(BackupKind kind,
                                                    const std::string& name) const {
  return {.place = cipher_->PartitionName(kind, name), .kind = kind, .name = name};
}

absl::Status BackupArchive::RemoveUnended(const std::string& place) {
  const std::string version = cipher_->RecordName(place, "");
  ASSIGN_OR_RETURN(const Snapshot snapshot, store_->Get(place, {version}));
  if (snapshot.version == 0 || snapshot.Find(version) != nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<std::string> there, NamesAt(place));
  std::vector<Mutation> all;
  for (const std::string& name : there) all.push_back(Mutation::Erase(name));
  all.push_back(Mutation::DeletePartition());
  return CommitInSteps(place, all);
}

absl::StatusOr<BackupArchive::Records> BackupArchive::Read(const Partition& partition) const {
  Records records;
  std::string begin;
  std::optional<PartitionVersion> at;
  while (true) {
    ASSIGN_OR_RETURN(const ScanPage page, store_->Scan(partition.place, begin, "", kPage, at));
    for (const auto& [name, sealed] : page.items) {
      ASSIGN_OR_RETURN(BackupItem item, cipher_->Open(sealed, partition.place, name));
      if (!item.key.empty()) records.emplace(std::move(item.key), std::move(item.value));
    }
    if (!page.more) return records;
    at = page.version;
    begin = page.items.back().first + '\0';
  }
}

}  // namespace comity
