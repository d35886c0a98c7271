#include "services/common/store/rocksdb_eraser.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/metadata.h>
#include <rocksdb/options.h>
#include <rocksdb/transaction_log.h>
#include <rocksdb/write_batch.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/record_keys.h"

namespace comity {
namespace {

constexpr std::chrono::milliseconds kLook(20);
constexpr std::chrono::seconds kRetry(30);
constexpr std::chrono::hours kIdle(24);
// With more partitions than this all files are rewritten at once, rather than the same ones again
// and again.
constexpr size_t kMaxRanges = 64;
constexpr int kMaxPasses = 4;

absl::Status ToStatus(const rocksdb::Status& status) {
  return status.ok() ? absl::OkStatus() : Refuse(Reason::kStoreUnavailable, status.ToString());
}

}  // namespace

// The records of one partition, from the first to the last that was erased.
struct RocksEraser::Range {
  std::string first;
  std::string last;
};

std::vector<RocksEraser::Range> RocksEraser::RangesOf(const std::vector<std::string>& owed) {
  std::map<std::string_view, Range> by_partition;
  for (const std::string& owed_key : owed) {
    const std::string_view key = ErasedRecordKey(owed_key);
    Range& range = by_partition[RecordPrefixOf(key)];
    if (range.first.empty() || key < range.first) range.first = key;
    if (key > range.last) range.last = key;
  }
  std::vector<Range> ranges;
  for (auto& [prefix, range] : by_partition) ranges.push_back(std::move(range));
  return ranges;
}

namespace {

// Compactions that begin by themselves could carry a value below the level down to which it is
// being looked for. While this lives there are none.
class NoOwnCompactions final {
 public:
  NoOwnCompactions(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* family)
      : db_(db), family_(family), set_(Set("true")) {}
  ~NoOwnCompactions() {
    // A disk that refuses this refuses commits as well, until the store is opened again.
    Set("false").IgnoreError();
  }
  NoOwnCompactions(const NoOwnCompactions&) = delete;
  NoOwnCompactions& operator=(const NoOwnCompactions&) = delete;
  const absl::Status& status() const { return set_; }

 private:
  absl::Status Set(const char* value) {
    return ToStatus(db_->SetOptions(family_, {{"disable_auto_compactions", value}}));
  }
  rocksdb::DB* const db_;
  rocksdb::ColumnFamilyHandle* const family_;
  const absl::Status set_;
};

}  // namespace

RocksEraser::RocksEraser(rocksdb::DB* db, Families families, std::chrono::milliseconds wait,
                         std::chrono::milliseconds patience)
    : db_(db), families_(std::move(families)), wait_(wait), patience_(patience) {}

RocksEraser::~RocksEraser() {
  stops_ = true;
  db_->DisableManualCompaction();
  {
    // Whoever waits looks again.
    absl::MutexLock lock(&mutex_);
  }
  if (thread_.joinable()) thread_.join();
}

absl::Status RocksEraser::Start() {
  ASSIGN_OR_RETURN(const std::vector<std::string> owed, ReadOwed());
  if (!owed.empty()) Note(owed.size());
  thread_ = std::thread([this] { Run(); });
  return absl::OkStatus();
}

void RocksEraser::Note(size_t keys) {
  owed_.fetch_add(keys, std::memory_order_relaxed);
  absl::MutexLock lock(&mutex_);
  has_work_ = true;
}

bool RocksEraser::Wait(std::chrono::milliseconds at_most, bool for_work) {
  struct Until {
    RocksEraser* eraser;
    bool for_work;
  } until{this, for_work};
  absl::MutexLock lock(&mutex_);
  const auto done = +[](Until* u) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return u->eraser->stops_ || (u->for_work && u->eraser->has_work_);
  };
  mutex_.AwaitWithTimeout(absl::Condition(done, &until), absl::FromChrono(at_most));
  return !stops_;
}

void RocksEraser::Run() {
  // What comes while it waits is done along with it.
  while (Wait(kIdle, /*for_work=*/true) && Wait(wait_, /*for_work=*/false)) {
    {
      absl::MutexLock lock(&mutex_);
      if (!has_work_) continue;
      has_work_ = false;
    }
    if (Erase().ok()) continue;
    if (!Wait(kRetry, /*for_work=*/false)) return;
    absl::MutexLock lock(&mutex_);
    has_work_ = true;
  }
}

