#include "services/common/backup/backup.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>

#include "services/common/audit/audit_files.h"
#include "services/common/backup/audit_chunks.h"
#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"

namespace comity {
namespace {

constexpr char kPartition[] = "service/backup";
constexpr char kKey[] = "key";        // kBackupKeySize bytes
constexpr char kOpened[] = "opened";  // changes with each opening
constexpr char kInStep[] = "in-step";
constexpr size_t kTokenSize = 16;
constexpr char kIdentityPartition[] = "identity";
constexpr size_t kPage = 1'000;

absl::StatusOr<std::vector<BlobStore::Entry>> ListAll(BlobStore& blobs) {
  std::vector<BlobStore::Entry> all;
  while (true) {
    const std::string cursor = all.empty() ? "" : all.back().name;
    ASSIGN_OR_RETURN(std::vector<BlobStore::Entry> page,
                     blobs.List("", cursor, kMaxBlobPageEntries));
    if (page.empty()) return all;
    std::ranges::move(page, std::back_inserter(all));
  }
}

// Enough of a place to tell partitions apart: places are 32 bytes of HMAC.
uint64_t BeginningOf(const std::string& place) {
  uint64_t beginning = 0;
  std::memcpy(&beginning, place.data(), sizeof(beginning));
  return beginning;
}

absl::Status OlderStore(std::string_view what) {
  return Refuse(Reason::kDataCorrupt,
                "the backup is newer than " + std::string(what) +
                    ", which was put back to an older state: restore from the backup");
}

}  // namespace

Backup::~Backup() = default;

absl::StatusOr<std::unique_ptr<Backup>> Backup::Open(BackupOptions options,
                                                     std::shared_ptr<RecordStore> records,
                                                     std::shared_ptr<BlobStore> blobs) {
  std::unique_ptr<Backup> backup(new Backup(std::move(options)));
  const std::string& folder = backup->options_.folder;
  RETURN_IF_ERROR(MakePrivateFolders(folder));
  backup->records_ = std::move(records);
  backup->blobs_ = std::move(blobs);
  ASSIGN_OR_RETURN(backup->backup_blobs_, OpenFileBlobStore(folder));
  ASSIGN_OR_RETURN(backup->backup_records_, OpenRocksRecordStore(folder, {.behind_another = true}));
  ASSIGN_OR_RETURN(const PartitionVersion newest, backup->TakeKey());
  // The store's own word of the backup changes with each start.
  RETURN_IF_ERROR(backup->was_in_step_ ? backup->Copy(kPartition) : backup->CatchUpRecords(newest));
  RETURN_IF_ERROR(backup->CatchUpBlobs());
  RETURN_IF_ERROR(backup->CatchUpAudit());
  RETURN_IF_ERROR(backup->CatchUpIdentity());
  RETURN_IF_ERROR(backup->FollowOpeningFiles());
  ASSIGN_OR_RETURN(const BackupHead head, backup->head());
  if (head.complete == 0) {
    RETURN_IF_ERROR(CompleteBackupHead(*backup->backup_records_, backup->options_.clock->Now()));
  }
  backup->mirrored_records_ =
      std::make_unique<MirroredRecordStore>(backup->records_.get(), backup->archive_.get(), newest);
  backup->mirrored_blobs_ =
      std::make_unique<MirroredBlobStore>(backup->blobs_.get(), backup->backup_blobs_.get());
  return backup;
}

absl::StatusOr<PartitionVersion> Backup::TakeKey() {
  ASSIGN_OR_RETURN(const Snapshot own, records_->Get(kPartition, {kKey, kInStep}));
  const std::string* stored = own.Find(kKey);
  key_ = stored != nullptr ? SecretBytes::CopyOf(*stored) : RandomSecret(kBackupKeySize);
  ASSIGN_OR_RETURN(BackupCipher cipher, BackupCipher::Create(key_));
  cipher_ = std::make_unique<const BackupCipher>(std::move(cipher));
  archive_ = std::make_unique<BackupArchive>(backup_records_.get(), cipher_.get());
  ASSIGN_OR_RETURN(was_in_step_, Begin(own));
  // From here on they are not, until the service ends in good order.
  return records_->Commit(
      kPartition, RandomId<RequestId>(), {},
      {KeyRecord(), Mutation::Put(kOpened, std::to_string(options_.clock->Now())),
       Mutation::Delete(kInStep)});
}

Mutation Backup::KeyRecord() const {
  return Mutation::Put(kKey, std::string(key_.RevealView(RevealKey::ForKeyFile())));
}

// A new store beside an old backup is what a lost disk leaves: then the backup is all that there
// is, and is not written over.
absl::StatusOr<bool> Backup::Begin(const Snapshot& own) {
  const bool known = own.Find(kKey) != nullptr;
  ASSIGN_OR_RETURN(const std::optional<BackupHead> head, ReadBackupHead(*backup_records_));
  if (!head.has_value()) {
    if (!known) {
      // The store knows the key before the backup does: the other way round a death in between
      // would leave a backup that nobody can go on with.
      RETURN_IF_ERROR(
          records_->Commit(kPartition, RandomId<RequestId>(), {}, {KeyRecord()}).status());
    }
    RETURN_IF_ERROR(BeginBackupHead(*backup_records_, {.deployment = options_.deployment,
                                                       .region = options_.region,
                                                       .kind = options_.kind,
                                                       .id = cipher_->id(),
                                                       .began = options_.clock->Now()}));
    return false;
  }
  const BackupOwner& owner = head->owner;
  if (known && owner.id == cipher_->id() && owner.deployment == options_.deployment &&
      owner.region == options_.region && owner.kind == options_.kind) {
    const std::string* token = own.Find(kInStep);
    return token != nullptr && *token == head->in_step && head->complete != 0;
  }
  return Refuse(Reason::kStateNotReady,
                options_.folder + " holds the backup of another store, begun " +
                    FormatTime(owner.began) + " for " + std::string(Name(owner.kind)) + " of " +
                    owner.region.name() + " in " + owner.deployment +
                    ": restore it (--restore), or name an empty folder");
}

absl::Status Backup::Close() {
  if (!in_step()) return absl::OkStatus();
  // Never the same twice: of two that were copied at different times, one of each is not in step.
  const std::string token = RandomBytes(kTokenSize);
  RETURN_IF_ERROR(PutBackupInStep(*backup_records_, token));
  return records_->Commit(kPartition, RandomId<RequestId>(), {}, {Mutation::Put(kInStep, token)})
      .status();
}

absl::Status Backup::LeaveBehind(RecordStore& records) {
  ASSIGN_OR_RETURN(const Snapshot own, records.Get(kPartition, {kInStep}));
  if (own.Find(kInStep) == nullptr) return absl::OkStatus();
  return records.Commit(kPartition, RandomId<RequestId>(), {}, {Mutation::Delete(kInStep)})
      .status();
}

void Backup::Tell(uint64_t done) const {
  if (options_.progress) options_.progress(done);
}

absl::StatusOr<Backup::Versions> Backup::VersionsHere() const {
  Versions versions;
  RETURN_IF_ERROR(ForEachPartition([&](const std::string& name) -> absl::Status {
    ASSIGN_OR_RETURN(const Snapshot here, records_->Get(name, {}));
    versions[BeginningOf(cipher_->PartitionName(BackupKind::kRecords, name))] = here.version;
    return absl::OkStatus();
  }));
  return versions;
}

absl::Status Backup::ForEachPartition(
    const std::function<absl::Status(const std::string&)>& act) const {
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<std::string> page, records_->Partitions("", cursor, kPage));
    if (page.empty()) return absl::OkStatus();
    for (const std::string& name : page) {
      cursor = std::max(cursor, name);
      RETURN_IF_ERROR(act(name));
    }
  }
}

