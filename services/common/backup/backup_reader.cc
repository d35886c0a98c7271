#include "services/common/backup/backup_reader.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/audit/audit_block.h"
#include "services/common/audit/audit_files.h"
#include "services/common/backup/backup_archive.h"
#include "services/common/backup/backup_cipher.h"
#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kPage = 1'000;
// Each waits for the disk; those that wait together share a sync.
constexpr size_t kWriters = 16;
constexpr size_t kStepRecords = 100;
constexpr size_t kStepBytes = 512 << 10;

constexpr char kMarkPartition[] = "service/restored";
constexpr char kMark[] = "log-entries";

// Puts all records of one partition into a store that has none of it.
absl::StatusOr<uint64_t> PutRecords(RecordStore& store, const std::string& partition,
                                    const BackupArchive::Records& records) {
  std::vector<Mutation> step;
  size_t bytes = 0;
  const auto commit = [&] {
    return store.Commit(partition, RandomId<RequestId>(), {}, step).status();
  };
  for (const auto& [key, value] : records) {
    const size_t more = key.size() + value.size();
    if (step.size() == kStepRecords || (!step.empty() && bytes + more > kStepBytes)) {
      RETURN_IF_ERROR(commit());
      step.clear();
      bytes = 0;
    }
    step.push_back(Mutation::Put(key, value));
    bytes += more;
  }
  // A partition outlives its last record.
  if (records.empty()) step = {Mutation::Put("none", "1"), Mutation::Delete("none")};
  RETURN_IF_ERROR(commit());
  return records.size();
}

// Partitions that several threads take from one list; the first error ends all.
class Copying final {
 public:
  Copying(const BackupArchive& archive, const std::vector<BackupArchive::Partition>& partitions,
          RecordStore& store, const BackupReader::Progress& progress)
      : archive_(archive), partitions_(partitions), store_(store), progress_(progress) {}

  absl::StatusOr<uint64_t> Run() {
    std::vector<std::thread> writers;
    for (size_t i = 0; i < kWriters; ++i) writers.emplace_back([this] { CopyAll(); });
    for (std::thread& writer : writers) writer.join();
    absl::MutexLock lock(&mutex_);
    if (!status_.ok()) return status_;
    return records_;
  }

 private:
  void CopyAll() {
    for (size_t i = next_++; i < partitions_.size() && !failed_; i = next_++) {
      const absl::StatusOr<uint64_t> copied = Copy(partitions_[i]);
      absl::MutexLock lock(&mutex_);
      if (!copied.ok()) {
        failed_ = true;
        if (status_.ok()) status_ = copied.status();
        return;
      }
      records_ += *copied;
      if (++done_ % kPage == 0 && progress_) progress_(done_, partitions_.size());
    }
  }

  absl::StatusOr<uint64_t> Copy(const BackupArchive::Partition& partition) {
    ASSIGN_OR_RETURN(const BackupArchive::Records records, archive_.Read(partition));
    return PutRecords(store_, partition.name, records);
  }

  const BackupArchive& archive_;
  const std::vector<BackupArchive::Partition>& partitions_;
  RecordStore& store_;
  const BackupReader::Progress& progress_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  absl::Mutex mutex_;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  uint64_t records_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t done_ ABSL_GUARDED_BY(mutex_) = 0;
};

absl::StatusOr<uint64_t> CopyBlobs(BlobStore& from, BlobStore& to) {
  uint64_t count = 0;
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<BlobStore::Entry> page,
                     from.List("", cursor, kMaxBlobPageEntries));
    if (page.empty()) return count;
    for (const BlobStore::Entry& entry : page) {
      ASSIGN_OR_RETURN(const std::string bytes, from.Get(entry.name));
      RETURN_IF_ERROR(to.PutIfAbsentOrEqual(entry.name, bytes));
    }
    count += page.size();
    cursor = page.back().name;
  }
}

absl::Status WriteWhole(const std::string& path, const BackupArchive::Records& blocks) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  bool written = fd >= 0;
  for (auto block = blocks.begin(); written && block != blocks.end(); ++block) {
    for (std::string_view rest = block->second; written && !rest.empty();) {
      const ssize_t size = write(fd, rest.data(), rest.size());
      written = size > 0 || (size < 0 && errno == EINTR);
      if (size > 0) rest.remove_prefix(static_cast<size_t>(size));
    }
  }
  written = written && fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) close(fd);
  return written ? absl::OkStatus()
                 : Refuse(Reason::kStoreUnavailable, path + ": " + std::strerror(error));
}

// One file of blocks that follow each other; whether they do is told when they are read.
absl::StatusOr<uint64_t> WriteAuditFile(const std::string& folder,
                                        const BackupArchive::Records& blocks) {
  if (blocks.empty()) return 0;
  uint64_t records = 0;
  uint64_t first = 0;
  for (const auto& [name, frame] : blocks) {
    ASSIGN_OR_RETURN(const ReadAuditBlock read, ParseAuditBlock(frame));
    if (first == 0) first = read.block.first;
    records += read.block.records.size();
  }
  RETURN_IF_ERROR(WriteWhole(folder + "/" + AuditFileName(first), blocks));
  return records;
}