absl::Status RocksEraser::Erase() {
  absl::MutexLock lock(&erasing_);
  // Noted is what was written before: all of that is read now.
  const uint64_t noted = owed();
  ASSIGN_OR_RETURN(const std::vector<std::string> owed, ReadOwed());
  if (!owed.empty()) {
    RETURN_IF_ERROR(DropLogs(owed.front()));
    RETURN_IF_ERROR(AwaitReaders());
    RETURN_IF_ERROR(Rewrite(owed));
    RETURN_IF_ERROR(Forget(owed));
  }
  owed_.fetch_sub(noted, std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> RocksEraser::ReadOwed() {
  std::vector<std::string> keys;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator({}, families_.meta));
  const rocksdb::Slice prefix(kOwedErasurePrefix.data(), kOwedErasurePrefix.size());
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    const std::string key = it->key().ToString();
    if (ErasedRecordKey(key).empty()) return Refuse(Reason::kDataCorrupt, "an erasure of nothing");
    keys.push_back(key);
  }
  RETURN_IF_ERROR(ToStatus(it->status()));
  return keys;
}

template <typename Ask>
absl::Status RocksEraser::Await(const char* what, const Ask& is_so) {
  const auto end = std::chrono::steady_clock::now() + patience_;
  while (true) {
    ASSIGN_OR_RETURN(const bool so, is_so());
    if (so) return absl::OkStatus();
    if (std::chrono::steady_clock::now() > end) return Refuse(Reason::kStoreUnavailable, what);
    if (!Wait(kLook, /*for_work=*/false)) {
      return Refuse(Reason::kStoreUnavailable, "the store is being closed");
    }
  }
}

// Every value that was written before is in a table file afterwards, and in no log.
absl::Status RocksEraser::DropLogs(const std::string& owed_key) {
  std::unique_ptr<rocksdb::LogFile> current;
  RETURN_IF_ERROR(ToStatus(db_->GetCurrentWalFile(&current)));
  const uint64_t newest = current->LogNumber();
  const auto are_gone = [&]() -> absl::StatusOr<bool> {
    // Once more when a log is still there: a table that was being flushed by itself keeps it until
    // the next one is.
    RETURN_IF_ERROR(FlushAll(owed_key));
    RETURN_IF_ERROR(LookForUnneededFiles());
    rocksdb::VectorLogPtr logs;
    RETURN_IF_ERROR(ToStatus(db_->GetSortedWalFiles(logs)));
    return std::ranges::all_of(logs, [&](const auto& log) { return log->LogNumber() > newest; });
  };
  return Await("a log that is no longer needed is still there", are_gone);
}

absl::Status RocksEraser::FlushAll(const std::string& owed_key) {
  // A log is only left for another one when there is something to flush, and the one after a
  // recovery may begin with a mark that is nothing.
  RETURN_IF_ERROR(ToStatus(db_->Put({}, families_.meta, owed_key, EncodeNumber(0))));
  return ToStatus(db_->Flush({}, families_.all));
}

// Nobody reads from a view in which the values are still there: a compaction would keep them.
absl::Status RocksEraser::AwaitReaders() {
  const uint64_t now = db_->GetLatestSequenceNumber();
  return Await("a reader keeps an old view", [&]() -> absl::StatusOr<bool> {
    uint64_t oldest = 0;
    if (!db_->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest)) {
      return Refuse(Reason::kStoreUnavailable, "the store does not tell of its readers");
    }
    return oldest == 0 || oldest >= now;
  });
}

