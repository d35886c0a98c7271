#ifndef COMITY_COMMON_STORE_RECORD_KEYS_H_
#define COMITY_COMMON_STORE_RECORD_KEYS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/clock/clock.h"
#include "services/common/store/record_store.h"

// The bytes that the RocksDB driver keeps on disk, described in docs/formats-store.md. Integers are
// big-endian. A value of another length or format byte does not decode.
namespace comity {

// 2 added what is owed of erasures; a store of format 1 becomes one of format 2 when it is opened.
inline constexpr uint64_t kRecordFormat = 2;
inline constexpr uint64_t kOldestRecordFormat = 1;
// Keys of the column family "default".
inline constexpr std::string_view kFormatKey = "format";
inline constexpr std::string_view kVersionLimitKey = "version-limit";
// Values that are still to leave the files: then the u64 version of the commit that erased them,
// and their key in "records". The value says nothing.
inline constexpr std::string_view kOwedErasurePrefix = "erase/";
std::string OwedErasureKey(PartitionVersion version, std::string_view record_key);
// Of such a key; empty when it is none.
std::string_view ErasedRecordKey(std::string_view owed_key);

// Column family "records": u16 length of the partition name, the name, the key. With the length in
// front no partition's keys can fall into the range of another, whatever bytes the names hold.
std::string RecordPrefix(std::string_view partition);
std::string RecordKey(std::string_view partition, std::string_view key);
// The prefix of a key that RecordKey() gave; all of it when it is too short to have one.
std::string_view RecordPrefixOf(std::string_view record_key);
// The least string above every key with this prefix, which must be one of RecordPrefix.
std::string EndOfPrefix(std::string prefix);

// Column family "outcomes": the record prefix, then the 16 bytes of the request id.
std::string OutcomeKey(std::string_view partition, const RequestId& request_id);

// Column family "partitions": the bare name, to this.
struct PartitionHeader {
  PartitionVersion version = 0;
  uint32_t keys = 0;
  friend bool operator==(const PartitionHeader&, const PartitionHeader&) = default;
};
std::string EncodePartitionHeader(const PartitionHeader& header);
std::optional<PartitionHeader> DecodePartitionHeader(std::string_view bytes);

struct StoredOutcome {
  PartitionVersion version = 0;
  UnixMillis time = 0;
  friend bool operator==(const StoredOutcome&, const StoredOutcome&) = default;
};
std::string EncodeOutcome(const StoredOutcome& outcome);
std::optional<StoredOutcome> DecodeOutcome(std::string_view bytes);

// How long an outcome answers a repeated request id; afterwards it is as if it had never been.
inline constexpr int64_t kOutcomeLifetimeMs = kHourMs;
bool OutcomeExpired(const StoredOutcome& outcome, UnixMillis now);

std::string EncodeNumber(uint64_t number);
std::optional<uint64_t> DecodeNumber(std::string_view bytes);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_RECORD_KEYS_H_