absl::Status WriteIdentity(const std::string& folder, const BackupArchive::Records& files) {
  for (const auto& [name, bytes] : files) {
    if (name.find('/') != std::string::npos || name.starts_with('.')) {
      return Refuse(Reason::kDataCorrupt, "the name of an identity file");
    }
    RETURN_IF_ERROR(WriteFileDurably(folder + "/" + name, bytes, FileMode::kPrivate));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<BackupArchive::Partition>> ListAll(const BackupArchive& archive) {
  std::vector<BackupArchive::Partition> all;
  std::string cursor;
  while (true) {
    ASSIGN_OR_RETURN(std::vector<BackupArchive::Partition> page, archive.List(cursor, kPage));
    if (page.empty()) return all;
    cursor = page.back().place;
    for (BackupArchive::Partition& partition : page) {
      if (partition.place == kBackupHeadPartition) continue;
      all.push_back(std::move(partition));
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackupReader>> BackupReader::Open(const std::string& folder) {
  ASSIGN_OR_RETURN(ReadOnlyStores stores, OpenStoresReadOnly(folder));
  ASSIGN_OR_RETURN(std::optional<BackupHead> head, ReadBackupHead(*stores.records));
  if (!head.has_value()) {
    return Refuse(Reason::kStoreUnavailable, "there is no backup in " + folder);
  }
  if (head->complete == 0) {
    return Refuse(Reason::kStateNotReady,
                  "this backup was never whole: its first copy has not "
                  "come to its end");
  }
  return std::unique_ptr<BackupReader>(new BackupReader(std::move(stores), *std::move(head)));
}

absl::StatusOr<BackupReader::Totals> BackupReader::Restore(const SecretBytes& key,
                                                           const std::string& directory,
                                                           const Progress& progress) {
  ASSIGN_OR_RETURN(const BackupCipher cipher, BackupCipher::Create(key));
  if (cipher.id() != head_.owner.id) {
    return Refuse(Reason::kDataCorrupt, "the key is not that of this backup");
  }
  const BackupArchive archive(stores_.records.get(), &cipher);
  ASSIGN_OR_RETURN(std::vector<BackupArchive::Partition> all, ListAll(archive));
  std::vector<BackupArchive::Partition> records;
  std::vector<BackupArchive::Partition> audit;
  const std::string identity = directory + "/identity";
  const std::string audit_folder = directory + "/audit";
  RETURN_IF_ERROR(MakePrivateFolders(identity));
  RETURN_IF_ERROR(MakePrivateFolders(directory + "/store"));
  PartitionVersion newest = 0;
  Totals totals;
  for (BackupArchive::Partition& partition : all) {
    if (partition.version == 0) {
      ++totals.unended;
      continue;
    }
    switch (partition.kind) {
      case BackupKind::kRecords:
        newest = std::max(newest, partition.version);
        records.push_back(std::move(partition));
        break;
      case BackupKind::kAudit:
        audit.push_back(std::move(partition));
        break;
      case BackupKind::kIdentity: {
        ASSIGN_OR_RETURN(const BackupArchive::Records files, archive.Read(partition));
        RETURN_IF_ERROR(WriteIdentity(identity, files));
        break;
      }
    }
  }
  totals.partitions = records.size();
  {
    // A version never repeats, also across this.
    ASSIGN_OR_RETURN(const std::unique_ptr<RecordStore> store,
                     OpenRocksRecordStore(directory + "/store", {.first_version = newest + 1}));
    ASSIGN_OR_RETURN(totals.records, Copying(archive, records, *store, progress).Run());
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<BlobStore> blobs, OpenFileBlobStore(directory + "/store"));
  ASSIGN_OR_RETURN(totals.blobs, CopyBlobs(*stores_.blobs, *blobs));
  if (!audit.empty()) RETURN_IF_ERROR(MakePrivateFolders(audit_folder));
  for (const BackupArchive::Partition& partition : audit) {
    ASSIGN_OR_RETURN(const BackupArchive::Records blocks, archive.Read(partition));
    ASSIGN_OR_RETURN(const uint64_t count, WriteAuditFile(audit_folder, blocks));
    totals.audit_records += count;
  }
  return totals;
}

absl::StatusOr<std::optional<uint64_t>> FindRestoredMark(RecordStore& records) {
  ASSIGN_OR_RETURN(const Snapshot snapshot, records.Get(kMarkPartition, {kMark}));
  const std::string* text = snapshot.Find(kMark);
  if (text == nullptr) return std::optional<uint64_t>();
  uint64_t entries = 0;
  const char* const end = text->data() + text->size();
  if (const auto [stop, error] = std::from_chars(text->data(), end, entries);
      error != std::errc() || stop != end) {
    return Refuse(Reason::kDataCorrupt, "the mark of a restored store");
  }
  return std::optional<uint64_t>(entries);
}

absl::Status SetRestoredMark(RecordStore& records, uint64_t log_entries) {
  return records
      .Commit(kMarkPartition, RandomId<RequestId>(), {},
              {Mutation::Put(kMark, std::to_string(log_entries))})
      .status();
}

absl::Status ClearRestoredMark(RecordStore& records) {
  return records.Commit(kMarkPartition, RandomId<RequestId>(), {}, {Mutation::Delete(kMark)})
      .status();
}

}  // namespace comity
