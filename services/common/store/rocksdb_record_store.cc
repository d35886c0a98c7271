#include "services/common/store/rocksdb_record_store.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/commit_plan.h"
#include "services/common/store/private_directory.h"
#include "services/common/store/record_keys.h"
#include "services/common/store/record_limits.h"
#include "services/common/store/rocksdb_tuning.h"

namespace comity {
namespace {

// Up to here a partition is deleted key by key; range tombstones slow the reads around them.
constexpr uint32_t kMaxSingleDeletes = 1024;

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status ToStatus(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return Refuse(status.IsCorruption() ? Reason::kDataCorrupt : Reason::kStoreUnavailable,
                status.ToString());
}

absl::Status Corrupt(std::string_view cause) { return Refuse(Reason::kDataCorrupt, cause); }

// Holds one consistent view for as long as it lives.
class HeldSnapshot final {
 public:
  explicit HeldSnapshot(rocksdb::DB& db) : db_(db), snapshot_(db.GetSnapshot()) {}
  HeldSnapshot(const HeldSnapshot&) = delete;
  HeldSnapshot& operator=(const HeldSnapshot&) = delete;
  ~HeldSnapshot() { db_.ReleaseSnapshot(snapshot_); }
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  rocksdb::DB& db_;
  const rocksdb::Snapshot* const snapshot_;
};

// Several point lookups in one call; the results stay valid as long as the object.
class Lookup final {
 public:
  void Add(rocksdb::ColumnFamilyHandle* family, std::string key) {
    families_.push_back(family);
    keys_.push_back(std::move(key));
  }
  void Run(rocksdb::DB& db, const rocksdb::ReadOptions& options) {
    std::vector<rocksdb::Slice> slices(keys_.begin(), keys_.end());
    values_.resize(keys_.size());
    statuses_.resize(keys_.size());
    db.MultiGet(options, keys_.size(), families_.data(), slices.data(), values_.data(),
                statuses_.data());
  }
  absl::StatusOr<std::optional<std::string_view>> Result(size_t index) const {
    if (statuses_[index].IsNotFound()) return std::nullopt;
    RETURN_IF_ERROR(ToStatus(statuses_[index]));
    return ToView(values_[index]);
  }

 private:
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::vector<std::string> keys_;
  std::vector<rocksdb::PinnableSlice> values_;
  std::vector<rocksdb::Status> statuses_;
};

absl::StatusOr<PartitionHeader> HeaderFrom(std::optional<std::string_view> bytes) {
  if (!bytes.has_value()) return PartitionHeader{};
  std::optional<PartitionHeader> header = DecodePartitionHeader(*bytes);
  if (!header.has_value()) return Corrupt("the header of a partition does not decode");
  return *header;
}

const Clock& OrSystemClock(const Clock* clock) {
  static const SystemClock system;
  return clock != nullptr ? *clock : system;
}

}  // namespace

struct RocksRecordStore::Database {
  std::unique_ptr<rocksdb::DB> db;
  rocksdb::ColumnFamilyHandle* meta = nullptr;
  rocksdb::ColumnFamilyHandle* partitions = nullptr;
  rocksdb::ColumnFamilyHandle* records = nullptr;
  rocksdb::ColumnFamilyHandle* outcomes = nullptr;

  ~Database() {
    for (rocksdb::ColumnFamilyHandle* family : {meta, partitions, records, outcomes}) {
      if (family != nullptr) db->DestroyColumnFamilyHandle(family).PermitUncheckedError();
    }
  }