absl::Status Backup::CatchUpRecords(PartitionVersion newest) {
  // Each side is read in its own order, which is not that of the other: looking up one by one there
  // would read the disk at random.
  ASSIGN_OR_RETURN(Versions here, VersionsHere());
  uint64_t done = 0;
  std::vector<std::string> unended;
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<BackupArchive::Partition> page,
                     archive_->List(cursor, kPage));
    if (page.empty()) break;
    cursor = page.back().place;
    for (const BackupArchive::Partition& there : page) {
      if (there.place == kBackupHeadPartition) continue;
      if (there.version == 0) {
        unended.push_back(there.place);
        continue;
      }
      if (there.kind != BackupKind::kRecords) continue;
      const auto found = here.find(BeginningOf(there.place));
      if (found == here.end() || found->second != there.version) {
        RETURN_IF_ERROR(CatchUpPartition(there, newest));
      }
      if (found != here.end()) here.erase(found);
    }
    Tell(done += page.size());
  }
  if (!here.empty()) RETURN_IF_ERROR(AddMissing(here));
  // What a death left of a partition that is not there any more.
  for (const std::string& place : unended) RETURN_IF_ERROR(archive_->RemoveUnended(place));
  return absl::OkStatus();
}

absl::Status Backup::CatchUpPartition(const BackupArchive::Partition& there,
                                      PartitionVersion newest) {
  if (there.version > newest) return OlderStore("the store");
  ASSIGN_OR_RETURN(const Snapshot here, records_->Get(there.name, {}));
  if (here.version == there.version) return absl::OkStatus();
  if (here.version == 0) return archive_->Replace(there.kind, there.name, {}, 0);
  if (here.version < there.version) return OlderStore("a part of the store");
  return Copy(there.name);
}

