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
  return absl::OkStatus();
}

absl::StatusOr<Vault::Keys> Vault::Open() const {
  absl::ReaderMutexLock lock(&mutex_);
  if (keys_ == nullptr) {
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
  state.sealed = keys_ == nullptr;
  return state;
}

absl::StatusOr<SealState> Vault::GetState(const Authorization& authorization) const {
  RETURN_IF_ERROR(CheckPerson(authorization));
  return state();
}

absl::StatusOr<SealState> Vault::Enter(const Authorization& authorization,
                                       const SecretBytes& share) {
  RETURN_IF_ERROR(CheckPerson(authorization));
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
    // Checked, and no use: a share that lies in memory without need is one too many.
    seal_->Forget();
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

absl::StatusOr<SealState> Vault::Close(const Authorization& authorization) {
  RETURN_IF_ERROR(CheckPerson(authorization));
  {
    absl::MutexLock lock(&mutex_);
    leaf_owed_ |= keys_ != nullptr;
    keys_.reset();
    ++generation_;
  }
  seal_->Forget();
  wipe_();
  return state();
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
