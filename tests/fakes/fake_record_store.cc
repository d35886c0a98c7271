#include "tests/fakes/fake_record_store.h"

#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/record_limits.h"

namespace comity {
namespace {

absl::Status Unavailable() {
  return Refuse(Reason::kStoreUnavailable, "the fake was told to fail");
}

template <typename Partition>
bool Holds(const Precondition& precondition, const Partition& partition) {
  const auto value = partition.values.find(precondition.key);
  const bool present = value != partition.values.end();
  switch (precondition.kind) {
    case Precondition::Kind::kVersionIs:
      return partition.version == precondition.version;
    case Precondition::Kind::kPartitionAbsent:
      return partition.version == 0;
    case Precondition::Kind::kKeyAbsent:
      return !present;
    case Precondition::Kind::kKeyPresent:
      return present;
    case Precondition::Kind::kValueIs:
      return present && value->second == precondition.value;
  }
  return false;
}

}  // namespace

void FakeRecordStore::FailNextCommit(Fate fate) {
  absl::MutexLock lock(&mutex_);
  next_fate_ = fate;
}

void FakeRecordStore::SetUnavailable(bool unavailable) {
  absl::MutexLock lock(&mutex_);
  unavailable_ = unavailable;
}

uint64_t FakeRecordStore::applied() const {
  absl::MutexLock lock(&mutex_);
  return applied_;
}

absl::Status FakeRecordStore::CheckAvailable() const {
  return unavailable_ ? Unavailable() : absl::OkStatus();
}

const FakeRecordStore::Partition& FakeRecordStore::Find(std::string_view partition) const {
  const auto it = partitions_.find(partition);
  return it == partitions_.end() ? absent_ : it->second;
}

absl::StatusOr<Snapshot> FakeRecordStore::Get(std::string_view partition,
                                              const std::vector<std::string>& keys) {
  RETURN_IF_ERROR(CheckGet(partition, keys));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  const Partition& found = Find(partition);
  Snapshot snapshot{.version = found.version};
  for (const std::string& key : keys) {
    if (auto it = found.values.find(key); it != found.values.end()) snapshot.values.insert(*it);
  }
  return snapshot;
}

absl::StatusOr<ScanPage> FakeRecordStore::Scan(std::string_view partition, std::string_view begin,
                                               std::string_view end, size_t limit,
                                               std::optional<PartitionVersion> at) {
  RETURN_IF_ERROR(CheckScan(partition, begin, end, limit));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  const Partition& found = Find(partition);
  if (at.has_value() && *at != found.version) {
    return Refuse(Reason::kConflict, "the partition is at another version");
  }
  ScanPage page{.version = found.version};
  size_t bytes = 0;
  for (auto it = found.values.lower_bound(std::string(begin)); it != found.values.end(); ++it) {
    if (!end.empty() && it->first >= end) break;
    if (page.items.size() == limit || bytes >= kMaxScanPageBytes) {
      page.more = true;
      break;
    }
    page.items.push_back(*it);
    bytes += it->first.size() + it->second.size();
  }
  return page;
}

absl::StatusOr<std::vector<std::string>> FakeRecordStore::Partitions(std::string_view prefix,
                                                                     std::string_view cursor,
                                                                     size_t limit) {
  RETURN_IF_ERROR(CheckPartitions(prefix, cursor, limit));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  std::vector<std::string> names;
  for (const auto& [name, partition] : partitions_) {
    if (names.size() == limit) break;
    if (name.starts_with(prefix) && name > cursor) names.push_back(name);
  }
  return names;
}

absl::StatusOr<PartitionVersion> FakeRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  RETURN_IF_ERROR(CheckCommit(partition, request_id, preconditions, mutations));
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckAvailable());
  const std::pair<std::string, RequestId> outcome_key(partition, request_id);
  if (auto it = outcomes_.find(outcome_key); it != outcomes_.end()) {
    if (Now() < it->second.time + kHourMs) return it->second.version;
  }

  const Partition& before = Find(partition);
  for (const Precondition& precondition : preconditions) {
    if (!Holds(precondition, before)) return Refuse(Reason::kConflict, "a precondition is false");
  }
  // The named keys that the partition has, as the mutations leave them, and how many others.
  std::map<std::string, std::string> named;
  for (const Mutation& mutation : mutations) {
    if (auto it = before.values.find(mutation.key); it != before.values.end()) named.insert(*it);
  }
  size_t others = before.values.size() - named.size();
  bool exists = before.version != 0;
  bool cleared = false;
  for (const Mutation& mutation : mutations) {
    switch (mutation.kind) {
      case Mutation::Kind::kPut:
        named[mutation.key] = mutation.value;
        exists = true;
        break;
      case Mutation::Kind::kDelete:
      case Mutation::Kind::kErase:  // there are no files
        named.erase(mutation.key);
        break;
      case Mutation::Kind::kDeletePartition:
        named.clear();
        others = 0;
        cleared = true;
        exists = false;
        break;
    }
  }
  const size_t keys = others + named.size();
  if (keys > kMaxPartitionKeys && keys > before.values.size()) {
    return Refuse(Reason::kFieldInvalid, "the partition would have too many keys");
  }
  const std::optional<Fate> fate = std::exchange(next_fate_, std::nullopt);
  if (fate == Fate::kNotApplied) return Unavailable();

  const PartitionVersion version = ++last_version_;
  ++applied_;
  outcomes_[outcome_key] = {version, Now()};
  if (cleared) partitions_.erase(std::string(partition));
  if (exists) {
    Partition& after = partitions_[std::string(partition)];
    for (const Mutation& mutation : mutations) after.values.erase(mutation.key);
    after.values.merge(named);
    after.version = version;
  }
  if (fate == Fate::kApplied) return Unavailable();
  return version;
}

}  // namespace comity