absl::Status Backup::AddMissing(const Versions& missing) {
  uint64_t done = 0;
  return ForEachPartition([&](const std::string& name) -> absl::Status {
    if (!missing.contains(BeginningOf(cipher_->PartitionName(BackupKind::kRecords, name)))) {
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Copy(name));
    if (++done % kPage == 0) Tell(done);
    return absl::OkStatus();
  });
}

absl::Status Backup::Copy(const std::string& partition) {
  BackupArchive::Records records;
  std::string begin;
  PartitionVersion version = 0;
  while (true) {
    ASSIGN_OR_RETURN(ScanPage page, records_->Scan(partition, begin, "", kPage));
    version = page.version;
    for (auto& [key, value] : page.items) {
      begin = key + '\0';
      records.emplace(std::move(key), std::move(value));
    }
    if (!page.more) break;
  }
  return archive_->Replace(BackupKind::kRecords, partition, records, version);
}

absl::Status Backup::CatchUpBlobs() {
  ASSIGN_OR_RETURN(const std::vector<BlobStore::Entry> here, ListAll(*blobs_));
  ASSIGN_OR_RETURN(const std::vector<BlobStore::Entry> there, ListAll(*backup_blobs_));
  std::map<std::string, uint64_t> kept;
  for (const BlobStore::Entry& entry : there) kept.emplace(entry.name, entry.size);
  // What is there and not here stays: of a log that is a file which was replaced, and does no harm;
  // or all that is left of files that were lost here.
  for (const BlobStore::Entry& entry : here) {
    const auto found = kept.find(entry.name);
    if (found != kept.end()) {
      if (found->second != entry.size) {
        return Refuse(Reason::kDataCorrupt, "blob " + entry.name + " is another in the backup");
      }
      continue;
    }
    ASSIGN_OR_RETURN(const std::string bytes, blobs_->Get(entry.name));
    RETURN_IF_ERROR(backup_blobs_->PutIfAbsentOrEqual(entry.name, bytes));
  }
  return absl::OkStatus();
}

