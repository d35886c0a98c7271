#include "services/common/faults/faulty_stores.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// As by kill -9 from outside: nothing is flushed, nobody is told.
void Die() { raise(SIGKILL); }

}  // namespace

struct StoreFaults::Impl {
  Impl(std::shared_ptr<const FaultFile> f, std::string s)
      : file(std::move(f)), service(std::move(s)) {}
  const std::shared_ptr<const FaultFile> file;
  const std::string service;
  absl::Mutex mutex;
  bool broken ABSL_GUARDED_BY(mutex) = false;
  // The death that was counted for last, and how many of its commits there have been.
  DeathFault death ABSL_GUARDED_BY(mutex);
  uint64_t counted ABSL_GUARDED_BY(mutex) = 0;
};

StoreFaults::StoreFaults(std::shared_ptr<const FaultFile> file, std::string service)
    : impl_(std::make_unique<Impl>(std::move(file), std::move(service))) {}
StoreFaults::~StoreFaults() = default;

absl::Status StoreFaults::CheckDisk() {
  const std::shared_ptr<const FaultPlan> plan = impl_->file->Now();
  absl::MutexLock lock(&impl_->mutex);
  for (const DiskFault& disk : plan->disks) {
    if (disk.service != impl_->service) continue;
    if (disk.state == DiskState::kFull) {
      return Refuse(Reason::kStoreUnavailable, "no space left on device (a fault of this test)");
    }
    impl_->broken = true;
  }
  if (!impl_->broken) return absl::OkStatus();
  return Refuse(Reason::kStoreUnavailable,
                "read-only since a sync failed (a fault of this test); open the store again");
}

StoreFaults::Fate StoreFaults::Count(std::string_view partition,
                                     const std::vector<Mutation>& mutations) {
  const std::shared_ptr<const FaultPlan> plan = impl_->file->Now();
  const auto death = std::ranges::find(plan->deaths, impl_->service, &DeathFault::service);
  if (death == plan->deaths.end() || !partition.starts_with(death->partition)) return Fate::kLive;
  const bool touches = std::ranges::any_of(
      mutations, [&](const Mutation& mutation) { return mutation.key.starts_with(death->key); });
  if (!touches) return Fate::kLive;
  absl::MutexLock lock(&impl_->mutex);
  if (impl_->death != *death) {
    impl_->death = *death;
    impl_->counted = 0;
  }
  if (++impl_->counted != death->count) return Fate::kLive;
  return death->before ? Fate::kDieBefore : Fate::kDieAfter;
}

absl::StatusOr<PartitionVersion> FaultyRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  RETURN_IF_ERROR(faults_->CheckDisk());
  const StoreFaults::Fate fate = faults_->Count(partition, mutations);
  if (fate == StoreFaults::Fate::kDieBefore) Die();
  absl::StatusOr<PartitionVersion> version =
      behind_->Commit(partition, request_id, preconditions, mutations);
  if (fate == StoreFaults::Fate::kDieAfter) Die();
  return version;
}

absl::Status FaultyBlobStore::PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) {
  RETURN_IF_ERROR(faults_->CheckDisk());
  return behind_->PutIfAbsentOrEqual(name, bytes);
}

absl::Status FaultyBlobStore::Delete(std::string_view name) {
  RETURN_IF_ERROR(faults_->CheckDisk());
  return behind_->Delete(name);
}

}  // namespace comity