absl::Status RocksEraser::Rewrite(const std::vector<std::string>& owed) {
  const NoOwnCompactions quiet(db_, families_.records);
  RETURN_IF_ERROR(quiet.status());
  RETURN_IF_ERROR(Await("a compaction does not end", [&]() -> absl::StatusOr<bool> {
    uint64_t running = 0;
    if (!db_->GetIntProperty(rocksdb::DB::Properties::kNumRunningCompactions, &running)) {
      return Refuse(Reason::kStoreUnavailable, "the store does not tell of its compactions");
    }
    return running == 0;
  }));

  const std::vector<Range> ranges = RangesOf(owed);
  std::set<std::string> left = FilesOf(ranges);
  // A compaction may only move a file to another level, or leave one alone that spans a range and
  // has no key in it: then everything is rewritten, and what was moved lies on the last level.
  for (int pass = 0; !left.empty(); ++pass) {
    if (pass == kMaxPasses) return Refuse(Reason::kStoreUnavailable, "a file is not rewritten");
    RETURN_IF_ERROR(Compact(pass == 0 ? ranges : std::vector<Range>()));
    const std::set<std::string> now = FilesOf(ranges);
    std::erase_if(left, [&](const std::string& name) { return !now.contains(name); });
  }
  // No file that could hold one of the values is in use any more. Nor may one be there: whatever is
  // not in use goes, also what an earlier try or run has left.
  ASSIGN_OR_RETURN(left, FilesNotInUse());
  const auto are_gone = [&]() -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const std::set<std::string> now, FilesNotInUse());
    // What was being written has come into use meanwhile.
    std::erase_if(left, [&](const std::string& name) { return !now.contains(name); });
    if (!left.empty()) RETURN_IF_ERROR(LookForUnneededFiles());
    return left.empty();
  };
  RETURN_IF_ERROR(Await("a file that is not in use is still there", are_gone));
  // A crash must not bring back what was removed once nothing is owed for it.
  std::unique_ptr<rocksdb::Directory> folder;
  RETURN_IF_ERROR(ToStatus(db_->GetEnv()->NewDirectory(db_->GetName(), &folder)));
  return ToStatus(folder->Fsync());
}

absl::StatusOr<std::set<std::string>> RocksEraser::FilesNotInUse() {
  std::vector<std::string> names;
  RETURN_IF_ERROR(ToStatus(db_->GetEnv()->GetChildren(db_->GetName(), &names)));
  std::vector<rocksdb::LiveFileMetaData> files;
  db_->GetLiveFilesMetaData(&files);
  std::set<std::string> left;
  for (std::string& name : names) {
    if (name.ends_with(".sst")) left.insert(std::move(name));
  }
  for (const rocksdb::LiveFileMetaData& file : files) left.erase(file.relative_filename);
  return left;
}

std::set<std::string> RocksEraser::FilesOf(const std::vector<Range>& ranges) {
  rocksdb::ColumnFamilyMetaData family;
  db_->GetColumnFamilyMetaData(families_.records, &family);
  std::set<std::string> names;
  for (const rocksdb::LevelMetaData& level : family.levels) {
    for (const rocksdb::SstFileMetaData& file : level.files) {
      const bool overlaps = std::ranges::any_of(ranges, [&](const Range& range) {
        return file.smallestkey <= range.last && range.first <= file.largestkey;
      });
      if (overlaps) names.insert(file.relative_filename);
    }
  }
  return names;
}

absl::Status RocksEraser::Compact(const std::vector<Range>& ranges) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = true;
  // Also the files of the last level, below which there is nothing that would have to be met.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
  if (ranges.empty() || ranges.size() > kMaxRanges) {
    return ToStatus(db_->CompactRange(options, families_.records, nullptr, nullptr));
  }
  for (const Range& range : ranges) {
    const rocksdb::Slice first(range.first);
    const rocksdb::Slice last(range.last);
    RETURN_IF_ERROR(ToStatus(db_->CompactRange(options, families_.records, &first, &last)));
  }
  return absl::OkStatus();
}

// The database does so when this is switched on, whatever it has missed.
absl::Status RocksEraser::LookForUnneededFiles() {
  RETURN_IF_ERROR(ToStatus(db_->DisableFileDeletions()));
  return ToStatus(db_->EnableFileDeletions(/*force=*/false));
}

absl::Status RocksEraser::Forget(const std::vector<std::string>& owed) {
  rocksdb::WriteBatch batch;
  for (const std::string& key : owed) {
    RETURN_IF_ERROR(ToStatus(batch.Delete(families_.meta, key)));
  }
  // A crash that loses this has it done once more.
  return ToStatus(db_->Write({}, &batch));
}

}  // namespace comity