absl::Status Backup::CatchUpAudit() {
  if (options_.audit.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<AuditFile> files, ListAuditFiles(options_.audit));
  if (files.empty()) {
    ASSIGN_OR_RETURN(const bool kept, HasAudit());
    return kept ? OlderStore("the audit log") : absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const AuditEnd end, FindAuditEnd(options_.audit));
  // The newest chunk that is there, and the record after its last one.
  uint64_t newest = ChunkOf(end.next);
  uint64_t next = 0;
  while (true) {
    ASSIGN_OR_RETURN(next, archive_->VersionOf(BackupKind::kAudit, ChunkName(newest)));
    if (next != 0 || newest == 0) break;
    --newest;
  }
  if (next > end.next) return OlderStore("the audit log");
  if (next < files.front().first) {
    // What follows on it was dropped here meanwhile: nothing of it can be read in order.
    RETURN_IF_ERROR(Drop((newest + 1) << 16));
    next = 0;
  }
  absl::Status kept;
  RETURN_IF_ERROR(
      ReadAuditBlocks(options_.audit, std::max<uint64_t>(next, 1), [&](const ReadAuditBlock& read) {
        if (read.block.end() <= next) return true;
        kept = Keep(read.block, FrameAuditBlock(read.block).bytes);
        return kept.ok();
      }));
  RETURN_IF_ERROR(kept);
  return Drop(files.front().first);
}

absl::StatusOr<bool> Backup::HasAudit() const {
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<BackupArchive::Partition> page,
                     archive_->List(cursor, kPage));
    if (page.empty()) return false;
    cursor = page.back().place;
    for (const BackupArchive::Partition& there : page) {
      if (there.version != 0 && there.kind == BackupKind::kAudit) return true;
    }
  }
}

absl::Status Backup::Keep(const AuditBlock& block, std::string_view frame) {
  return archive_->Commit(BackupKind::kAudit, ChunkName(ChunkOf(block.first)),
                          {Mutation::Put(AuditBlockName(block.first), std::string(frame))},
                          block.end());
}

absl::Status Backup::Drop(uint64_t first) {
  // Oldest last to be found and first to go, so that a death in between leaves no hole.
  std::vector<std::string> old;
  for (uint64_t chunk = ChunkOf(first); chunk > 0; --chunk) {
    ASSIGN_OR_RETURN(const uint64_t version,
                     archive_->VersionOf(BackupKind::kAudit, ChunkName(chunk - 1)));
    if (version == 0) break;
    old.push_back(ChunkName(chunk - 1));
  }
  while (!old.empty()) {
    RETURN_IF_ERROR(archive_->Replace(BackupKind::kAudit, old.back(), {}, 0));
    old.pop_back();
  }
  return absl::OkStatus();
}

absl::Status Backup::CatchUpIdentity() {
  BackupArchive::Records files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options_.identity, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!entry->is_regular_file() || std::ranges::count(options_.left_out, name) != 0 ||
        std::ranges::count(options_.opening_files, name) != 0) {
      continue;
    }
    ASSIGN_OR_RETURN(std::string bytes, ReadFile(entry->path().string()));
    if (!bytes.empty()) files.emplace(name, std::move(bytes));
  }
  if (error) return Refuse(Reason::kStoreUnavailable, options_.identity + ": " + error.message());
  ASSIGN_OR_RETURN(
      const BackupArchive::Records kept,
      archive_->Read(archive_->PartitionOf(BackupKind::kIdentity, kIdentityPartition)));
  if (files == kept) return absl::OkStatus();
  return archive_->Replace(BackupKind::kIdentity, kIdentityPartition, files, 1);
}

absl::StatusOr<BackupHead> Backup::head() const {
  ASSIGN_OR_RETURN(std::optional<BackupHead> head, ReadBackupHead(*backup_records_));
  if (!head.has_value()) return Refuse(Reason::kDataCorrupt, "the head of the backup is gone");
  return *std::move(head);
}

absl::Status Backup::PutKey(uint32_t generation, const std::string& sealed) {
  return PutBackupKey(*backup_records_, generation, sealed);
}

absl::Status Backup::DropKeysBefore(uint32_t generation) {
  return DropBackupKeysBefore(*backup_records_, generation);
}

absl::Status Backup::FollowOpeningFiles() {
  ASSIGN_OR_RETURN(const BackupHead head, this->head());
  for (const std::string& name : options_.opening_files) {
    const std::string path = options_.identity + "/" + name;
    if (!FileExists(path)) continue;
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
    const auto kept = head.files.find(name);
    if (kept != head.files.end() && kept->second == bytes) continue;
    RETURN_IF_ERROR(PutBackupFile(*backup_records_, name, bytes));
  }
  return absl::OkStatus();
}

}  // namespace comity
