#include "services/custody/shamir_seal.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"

namespace comity::custody {
namespace {

ShamirSealInfo InfoOf(const SealRecord& record) {
  ShamirSealInfo info{record.threshold, {}};
  for (const SealHolder& holder : record.holders) {
    info.holders.push_back({holder.person, {}});
  }
  return info;
}

}  // namespace

ShamirSeal::ShamirSeal(SealRecord record)
    : record_(std::move(record)), description_(InfoOf(record_).Description()) {}

absl::StatusOr<std::unique_ptr<ShamirSeal>> ShamirSeal::Load(const std::string& path,
                                                             const Topology& topology,
                                                             const RegionId& region) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ASSIGN_OR_RETURN(SealRecord record, DecodeSealRecord(bytes));
  const RegionInfo* info = topology.FindRegion(region);
  const auto& rules = info->service(ServiceKind::kCustody).shamir_seal;
  const bool same_place = record.deployment == topology.deployment() && record.region == region;
  const bool same_people = rules.has_value() && rules->threshold == record.threshold &&
                           std::ranges::equal(rules->holders, record.holders, {},
                                              &SealHolderInfo::person, &SealHolder::person);
  if (!same_place || !same_people) {
    return Refuse(Reason::kTopologyInvalid, path + " is not the seal that the topology names");
  }
  return std::make_unique<ShamirSeal>(std::move(record));
}

absl::StatusOr<SecretBytes> ShamirSeal::OpenRoot() {
  return Refuse(Reason::kSealed, "the holders of the shares have to enter them");
}

absl::Status ShamirSeal::CheckTrials(std::string_view person, UnixMillis now) {
  const auto found = trials_.find(person);
  if (found == trials_.end()) {
    return absl::OkStatus();
  }
  if (now - found->second.since >= kShareTrialMs) {
    trials_.erase(found);
    return absl::OkStatus();
  }
  return found->second.wrong < kShareTrials
             ? absl::OkStatus()
             : RefuseFor(Reason::kRateLimited,
                         std::chrono::milliseconds(found->second.since + kShareTrialMs - now),
                         "too many wrong shares of one person");
}

absl::Status ShamirSeal::Count(std::string_view person, UnixMillis now, absl::Status wrong) {
  // Only of holders: others are refused for who they are, and would fill the memory.
  if (record_.Find(person) != nullptr) {
    Trials& trials = trials_.try_emplace(std::string(person), Trials{0, now}).first->second;
    ++trials.wrong;
  }
  return wrong;
}

absl::StatusOr<std::optional<SecretBytes>> ShamirSeal::Enter(std::string_view person,
                                                             const SecretBytes& bytes,
                                                             UnixMillis now) {
  absl::MutexLock lock(&mutex_);
  RETURN_IF_ERROR(CheckTrials(person, now));
  absl::StatusOr<SealShare> share = DecodeSealShare(bytes);
  if (!share.ok()) {
    return Count(person, now, share.status());
  }
  if (absl::Status checked = CheckSealShare(record_, person, *share); !checked.ok()) {
    return Count(person, now, std::move(checked));
  }
  entered_.insert_or_assign(std::string(person), *std::move(share));
  if (entered_.size() < record_.threshold) {
    return std::optional<SecretBytes>();
  }
  std::vector<const SealShare*> shares;
  for (const auto& [name, entered] : entered_) {
    shares.push_back(&entered);
  }
  absl::StatusOr<SecretBytes> root = JoinRoot(record_, shares);
  if (!root.ok()) {
    entered_.clear();
    return root.status();
  }
  return std::optional<SecretBytes>(*std::move(root));
}

void ShamirSeal::Forget() {
  absl::MutexLock lock(&mutex_);
  entered_.clear();
}

std::vector<ShareState> ShamirSeal::Shares() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ShareState> shares;
  for (const SealHolder& holder : record_.holders) {
    shares.push_back({holder.person, entered_.contains(holder.person)});
  }
  return shares;
}

}  // namespace comity::custody
