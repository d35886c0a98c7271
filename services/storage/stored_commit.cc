#include "services/storage/stored_commit.h"

#include <array>
#include <cstdio>

#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"

namespace comity::storage {

std::string AccountPartition(const AccountId& account) {
  return std::string(kAccountPartitions) + account.ToString();
}

std::string BucketPartition(const AccountId& account, uint8_t bucket) {
  std::array<char, 4> hex;
  std::snprintf(hex.data(), hex.size(), "/%02x", unsigned{bucket});
  return "objects/" + account.ToString() + hex.data();
}

Precondition AsBefore(PartitionVersion version) {
  return version == 0 ? Precondition::PartitionAbsent() : Precondition::VersionIs(version);
}

absl::Status CommitRecords(RecordStore& records, std::string_view partition,
                           const std::vector<Precondition>& preconditions,
                           const std::vector<Mutation>& mutations) {
  const auto id = RandomId<RequestId>();
  absl::Status status = records.Commit(partition, id, preconditions, mutations).status();
  if (ReasonOf(status) == Reason::kStoreUnavailable) {
    status = records.Commit(partition, id, preconditions, mutations).status();
  }
  // Every other limit is kept by what is written here.
  if (ReasonOf(status) == Reason::kFieldInvalid) {
    return Refuse(Reason::kOverloaded, "the partition is full: " + CauseOf(status));
  }
  return status;
}

}  // namespace comity::storage
