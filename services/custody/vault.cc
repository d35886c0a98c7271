#include "services/custody/vault.h"

#include <algorithm>
#include <utility>

#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/leaves.h"
#include "services/custody/root_key.h"

namespace comity::custody {
namespace {

// Warned of in the last quarter of a lease, now and then.
constexpr int64_t kWarnedPart = 4;
constexpr int64_t kWarnEveryMs = kHourMs;

absl::Status CheckPerson(const Authorization& authorization) {
  return authorization.caller().kind == Caller::Kind::kOperatorPerson
             ? absl::OkStatus()
             : Refuse(Reason::kCallerNotAllowed, "a seal is for operator persons");
}

}  // namespace

uint32_t SealState::entered() const {
  return static_cast<uint32_t>(std::ranges::count(holders, true, &ShareState::entered));
}

Vault::Vault(const Site* site, Seal* seal, LeafLog* log, std::function<void()> wipe)
    : site_(site), seal_(seal), log_(log), wipe_(std::move(wipe)) {}

absl::Status Vault::Start() {
  absl::StatusOr<SecretBytes> root = seal_->OpenRoot();
  if (!root.ok()) {
    return seal_->opened_by_people() ? absl::OkStatus() : root.status();
  }
  return Install(*std::move(root), 0);
}

absl::Status Vault::Install(SecretBytes root, uint64_t generation) {
  ASSIGN_OR_RETURN(const RootKey key, RootKey::Create(std::move(root), site_->region));
  Keys keys = std::make_shared<const KeySealer>(key, site_->topology->deployment(), site_->region);
  absl::MutexLock lock(&mutex_);
  if (generation != generation_) {
    return Refuse(Reason::kSealed, "sealed while it was being opened");
  }
  keys_ = std::move(keys);
  lease_end_ = site_->seal_lease_ms == 0 ? 0 : site_->Now() + site_->seal_lease_ms;
  return absl::OkStatus();
}

absl::StatusOr<Vault::Keys> Vault::Open() const {
  absl::ReaderMutexLock lock(&mutex_);
  if (keys_ == nullptr || LeaseIsOver()) {
    return Refuse(Reason::kSealed);
  }
  return keys_;
}

SealState Vault::state() const {
  SealState state;
  state.description = seal_->description();
  state.needed = seal_->shares_needed();
  state.holders = seal_->Shares();
  absl::ReaderMutexLock lock(&mutex_);
  state.sealed = keys_ == nullptr || LeaseIsOver();
  state.lease_end = state.sealed ? 0 : lease_end_.load();
  for (ShareState& holder : state.holders) {
    holder.entered |= renewed_by_.contains(holder.person);
  }
  return state;
}

absl::StatusOr<SealState> Vault::GetState(const Authorization& authorization) const {
  RETURN_IF_ERROR(CheckPerson(authorization));
  return state();
}

absl::StatusOr<SealState> Vault::Enter(const Authorization& authorization,
                                       const SecretBytes& share) {
  RETURN_IF_ERROR(CheckPerson(authorization));
  // A share that comes after the end of a lease is one for opening.
  CloseNow(/*if_over=*/true);
  absl::MutexLock entering(&entering_);
  uint64_t generation = 0;
  bool open = false;
  {
    absl::ReaderMutexLock lock(&mutex_);
    generation = generation_;
    open = keys_ != nullptr;
  }
  ASSIGN_OR_RETURN(std::optional<SecretBytes> root,
                   seal_->Enter(authorization.caller().name, share, site_->Now()));
  if (open) {
    // A share that lies in memory without need is one too many.
    seal_->Forget();
    RETURN_IF_ERROR(Renew(authorization.caller().name, generation));
    return state();
  }
  if (root.has_value()) {
    RETURN_IF_ERROR(WriteOwedLeaf());
    RETURN_IF_ERROR(WriteLeaf(kLeafUnsealed));
    const absl::Status installed = Install(*std::move(root), generation);
    seal_->Forget();
    RETURN_IF_ERROR(installed);
  }
  return state();
}

absl::Status Vault::Renew(const std::string& person, uint64_t generation) {
  const auto over = [&]() ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return generation != generation_ || LeaseIsOver();
  };
  {
    absl::MutexLock lock(&mutex_);
    if (site_->seal_lease_ms == 0) {
      return absl::OkStatus();
    }
    if (over()) {
      return Refuse(Reason::kSealed);
    }
    renewed_by_.insert(person);
    if (renewed_by_.size() < seal_->shares_needed()) {
      return absl::OkStatus();
    }
  }
  RETURN_IF_ERROR(WriteLeaf(kLeafRenewed));
  absl::MutexLock lock(&mutex_);
  if (over()) {
    return Refuse(Reason::kSealed, "sealed while its lease was being renewed");
  }
  renewed_by_.clear();
  lease_end_ = site_->Now() + site_->seal_lease_ms;
  return absl::OkStatus();
}

absl::StatusOr<SealState> Vault::Close(const Authorization& authorization) {
  RETURN_IF_ERROR(CheckPerson(authorization));
  CloseNow(/*if_over=*/false);
  return state();
}

bool Vault::CloseNow(bool if_over) {
  {
    absl::MutexLock lock(&mutex_);
    if (if_over && (keys_ == nullptr || !LeaseIsOver())) {
      return false;
    }
    leaf_owed_ |= keys_ != nullptr;
    keys_.reset();
    ++generation_;
    renewed_by_.clear();
  }
  seal_->Forget();
  wipe_();
  return true;
}

void Vault::CheckLease() {
  const auto tell = [this](std::string_view event, std::string_view what) {
    if (site_->report) site_->report(event, Refuse(Reason::kSealed, what));
  };
  if (CloseNow(/*if_over=*/true)) {
    tell("custody has sealed itself", "the lease of its root key is over");
    return;
  }
  const UnixMillis now = site_->Now();
  const UnixMillis end = state().lease_end;
  if (end != 0 && end - now <= site_->seal_lease_ms / kWarnedPart &&
      now - warned_ >= kWarnEveryMs) {
    warned_ = now;
    tell("custody is going to seal itself",
         "at " + FormatTime(end) + ", unless the holders of its shares enter them again");
  }
}

absl::Status Vault::WriteLeaf(std::string_view type) const {
  Leaf leaf;
  leaf.type = std::string(type);
  leaf.day = site_->Now() - site_->Now() % kDayMs;
  leaf.region = site_->region;
  leaf.clear = {{"seal", std::string(seal_->description())}};
  return log_->Append({EncodeLeaf(leaf)}).status();
}

absl::Status Vault::WriteOwedLeaf() {
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (!leaf_owed_) {
      return absl::OkStatus();
    }
  }
  RETURN_IF_ERROR(WriteLeaf(kLeafSealed));
  absl::MutexLock lock(&mutex_);
  leaf_owed_ = false;
  return absl::OkStatus();
}

void Vault::Tick() {
  absl::MutexLock entering(&entering_);
  if (const absl::Status written = WriteOwedLeaf(); !written.ok() && site_->report) {
    site_->report("leaf of a sealing postponed", written);
  }
}

}  // namespace comity::custody
