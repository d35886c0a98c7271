#include "tests/sim/ports.h"

#include <algorithm>

#include "services/common/crypto/random.h"
#include "services/common/status/check.h"
#include "services/storage/stored_codec.h"
#include "services/storage/stored_commit.h"

namespace comity::sim {
namespace {

bool IsBucket(std::string_view partition) { return partition.starts_with("objects/"); }

bool ClosesGate(const Mutation& mutation) {
  if (mutation.kind != Mutation::Kind::kPut || mutation.key != "gate") return false;
  const absl::StatusOr<storage::Gate> gate = storage::DecodeGate(mutation.value);
  return gate.ok() && gate->kind == storage::GateKind::kFenced;
}

bool Touches(const std::vector<Mutation>& mutations, std::string_view prefix) {
  return std::ranges::any_of(
      mutations, [&](const Mutation& mutation) { return mutation.key.starts_with(prefix); });
}

}  // namespace

absl::StatusOr<PartitionVersion> SimRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  // Reserved once a minute, under a lock of the signer's.
  if (partition == "service/statement-numbers") {
    return behind_->Commit(partition, request_id, preconditions, mutations);
  }
  const bool account = partition.starts_with(storage::kAccountPartitions);
  kernel_->Contact(account || !storage_ ? "commit account" : "commit bucket",
                   storage_ && account ? kAccountLock : 0);
  const bool settles = settles_(partition, mutations);

  std::vector<Precondition> compared = preconditions;
  std::vector<Mutation> written = mutations;
  if (plant_ == Plant::kNoPreconditions && !storage_) compared.clear();
  if (plant_ == Plant::kGatesForgotten && IsBucket(partition)) std::erase_if(written, ClosesGate);
  if (written.empty()) return PartitionVersion{1};
  RememberUnsynced(partition, written);
  absl::StatusOr<PartitionVersion> version =
      behind_->Commit(partition, request_id, compared, written);
  if (version.ok() && settles) kernel_->Settle();
  return version;
}

void SimRecordStore::RememberUnsynced(std::string_view partition,
                                      const std::vector<Mutation>& mutations) {
  const bool put = plant_ == Plant::kPutForgotten && IsBucket(partition) &&
                   Touches(mutations, "o/") && Touches(mutations, "m/");
  const bool decision = plant_ == Plant::kDecisionForgotten && Touches(mutations, "decision/");
  const bool fence = plant_ == Plant::kFenceForgotten && storage_ && Touches(mutations, "fence");
  if (!put && !decision && !fence) return;
  unsynced_partition_ = std::string(partition);
  undo_.clear();
  for (const Mutation& mutation : mutations) {
    if (fence && mutation.key != "fence") continue;
    const absl::StatusOr<Snapshot> before = behind_->Get(partition, {mutation.key});
    COMITY_CHECK(before.ok());
    const std::string* value = before->Find(mutation.key);
    undo_.push_back(value == nullptr ? Mutation::Delete(mutation.key)
                                     : Mutation::Put(mutation.key, *value));
  }
}

void SimRecordStore::LoseUnsynced() {
  if (undo_.empty()) return;
  COMITY_CHECK(behind_->Commit(unsynced_partition_, RandomId<RequestId>(), {}, undo_).ok());
  undo_.clear();
}

}  // namespace comity::sim
