#ifndef COMITY_TESTS_FAULT_RECORD_HISTORY_H_
#define COMITY_TESTS_FAULT_RECORD_HISTORY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "services/common/ids/ids.h"
#include "services/common/store/record_store.h"

namespace comity {

// A seeded row of commits and what a store must hold after them: every commit that was
// acknowledged, and the one that failed either whole or not at all.
class RecordHistory final {
 public:
  explicit RecordHistory(uint64_t seed) : random_(seed) {}

  // Makes the next commit. After an error the history goes on only with Resolve.
  absl::Status Step(RecordStore& store);
  bool unresolved() const { return pending_.has_value(); }

  // Test failures unless `store` holds what it must.
  void Verify(RecordStore& store);
  // Repeats the failed commit under its request id, which must succeed, and the last acknowledged
  // ones, which must change nothing.
  void Resolve(RecordStore& store);

 private:
  struct Partition {
    PartitionVersion version = 0;
    std::map<std::string, std::string> values;
    friend bool operator==(const Partition&, const Partition&) = default;
  };
  struct Commit {
    std::string partition;
    RequestId request;
    std::vector<Mutation> mutations;
    PartitionVersion acknowledged = 0;
  };

  Commit MakeCommit();
  Partition Expected(const Commit& commit) const;  // its partition afterwards, version unset
  void Acknowledge(Commit commit, PartitionVersion version);
  static Partition Read(RecordStore& store, const std::string& name);

  std::mt19937_64 random_;
  uint64_t steps_ = 0;
  PartitionVersion newest_ = 0;  // of all that any caller was told or shown
  std::map<std::string, Partition> partitions_;
  std::vector<Commit> acknowledged_;
  std::optional<Commit> pending_;
};

}  // namespace comity

#endif  // COMITY_TESTS_FAULT_RECORD_HISTORY_H_
