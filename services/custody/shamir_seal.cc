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

Committee CommitteeOf(const SealRecord& record) {
  Committee committee{record.threshold, {}};
  for (const SealHolder& holder : record.holders) committee.persons.push_back(holder.person);
  return committee;
}

}  // namespace

ShamirSeal::ShamirSeal(SealRecord record)
    : committee_(CommitteeOf(record)), record_(std::move(record)) {}

ShamirSeal::ShamirSeal(SealRecord record, Committee committee, Keep keep)
    : committee_(std::move(committee)), keep_(std::move(keep)), record_(std::move(record)) {}

absl::StatusOr<std::unique_ptr<ShamirSeal>> ShamirSeal::Load(const std::string& path,
                                                             const Topology& topology,
                                                             const RegionId& region) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  ASSIGN_OR_RETURN(SealRecord record, DecodeSealRecord(bytes));
  const RegionInfo* info = topology.FindRegion(region);
  const auto& rules = info->service(ServiceKind::kCustody).shamir_seal;
  if (record.deployment != topology.deployment() || record.region != region || !rules.has_value()) {
    return Refuse(Reason::kTopologyInvalid,
                  path + " is not of the custody that the topology names");
  }
  Committee committee{rules->threshold, {}};
  for (const SealHolderInfo& holder : rules->holders) committee.persons.push_back(holder.person);
  return std::make_unique<ShamirSeal>(
      std::move(record), std::move(committee), [path](const SealRecord& next) {
        return WriteFileDurably(path, EncodeSealRecord(next), FileMode::kPublic);
      });
}

std::string ShamirSeal::description() const {
  absl::MutexLock lock(&mutex_);
  return InfoOf(record_).Description();
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
  if (record_.Find(person) != nullptr ||
      (next_.has_value() && next_->record.Find(person) != nullptr)) {
    Trials& trials = trials_.try_emplace(std::string(person), Trials{0, now}).first->second;
    ++trials.wrong;
  }
  return wrong;
}

absl::StatusOr<std::optional<SecretBytes>> ShamirSeal::Take(std::string_view person,
                                                            const SecretBytes& bytes,
                                                            UnixMillis now, Shareholders& entered) {
  RETURN_IF_ERROR(CheckTrials(person, now));
  absl::StatusOr<SealShare> share = DecodeSealShare(bytes);
  if (!share.ok()) {
    return Count(person, now, share.status());
  }
  if (absl::Status checked = CheckSealShare(record_, person, *share); !checked.ok()) {
    return Count(person, now, std::move(checked));
  }
  entered.insert_or_assign(std::string(person), *std::move(share));
  if (entered.size() < record_.threshold) {
    return std::optional<SecretBytes>();
  }
  std::vector<const SealShare*> shares;
  for (const auto& [name, other] : entered) {
    shares.push_back(&other);
  }
  absl::StatusOr<SecretBytes> root = JoinRoot(record_, shares);
  if (!root.ok()) {
    entered.clear();
    return root.status();
  }
  return std::optional<SecretBytes>(*std::move(root));
}

