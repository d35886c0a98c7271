#ifndef COMITY_COMMON_STORE_ROCKSDB_TUNING_H_
#define COMITY_COMMON_STORE_ROCKSDB_TUNING_H_

#include <cstddef>

#include "services/common/clock/clock.h"

namespace rocksdb {
struct ColumnFamilyOptions;
struct DBOptions;
}  // namespace rocksdb

namespace comity {

// How the record driver runs RocksDB: durability first, point lookups in about a million
// partitions, and about 150 MB of memory whatever the size of the database.
void TuneDatabase(size_t write_buffer_bytes, rocksdb::DBOptions& options);
void TuneRecords(size_t write_buffer_bytes, rocksdb::ColumnFamilyOptions& options);

// Makes compactions leave out the outcomes that have expired by `clock`, which must outlive the
// database.
void ExpireOutcomes(const Clock& clock, rocksdb::ColumnFamilyOptions& options);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_ROCKSDB_TUNING_H_
