#include "services/common/store/rocksdb_tuning.h"

#include <memory>
#include <optional>
#include <string>

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>

#include "services/common/store/record_keys.h"

namespace comity {
namespace {

constexpr size_t kBlockCacheBytes = 64 << 20;
constexpr double kBloomBitsPerKey = 10;
// Outcomes that no compaction happens to touch are looked at this often.
constexpr uint64_t kOutcomeSweepSeconds = 7200;

class ExpiredOutcomes final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiredOutcomes(UnixMillis now) : now_(now) {}
  const char* Name() const override { return "comity.ExpiredOutcomes"; }
  bool Filter(int /*level*/, const rocksdb::Slice& /*key*/, const rocksdb::Slice& value,
              std::string* /*new_value*/, bool* /*value_changed*/) const override {
    std::optional<StoredOutcome> outcome = DecodeOutcome({value.data(), value.size()});
    // What does not decode stays, so that reading it reports the damage.
    return outcome.has_value() && OutcomeExpired(*outcome, now_);
  }

 private:
  const UnixMillis now_;
};

class ExpiredOutcomesFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiredOutcomesFactory(const Clock& clock) : clock_(clock) {}
  const char* Name() const override { return "comity.ExpiredOutcomesFactory"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& /*context*/) override {
    return std::make_unique<ExpiredOutcomes>(clock_.Now());
  }

 private:
  const Clock& clock_;
};

}  // namespace

void TuneDatabase(size_t write_buffer_bytes, rocksdb::DBOptions& options) {
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.paranoid_checks = true;
  // A torn end of the log, which only commits that nobody was told of can leave, must not keep a
  // store from opening after a power cut. Logs that were closed are checked for their full length.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  // An error is for the operator to clear: RocksDB must not resume behind a refusal.
  options.max_bgerror_resume_count = 0;
  // Whoever waits for a group's sync sleeps, and the group's leader writes for all: with more
  // writers than processors, spinning and waking them twice costs more than it gives.
  options.enable_write_thread_adaptive_yield = false;
  options.allow_concurrent_memtable_write = false;
  options.max_total_wal_size = 8 * write_buffer_bytes;
  options.db_write_buffer_size = 4 * write_buffer_bytes;
  options.max_open_files = 1000;
  options.max_background_jobs = 2;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 4 << 20;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
}

void TuneRecords(size_t write_buffer_bytes, rocksdb::ColumnFamilyOptions& options) {
  options.write_buffer_size = write_buffer_bytes;
  // Most values are ciphertext, and lengths of compressed blocks could tell of the rest.
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kNoCompression;
  options.level_compaction_dynamic_level_bytes = true;
  // A commit asks for keys that mostly do not exist: filters answer without reading a block.
  options.memtable_prefix_bloom_size_ratio = 0.02;
  options.memtable_whole_key_filtering = true;

  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
  table.whole_key_filtering = true;
  // Filters and indexes live in the cache and in parts, so that they too are bounded.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.optimize_filters_for_memory = true;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
}

void ExpireOutcomes(const Clock& clock, rocksdb::ColumnFamilyOptions& options) {
  options.compaction_filter_factory = std::make_shared<ExpiredOutcomesFactory>(clock);
  options.periodic_compaction_seconds = kOutcomeSweepSeconds;
}

}  // namespace comity