  // nullopt when there is no such key.
  absl::StatusOr<std::optional<std::string>> Get(rocksdb::ColumnFamilyHandle* family,
                                                 std::string_view key) {
    std::string value;
    const rocksdb::Status status = db->Get({}, family, ToSlice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    RETURN_IF_ERROR(ToStatus(status));
    return value;
  }

  absl::StatusOr<PartitionHeader> ReadHeader(std::string_view partition,
                                             const rocksdb::ReadOptions& options) {
    rocksdb::PinnableSlice bytes;
    const rocksdb::Status status = db->Get(options, partitions, ToSlice(partition), &bytes);
    if (status.IsNotFound()) return PartitionHeader{};
    RETURN_IF_ERROR(ToStatus(status));
    return HeaderFrom(ToView(bytes));
  }
};

struct RocksRecordStore::CommitView {
  PartitionState state;
  std::optional<StoredOutcome> outcome;
};

RocksRecordStore::RocksRecordStore(std::unique_ptr<Database> database,
                                   const RocksRecordStoreOptions& options)
    : database_(std::move(database)),
      clock_(OrSystemClock(options.clock)),
      version_block_(options.version_block),
      read_only_(options.read_only),
      room_(options.room) {}

RocksRecordStore::~RocksRecordStore() = default;

absl::StatusOr<std::unique_ptr<RocksRecordStore>> RocksRecordStore::Open(
    const std::string& directory, const RocksRecordStoreOptions& options) {
  COMITY_CHECK(options.version_block > 0);
  const std::string path = (std::filesystem::path(directory) / "records").string();
  if (!options.read_only) RETURN_IF_ERROR(MakePrivateDirectory(path));

  rocksdb::DBOptions tuned;
  TuneDatabase(options.write_buffer_bytes, tuned);
  tuned.create_if_missing = tuned.create_missing_column_families = !options.read_only;
  if (options.env != nullptr) tuned.env = options.env;
  rocksdb::ColumnFamilyOptions records;
  TuneRecords(options.write_buffer_bytes, records);
  rocksdb::ColumnFamilyOptions outcomes = records;
  ExpireOutcomes(OrSystemClock(options.clock), outcomes);

  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  const std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, records},
      {"partitions", records},
      {"records", records},
      {"outcomes", outcomes}};
  RETURN_IF_ERROR(ToStatus(
      options.read_only ? rocksdb::DB::OpenForReadOnly(tuned, path, descriptors, &families, &db)
                        : rocksdb::DB::Open(tuned, path, descriptors, &families, &db)));
  auto database = std::make_unique<Database>();
  database->db.reset(db);
  database->meta = families[0];
  database->partitions = families[1];
  database->records = families[2];
  database->outcomes = families[3];

  auto store =
      std::unique_ptr<RocksRecordStore>(new RocksRecordStore(std::move(database), options));
  RETURN_IF_ERROR(store->Start(options));
  return store;
}

absl::Status RocksRecordStore::Start(const RocksRecordStoreOptions& options) {
  RETURN_IF_ERROR(ReadFormat());
  if (read_only_) return absl::OkStatus();
  {
    // The next commit sets a block aside from there on, before anything has such a version.
    absl::MutexLock lock(&version_mutex_);
    if (version_limit_ < options.first_version)
      next_version_ = version_limit_ = options.first_version;
  }
  const Database& at = *database_;
  eraser_ = std::make_unique<RocksEraser>(
      at.db.get(),
      RocksEraser::Families{at.meta, at.records, {at.meta, at.partitions, at.records, at.outcomes}},
      options.erase_after, options.erase_patience);
  return eraser_->Start();
}

absl::Status RocksRecordStore::ReadFormat() {
  ASSIGN_OR_RETURN(std::optional<std::string> format, database_->Get(database_->meta, kFormatKey));
  if (!format.has_value()) {
    if (read_only_) return absl::OkStatus();
    // New, or ended before this first write: then no commit can have been made.
    rocksdb::WriteBatch batch;
    RETURN_IF_ERROR(
        ToStatus(batch.Put(database_->meta, ToSlice(kFormatKey), EncodeNumber(kRecordFormat))));
    RETURN_IF_ERROR(
        ToStatus(batch.Put(database_->meta, ToSlice(kVersionLimitKey), EncodeNumber(1))));
    return Write(batch);
  }
  const std::optional<uint64_t> number = DecodeNumber(*format);
  if (!number.has_value() || *number < kOldestRecordFormat || *number > kRecordFormat) {
    return Refuse(Reason::kStoreUnavailable,
                  "the store has a format that this program is too old "
                  "to know");
  }
  ASSIGN_OR_RETURN(std::optional<std::string> stored,
                   database_->Get(database_->meta, kVersionLimitKey));
  std::optional<uint64_t> limit = stored.has_value() ? DecodeNumber(*stored) : std::nullopt;
  if (!limit.has_value()) return Corrupt("the bound of the versions is missing or does not decode");
  {
    absl::MutexLock lock(&version_mutex_);
    next_version_ = version_limit_ = *limit;
  }
  if (read_only_ || *number == kRecordFormat) return absl::OkStatus();
  rocksdb::WriteBatch batch;
  RETURN_IF_ERROR(
      ToStatus(batch.Put(database_->meta, ToSlice(kFormatKey), EncodeNumber(kRecordFormat))));
  return Write(batch);
}

absl::Mutex& RocksRecordStore::StripeOf(std::string_view partition) {
  return stripes_[std::hash<std::string_view>()(partition) % kStripes];
}

