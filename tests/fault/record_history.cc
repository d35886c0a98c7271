#include "tests/fault/record_history.h"

#include <algorithm>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"

namespace comity {
namespace {

constexpr uint64_t kPartitions = 4;
constexpr uint64_t kKeys = 6;
constexpr size_t kRepeated = 5;

std::string NameOf(uint64_t partition) { return "partition/" + std::to_string(partition); }

}  // namespace

RecordHistory::Commit RecordHistory::MakeCommit() {
  const auto below = [this](uint64_t bound) { return random_() % bound; };
  ++steps_;
  Commit commit{.partition = NameOf(below(kPartitions)), .request = NumberedRequest(steps_)};
  if (below(8) == 0) commit.mutations.push_back(Mutation::DeletePartition());
  if (below(8) == 0) return commit;
  for (uint64_t i = below(4) + 1; i > 0; --i) {
    std::string key = "key/" + std::to_string(below(kKeys));
    if (below(4) == 0) {
      commit.mutations.push_back(Mutation::Delete(std::move(key)));
    } else {
      // Long enough that some dozens of commits fill a write buffer.
      std::string value = std::to_string(steps_) + ":";
      value.append(below(4000), static_cast<char>('a' + steps_ % 26));
      commit.mutations.push_back(Mutation::Put(std::move(key), std::move(value)));
    }
  }
  return commit;
}

RecordHistory::Partition RecordHistory::Expected(const Commit& commit) const {
  const auto it = partitions_.find(commit.partition);
  Partition partition = it == partitions_.end() ? Partition{} : it->second;
  bool exists = partition.version != 0;
  for (const Mutation& mutation : commit.mutations) {
    switch (mutation.kind) {
      case Mutation::Kind::kPut:
        partition.values[mutation.key] = mutation.value;
        exists = true;
        break;
      case Mutation::Kind::kDelete:
      case Mutation::Kind::kErase:
        partition.values.erase(mutation.key);
        break;
      case Mutation::Kind::kDeletePartition:
        partition.values.clear();
        exists = false;
        break;
    }
  }
  partition.version = exists ? 1 : 0;
  return partition;
}

void RecordHistory::Acknowledge(Commit commit, PartitionVersion version) {
  Partition after = Expected(commit);
  if (after.version != 0) after.version = version;
  partitions_[commit.partition] = std::move(after);
  commit.acknowledged = version;
  acknowledged_.push_back(std::move(commit));
  newest_ = std::max(newest_, version);
}

absl::Status RecordHistory::Step(RecordStore& store) {
  Commit commit = MakeCommit();
  absl::StatusOr<PartitionVersion> version =
      store.Commit(commit.partition, commit.request, {}, commit.mutations);
  if (!version.ok()) {
    pending_ = std::move(commit);
    return version.status();
  }
  EXPECT_GT(*version, newest_) << "a version came again";
  Acknowledge(std::move(commit), *version);
  return absl::OkStatus();
}

RecordHistory::Partition RecordHistory::Read(RecordStore& store, const std::string& name) {
  absl::StatusOr<ScanPage> page = store.Scan(name, "", "", kMaxPageItems);
  EXPECT_THAT(page, IsOk());
  if (!page.ok()) return {};
  return {page->version, {page->items.begin(), page->items.end()}};
}

void RecordHistory::Verify(RecordStore& store) {
  std::vector<std::string> existing;
  for (uint64_t i = 0; i < kPartitions; ++i) {
    const std::string name = NameOf(i);
    const Partition found = Read(store, name);
    if (found.version != 0) existing.push_back(name);
    const Partition& expected = partitions_[name];
    if (found == expected) continue;
    ASSERT_TRUE(pending_.has_value() && pending_->partition == name) << name << " is not as it was";
    Partition applied = Expected(*pending_);
    if (applied.version != 0) {
      EXPECT_GT(found.version, newest_) << "a version came again";
      applied.version = found.version;
    }
    EXPECT_TRUE(found == applied) << name << " holds neither all nor nothing of the failed commit";
  }
  EXPECT_THAT(store.Partitions("", "", kMaxPageItems),
              IsOkAndHolds(::testing::ElementsAreArray(existing)));
}

void RecordHistory::Resolve(RecordStore& store) {
  for (size_t i = acknowledged_.size() - std::min(kRepeated, acknowledged_.size());
       i < acknowledged_.size(); ++i) {
    const Commit& commit = acknowledged_[i];
    EXPECT_THAT(store.Commit(commit.partition, commit.request, {}, commit.mutations),
                IsOkAndHolds(commit.acknowledged));
  }
  if (pending_.has_value()) {
    const Partition before = Read(store, pending_->partition);
    const bool was_applied = before.version > newest_;
    ASSERT_OK_AND_ASSIGN(
        PartitionVersion version,
        store.Commit(pending_->partition, pending_->request, {}, pending_->mutations));
    EXPECT_GT(version, newest_) << "a version came again";
    EXPECT_TRUE(!was_applied || version == before.version) << "the commit was applied twice";
    Acknowledge(*std::exchange(pending_, std::nullopt), version);
  }
  Verify(store);
}

}  // namespace comity