absl::StatusOr<std::optional<SecretBytes>> ShamirSeal::Enter(std::string_view person,
                                                             const SecretBytes& bytes,
                                                             UnixMillis now) {
  absl::MutexLock lock(&mutex_);
  return Take(person, bytes, now, entered_);
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

uint32_t ShamirSeal::shares_needed() const {
  absl::MutexLock lock(&mutex_);
  return record_.threshold;
}

std::string ShamirSeal::share_set() const {
  absl::MutexLock lock(&mutex_);
  return std::string(record_.set.bytes());
}

absl::StatusOr<std::string> ShamirSeal::ring() const {
  absl::MutexLock lock(&mutex_);
  return record_.ring.value_or(std::string());
}

absl::Status ShamirSeal::KeepRing(const std::string& ring) {
  if (keep_ == nullptr) return Seal::KeepRing(ring);
  SealRecord record;
  {
    absl::MutexLock lock(&mutex_);
    record = record_;
  }
  record.ring = ring;
  // Whoever seals must not wait for the disk.
  RETURN_IF_ERROR(keep_(record));
  absl::MutexLock lock(&mutex_);
  record_ = std::move(record);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<SecretBytes>> ShamirSeal::EnterToRotate(std::string_view person,
                                                                     const SecretBytes& bytes,
                                                                     UnixMillis now) {
  if (keep_ == nullptr) return Seal::EnterToRotate(person, bytes, now);
  absl::MutexLock lock(&mutex_);
  return Take(person, bytes, now, entered_to_rotate_);
}

absl::Status ShamirSeal::Deal(const SecretBytes& root, const std::string& ring) {
  absl::MutexLock lock(&mutex_);
  entered_to_rotate_.clear();
  next_.reset();
  ASSIGN_OR_RETURN(NewSeal made, SplitRoot(root, record_.deployment, record_.region,
                                           committee_.threshold, committee_.persons));
  Next next{std::move(made.record), {}};
  next.record.ring = ring;
  for (size_t i = 0; i < made.shares.size(); ++i) {
    next.waiting.emplace(committee_.persons[i], std::move(made.shares[i]));
  }
  next_ = std::move(next);
  return absl::OkStatus();
}

absl::StatusOr<SecretBytes> ShamirSeal::TakeShare(std::string_view person) {
  absl::MutexLock lock(&mutex_);
  if (next_.has_value()) {
    if (const auto found = next_->waiting.find(person); found != next_->waiting.end()) {
      return EncodeSealShare(found->second);
    }
  }
  return Refuse(Reason::kStateNotReady, "no share waits for this person");
}

absl::StatusOr<Seal::Confirmation> ShamirSeal::Confirm(std::string_view person,
                                                       const SecretBytes& bytes, UnixMillis now) {
  absl::MutexLock lock(&mutex_);
  const absl::StatusOr<SealShare> share = DecodeSealShare(bytes);
  if (!next_.has_value() || !share.ok() || share->set != next_->record.set) {
    return Confirmation::kOther;
  }
  RETURN_IF_ERROR(CheckTrials(person, now));
  if (absl::Status checked = CheckSealShare(next_->record, person, *share); !checked.ok()) {
    return Count(person, now, std::move(checked));
  }
  // He has it: custody does not need it any more.
  if (const auto found = next_->waiting.find(person); found != next_->waiting.end()) {
    next_->waiting.erase(found);
  }
  return next_->waiting.empty() ? Confirmation::kComplete : Confirmation::kCounted;
}

absl::Status ShamirSeal::CutOver() {
  SealRecord record;
  {
    absl::MutexLock lock(&mutex_);
    if (!next_.has_value() || !next_->waiting.empty()) {
      return Refuse(Reason::kStateNotReady, "not all have shown the shares dealt to them");
    }
    record = next_->record;
  }
  // Whoever seals must not wait for the disk.
  RETURN_IF_ERROR(keep_(record));
  absl::MutexLock lock(&mutex_);
  record_ = std::move(record);
  next_.reset();
  entered_.clear();
  trials_.clear();
  return absl::OkStatus();
}

void ShamirSeal::ForgetNext() {
  absl::MutexLock lock(&mutex_);
  next_.reset();
  entered_to_rotate_.clear();
}

std::vector<ShareState> ShamirSeal::Dealt() const {
  absl::MutexLock lock(&mutex_);
  std::vector<ShareState> dealt;
  if (!next_.has_value()) return dealt;
  for (const SealHolder& holder : next_->record.holders) {
    dealt.push_back({holder.person, !next_->waiting.contains(holder.person)});
  }
  return dealt;
}

uint32_t ShamirSeal::shares_to_rotate() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<uint32_t>(entered_to_rotate_.size());
}

bool ShamirSeal::committee_differs() const {
  absl::MutexLock lock(&mutex_);
  return committee_.threshold != record_.threshold ||
         !std::ranges::equal(committee_.persons, record_.holders, {}, {}, &SealHolder::person);
}

}  // namespace comity::custody