absl::StatusOr<Snapshot> RocksRecordStore::Get(std::string_view partition,
                                               const std::vector<std::string>& keys) {
  RETURN_IF_ERROR(CheckGet(partition, keys));
  Lookup lookup;
  lookup.Add(database_->partitions, std::string(partition));
  for (const std::string& key : keys) lookup.Add(database_->records, RecordKey(partition, key));
  const HeldSnapshot held(*database_->db);
  rocksdb::ReadOptions options;
  options.snapshot = held.get();
  lookup.Run(*database_->db, options);

  ASSIGN_OR_RETURN(std::optional<std::string_view> header_bytes, lookup.Result(0));
  ASSIGN_OR_RETURN(PartitionHeader header, HeaderFrom(header_bytes));
  Snapshot snapshot{.version = header.version};
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSIGN_OR_RETURN(std::optional<std::string_view> value, lookup.Result(i + 1));
    if (value.has_value()) snapshot.values.insert_or_assign(keys[i], std::string(*value));
  }
  return snapshot;
}

absl::StatusOr<ScanPage> RocksRecordStore::Scan(std::string_view partition, std::string_view begin,
                                                std::string_view end, size_t limit,
                                                std::optional<PartitionVersion> at) {
  RETURN_IF_ERROR(CheckScan(partition, begin, end, limit));
  const HeldSnapshot held(*database_->db);
  rocksdb::ReadOptions options;
  options.snapshot = held.get();
  ASSIGN_OR_RETURN(PartitionHeader header, database_->ReadHeader(partition, options));
  if (at.has_value() && *at != header.version) {
    return Refuse(Reason::kConflict, "the partition has changed since the scan began");
  }
  ScanPage page{.version = header.version};
  if (header.keys == 0 || (!end.empty() && begin >= end)) return page;

  const std::string prefix = RecordPrefix(partition);
  const std::string upper = end.empty() ? EndOfPrefix(prefix) : RecordKey(partition, end);
  const rocksdb::Slice upper_slice(upper);
  options.iterate_upper_bound = &upper_slice;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_->db->NewIterator(options, database_->records));
  size_t bytes = 0;
  for (it->Seek(RecordKey(partition, begin)); it->Valid(); it->Next()) {
    if (page.items.size() == limit || bytes >= kMaxScanPageBytes) {
      page.more = true;
      break;
    }
    page.items.emplace_back(ToView(it->key()).substr(prefix.size()), ToView(it->value()));
    bytes += page.items.back().first.size() + page.items.back().second.size();
  }
  RETURN_IF_ERROR(ToStatus(it->status()));
  return page;
}

absl::StatusOr<std::vector<std::string>> RocksRecordStore::Partitions(std::string_view prefix,
                                                                      std::string_view cursor,
                                                                      size_t limit) {
  RETURN_IF_ERROR(CheckPartitions(prefix, cursor, limit));
  std::vector<std::string> names;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_->db->NewIterator({}, database_->partitions));
  for (it->Seek(ToSlice(std::max(prefix, cursor))); it->Valid() && names.size() < limit;
       it->Next()) {
    const std::string_view name = ToView(it->key());
    if (!name.starts_with(prefix)) break;
    if (name != cursor) names.emplace_back(name);
  }
  RETURN_IF_ERROR(ToStatus(it->status()));
  return names;
}

absl::StatusOr<RocksRecordStore::CommitView> RocksRecordStore::ReadForCommit(
    std::string_view partition, const RequestId& request_id, const std::vector<std::string>& keys) {
  Lookup lookup;
  lookup.Add(database_->partitions, std::string(partition));
  lookup.Add(database_->outcomes, OutcomeKey(partition, request_id));
  for (const std::string& key : keys) lookup.Add(database_->records, RecordKey(partition, key));
  lookup.Run(*database_->db, {});

  CommitView view;
  ASSIGN_OR_RETURN(std::optional<std::string_view> header_bytes, lookup.Result(0));
  ASSIGN_OR_RETURN(PartitionHeader header, HeaderFrom(header_bytes));
  view.state.version = header.version;
  view.state.keys = header.keys;
  ASSIGN_OR_RETURN(std::optional<std::string_view> outcome_bytes, lookup.Result(1));
  if (outcome_bytes.has_value()) {
    view.outcome = DecodeOutcome(*outcome_bytes);
    if (!view.outcome.has_value()) return Corrupt("the outcome of a commit does not decode");
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSIGN_OR_RETURN(std::optional<std::string_view> value, lookup.Result(i + 2));
    view.state.values.emplace(keys[i], value);
  }
  return view;
}

