#include "services/common/store/record_limits.h"

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kReservedPrefix = "req/";

absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kFieldInvalid, cause); }

absl::Status CheckPartitionName(std::string_view partition) {
  if (partition.empty()) return Invalid("a partition name is empty");
  if (partition.size() > kMaxPartitionNameBytes) return Invalid("a partition name is too long");
  return absl::OkStatus();
}

absl::Status CheckKey(std::string_view key) {
  if (key.empty()) return Invalid("a key is empty");
  if (key.size() > kMaxKeyBytes) return Invalid("a key is too long");
  return absl::OkStatus();
}

absl::Status CheckOwnKey(std::string_view key) {
  RETURN_IF_ERROR(CheckKey(key));
  if (key.starts_with(kReservedPrefix)) return Invalid("keys under req/ are reserved");
  return absl::OkStatus();
}

absl::Status CheckLimit(size_t limit) {
  if (limit < 1 || limit > kMaxPageItems) return Invalid("a page limit is out of range");
  return absl::OkStatus();
}

absl::Status CheckPrecondition(const Precondition& precondition) {
  switch (precondition.kind) {
    case Precondition::Kind::kVersionIs:
    case Precondition::Kind::kPartitionAbsent:
      return absl::OkStatus();
    case Precondition::Kind::kKeyAbsent:
    case Precondition::Kind::kKeyPresent:
      return CheckOwnKey(precondition.key);
    case Precondition::Kind::kValueIs:
      if (precondition.value.empty()) return Invalid("a value to compare with is empty");
      return CheckOwnKey(precondition.key);
  }
  return Invalid("a precondition of unknown kind");
}

absl::Status CheckMutation(const Mutation& mutation) {
  switch (mutation.kind) {
    case Mutation::Kind::kPut:
      if (mutation.value.empty()) return Invalid("a value is empty");
      return CheckOwnKey(mutation.key);
    case Mutation::Kind::kDelete:
    case Mutation::Kind::kErase:
      return CheckOwnKey(mutation.key);
    case Mutation::Kind::kDeletePartition:
      return absl::OkStatus();
  }
  return Invalid("a mutation of unknown kind");
}

}  // namespace

absl::Status CheckGet(std::string_view partition, const std::vector<std::string>& keys) {
  RETURN_IF_ERROR(CheckPartitionName(partition));
  for (const std::string& key : keys) RETURN_IF_ERROR(CheckKey(key));
  return absl::OkStatus();
}

absl::Status CheckScan(std::string_view partition, std::string_view begin, std::string_view end,
                       size_t limit) {
  RETURN_IF_ERROR(CheckPartitionName(partition));
  // One byte more than a key, for "the last key + '\0'".
  if (begin.size() > kMaxKeyBytes + 1 || end.size() > kMaxKeyBytes + 1) {
    return Invalid("a bound of a scan is too long");
  }
  return CheckLimit(limit);
}

absl::Status CheckPartitions(std::string_view prefix, std::string_view cursor, size_t limit) {
  if (prefix.size() > kMaxPartitionNameBytes || cursor.size() > kMaxPartitionNameBytes) {
    return Invalid("a prefix or cursor is too long");
  }
  return CheckLimit(limit);
}

absl::Status CheckCommit(std::string_view partition, const RequestId& request_id,
                         const std::vector<Precondition>& preconditions,
                         const std::vector<Mutation>& mutations, const RecordRoom& room) {
  RETURN_IF_ERROR(CheckPartitionName(partition));
  if (request_id.IsZero()) return Invalid("the request id of a commit is not set");
  if (preconditions.size() + mutations.size() > room.operations) {
    return Invalid("a commit has too many operations");
  }
  size_t bytes = 0;
  for (const Precondition& precondition : preconditions) {
    RETURN_IF_ERROR(CheckPrecondition(precondition));
    bytes += precondition.key.size() + precondition.value.size();
  }
  for (const Mutation& mutation : mutations) {
    RETURN_IF_ERROR(CheckMutation(mutation));
    bytes += mutation.key.size() + mutation.value.size();
  }
  if (bytes > room.bytes) return Invalid("a commit is too large");
  return absl::OkStatus();
}

}  // namespace comity
