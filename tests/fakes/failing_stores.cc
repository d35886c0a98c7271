#include "tests/fakes/failing_stores.h"

#include "services/common/status/reason.h"

namespace comity {
namespace {

absl::Status Dead() { return Refuse(Reason::kStoreUnavailable, "the fault plan says so"); }

// Runs `call` as the plan says.
template <typename Call>
auto Under(FailurePlan& plan, const Call& call) -> decltype(call()) {
  const FailurePlan::Verdict verdict = plan.OnCall();
  if (!verdict.apply) {
    return Dead();
  }
  auto result = call();
  if (!verdict.answer) {
    return Dead();
  }
  return result;
}

}  // namespace

FailurePlan::Verdict FailurePlan::OnCall() {
  const uint64_t call = calls_.fetch_add(1);
  if (call == fails_at_) {
    return {fate_ == Fate::kApplied, false};
  }
  return {call < fails_at_, call < fails_at_};
}

absl::StatusOr<Snapshot> FailingRecordStore::Get(std::string_view partition,
                                                 const std::vector<std::string>& keys) {
  return Under(*plan_, [&] { return store_->Get(partition, keys); });
}

absl::StatusOr<ScanPage> FailingRecordStore::Scan(std::string_view partition,
                                                  std::string_view begin, std::string_view end,
                                                  size_t limit,
                                                  std::optional<PartitionVersion> at) {
  return Under(*plan_, [&] { return store_->Scan(partition, begin, end, limit, at); });
}

absl::StatusOr<std::vector<std::string>> FailingRecordStore::Partitions(std::string_view prefix,
                                                                        std::string_view cursor,
                                                                        size_t limit) {
  return Under(*plan_, [&] { return store_->Partitions(prefix, cursor, limit); });
}

absl::StatusOr<PartitionVersion> FailingRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  return Under(*plan_,
               [&] { return store_->Commit(partition, request_id, preconditions, mutations); });
}

absl::Status FailingBlobStore::PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) {
  return Under(*plan_, [&] { return store_->PutIfAbsentOrEqual(name, bytes); });
}

absl::StatusOr<std::string> FailingBlobStore::Get(std::string_view name) {
  return Under(*plan_, [&] { return store_->Get(name); });
}

absl::Status FailingBlobStore::Delete(std::string_view name) {
  return Under(*plan_, [&] { return store_->Delete(name); });
}

absl::StatusOr<std::vector<BlobStore::Entry>> FailingBlobStore::List(std::string_view prefix,
                                                                     std::string_view cursor,
                                                                     size_t limit) {
  return Under(*plan_, [&] { return store_->List(prefix, cursor, limit); });
}

}  // namespace comity