absl::StatusOr<PartitionVersion> RocksRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  RETURN_IF_ERROR(CheckCommit(partition, request_id, preconditions, mutations, room_));
  const std::vector<std::string> keys = KeysOf(preconditions, mutations);

  absl::MutexLock lock(&StripeOf(partition));
  ASSIGN_OR_RETURN(CommitView view, ReadForCommit(partition, request_id, keys));
  const UnixMillis now = clock_.Now();
  if (view.outcome.has_value() && !OutcomeExpired(*view.outcome, now)) {
    return view.outcome->version;
  }
  ASSIGN_OR_RETURN(CommitPlan plan, PlanCommit(view.state, preconditions, mutations, room_.keys));
  ASSIGN_OR_RETURN(PartitionVersion version, NextVersion());
  if (version <= view.state.version) return Corrupt("a partition is newer than the store");

  rocksdb::WriteBatch batch;
  if (plan.clear) RETURN_IF_ERROR(ClearPartition(partition, view.state.keys, batch));
  for (const auto& [key, value] : plan.writes) {
    const std::string full_key = RecordKey(partition, key);
    RETURN_IF_ERROR(ToStatus(value.has_value() ? batch.Put(database_->records, full_key, *value)
                                               : batch.Delete(database_->records, full_key)));
  }
  if (plan.exists) {
    RETURN_IF_ERROR(ToStatus(batch.Put(database_->partitions, ToSlice(partition),
                                       EncodePartitionHeader({version, plan.keys}))));
  } else if (view.state.version != 0) {
    RETURN_IF_ERROR(ToStatus(batch.Delete(database_->partitions, ToSlice(partition))));
  }
  RETURN_IF_ERROR(ToStatus(batch.Put(database_->outcomes, OutcomeKey(partition, request_id),
                                     EncodeOutcome({version, now}))));
  for (const std::string& key : plan.erased) {
    RETURN_IF_ERROR(ToStatus(batch.Put(
        database_->meta, OwedErasureKey(version, RecordKey(partition, key)), EncodeNumber(0))));
  }
  RETURN_IF_ERROR(Write(batch));
  if (!plan.erased.empty()) eraser_->Note(plan.erased.size());
  return version;
}

absl::Status RocksRecordStore::ClearPartition(std::string_view partition, uint32_t keys,
                                              rocksdb::WriteBatch& batch) {
  if (keys == 0) return absl::OkStatus();
  const std::string begin = RecordPrefix(partition);
  const std::string end = EndOfPrefix(begin);
  if (keys > kMaxSingleDeletes) {
    return ToStatus(batch.DeleteRange(database_->records, begin, end));
  }
  const rocksdb::Slice end_slice(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end_slice;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_->db->NewIterator(options, database_->records));
  for (it->Seek(begin); it->Valid(); it->Next()) {
    RETURN_IF_ERROR(ToStatus(batch.Delete(database_->records, it->key())));
  }
  return ToStatus(it->status());
}

absl::StatusOr<PartitionVersion> RocksRecordStore::NextVersion() {
  absl::MutexLock lock(&version_mutex_);
  if (next_version_ == version_limit_) {
    // Durable before the first of the block is used: a crash may skip versions, never repeat one.
    rocksdb::WriteBatch batch;
    const PartitionVersion limit = version_limit_ + version_block_;
    RETURN_IF_ERROR(
        ToStatus(batch.Put(database_->meta, ToSlice(kVersionLimitKey), EncodeNumber(limit))));
    RETURN_IF_ERROR(Write(batch));
    version_limit_ = limit;
  }
  return next_version_++;
}

absl::Status RocksRecordStore::Write(rocksdb::WriteBatch& batch) {
  if (read_only_) return Refuse(Reason::kStoreUnavailable, "opened only to be read");
  if (failed_.load()) {
    return Refuse(Reason::kStoreUnavailable,
                  "read-only since a write failed; open the store again");
  }
  rocksdb::WriteOptions options;
  options.sync = true;
  const rocksdb::Status status = database_->db->Write(options, &batch);
  if (status.ok()) return absl::OkStatus();
  // Whether the commit reached the disk shows only when its log is read again.
  failed_.store(true);
  return Refuse(Reason::kStoreUnavailable, status.ToString());
}

uint64_t RocksRecordStore::owed_erasures() const {
  return eraser_ == nullptr ? 0 : eraser_->owed();
}

absl::Status RocksRecordStore::EraseNow() {
  return eraser_ == nullptr ? Refuse(Reason::kStoreUnavailable, "opened only to be read")
                            : eraser_->Erase();
}

absl::Status RocksRecordStore::DropExpiredOutcomes() {
  rocksdb::CompactRangeOptions options;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  return ToStatus(database_->db->CompactRange(options, database_->outcomes, nullptr, nullptr));
}

}  // namespace comity
