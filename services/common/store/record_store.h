#ifndef COMITY_COMMON_STORE_RECORD_STORE_H_
#define COMITY_COMMON_STORE_RECORD_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"

// RecordStore: small records in partitions. A partition (for example "custody/<account>") is the
// unit of everything: one commit changes one partition, atomically and durably; no call spans two.
// The limits below belong to the interface and are refused alike by every driver, so that a store
// which is many machines can stand behind it later. Implementations are thread-safe; calls block.
// A partition exists from the first commit that puts a key until one that deletes the partition;
// deleting its last key leaves it in being. Partition names and keys are any bytes, never empty.
// Every call: FIELD_INVALID over a limit, STORE_UNAVAILABLE when the disk refuses, DATA_CORRUPT
// when stored bytes fail their checksum.
namespace comity {

inline constexpr size_t kMaxCommitOperations = 128;  // preconditions + mutations
inline constexpr size_t kMaxCommitBytes = 1 << 20;   // keys + values
inline constexpr size_t kMaxPartitionKeys = 100'000;
inline constexpr size_t kMaxKeyBytes = 512;
inline constexpr size_t kMaxPartitionNameBytes = 256;
inline constexpr size_t kMaxPageItems = 10'000;  // the largest `limit`

// Grows with each commit to a partition and never repeats, also not after delete and re-create.
// 0 means that the partition does not exist.
using PartitionVersion = uint64_t;

struct Precondition {
  enum class Kind { kVersionIs, kPartitionAbsent, kKeyAbsent, kKeyPresent, kValueIs };
  Kind kind;
  std::string key;               // for the key kinds
  std::string value;             // kValueIs
  PartitionVersion version = 0;  // kVersionIs
  static Precondition VersionIs(PartitionVersion v) { return {Kind::kVersionIs, {}, {}, v}; }
  static Precondition PartitionAbsent() { return {Kind::kPartitionAbsent, {}, {}, 0}; }
  static Precondition KeyAbsent(std::string k) { return {Kind::kKeyAbsent, std::move(k), {}, 0}; }
  static Precondition KeyPresent(std::string k) { return {Kind::kKeyPresent, std::move(k), {}, 0}; }
  static Precondition ValueIs(std::string k, std::string v) {
    return {Kind::kValueIs, std::move(k), std::move(v), 0};
  }
};

struct Mutation {
  enum class Kind { kPut, kDelete, kErase, kDeletePartition };
  Kind kind;
  std::string key;
  std::string value;  // never empty for kPut
  static Mutation Put(std::string k, std::string v) {
    return {Kind::kPut, std::move(k), std::move(v)};
  }
  static Mutation Delete(std::string k) { return {Kind::kDelete, std::move(k), {}}; }
  // As Delete; and soon afterwards no file of the store holds a value that the key ever had. It is
  // owed durably, and worked off by the store itself while it is open.
  static Mutation Erase(std::string k) { return {Kind::kErase, std::move(k), {}}; }
  static Mutation DeletePartition() { return {Kind::kDeletePartition, {}, {}}; }
};

struct Snapshot {
  PartitionVersion version = 0;
  std::map<std::string, std::string> values;  // only the keys that exist
  const std::string* Find(const std::string& key) const {
    auto it = values.find(key);
    return it == values.end() ? nullptr : &it->second;
  }
};

struct ScanPage {
  PartitionVersion version = 0;
  std::vector<std::pair<std::string, std::string>> items;  // ascending by key bytes
  bool more = false;  // continue with begin = last key + '\0' at the same version
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  // One consistent, linearizable view. A missing partition gives version 0 and no values.
  virtual absl::StatusOr<Snapshot> Get(std::string_view partition,
                                       const std::vector<std::string>& keys) = 0;

  // Keys in [begin, end) (empty end: no bound), at most `limit` (1..kMaxPageItems); a page of large
  // values ends sooner, after at least one item, with `more` set. With `at` given, the pages are of
  // that version or the call fails with CONFLICT.
  virtual absl::StatusOr<ScanPage> Scan(std::string_view partition, std::string_view begin,
                                        std::string_view end, size_t limit,
                                        std::optional<PartitionVersion> at = std::nullopt) = 0;

  // At most `limit` (1..kMaxPageItems) names of existing partitions that start with `prefix` and
  // sort after `cursor`; unordered drivers may return any order but must end. For maintenance and
  // sweeps, not for requests.
  virtual absl::StatusOr<std::vector<std::string>> Partitions(std::string_view prefix,
                                                              std::string_view cursor,
                                                              size_t limit) = 0;

  // Durable when it returns. OK(version): applied. CONFLICT: a precondition did not hold, nothing
  // changed. FIELD_INVALID: over a limit. STORE_UNAVAILABLE: failed, nothing changed, or the
  // outcome is unknown: after an error other than CONFLICT and FIELD_INVALID, calling again with
  // the same request id answers with the first outcome if there was one. The outcome of every
  // applied commit is kept under the request id in its partition for one hour, also when the
  // partition is deleted meanwhile; a CONFLICT changed nothing, is not kept, and the same id may be
  // tried again. Mutations apply in their order, so that puts after DeletePartition start it anew.
  // The zero request id is refused. Reserved keys: those starting with "req/" (refused in
  // preconditions and mutations; hidden from Get and Scan).
  virtual absl::StatusOr<PartitionVersion> Commit(std::string_view partition,
                                                  const RequestId& request_id,
                                                  const std::vector<Precondition>& preconditions,
                                                  const std::vector<Mutation>& mutations) = 0;

  // How many keys were erased whose values may still be in some file.
  virtual uint64_t owed_erasures() const = 0;
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_RECORD_STORE_H_
