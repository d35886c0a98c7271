#include "services/custody/vault.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/random.h"
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
    if (!seal_->starts_sealed()) return root.status();
    // That people have to come is nothing to be told.
    if (!seal_->opened_by_people() && site_->report) {
      site_->report("custody starts sealed", root.status());
    }
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Keys keys, KeysOf(*std::move(root)));
  RETURN_IF_ERROR(BackUp(keys));
  return Install(std::move(keys), 0);
}

absl::StatusOr<Vault::Keys> Vault::KeysOf(SecretBytes root) const {
  ASSIGN_OR_RETURN(const std::string ring, seal_->ring());
  return KeySealer::Open(std::move(root), ring, site_->topology->deployment(), site_->region);
}

absl::Status Vault::BackUp(const Keys& keys) const {
  if (site_->backup == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(site_->backup->Follow(*keys));
  // What a death has left undone of the end of a rotation.
  return keys->rotating() ? absl::OkStatus() : site_->backup->DropOlder(*keys);
}

absl::Status Vault::Install(Keys keys, uint64_t generation) {
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
  state.share_set = seal_->share_set();
  state.trouble = seal_->trouble();
  state.committee_differs = seal_->committee_differs();
  state.to_rotate = seal_->shares_to_rotate();
  state.dealt = seal_->Dealt();
  absl::ReaderMutexLock lock(&mutex_);
  state.sealed = keys_ == nullptr || LeaseIsOver();
  if (!state.sealed) {
    state.generation = keys_->generation();
    state.resealing = keys_->rotating();
    state.resealed = state.resealing ? resealed_.load() : 0;
  }
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
  const std::string& person = authorization.caller().name;
  if (open) {
    ASSIGN_OR_RETURN(const Seal::Confirmation shown, seal_->Confirm(person, share, site_->Now()));
    if (shown == Seal::Confirmation::kComplete) RETURN_IF_ERROR(CutOver(generation));
    if (shown != Seal::Confirmation::kOther) return state();
  }
  ASSIGN_OR_RETURN(std::optional<SecretBytes> root, seal_->Enter(person, share, site_->Now()));
  if (open) {
    // A share that lies in memory without need is one too many.
    seal_->Forget();
    RETURN_IF_ERROR(Renew(person, generation));
    return state();
  }
  if (root.has_value()) {
    ASSIGN_OR_RETURN(Keys keys, KeysOf(*std::move(root)));
    RETURN_IF_ERROR(BackUp(keys));
    RETURN_IF_ERROR(WriteOwedLeaf());
    RETURN_IF_ERROR(WriteLeaf(kLeafUnsealed));
    const absl::Status installed = Install(std::move(keys), generation);
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

absl::StatusOr<SealState> Vault::Rotate(const Authorization& authorization,
                                        const SecretBytes& share) {
  RETURN_IF_ERROR(CheckPerson(authorization));
  CloseNow(/*if_over=*/true);
  absl::MutexLock entering(&entering_);
  uint64_t generation = 0;
  Keys keys;
  {
    absl::ReaderMutexLock lock(&mutex_);
    generation = generation_;
    keys = keys_;
  }
  if (keys == nullptr) return Refuse(Reason::kSealed);
  if (keys->rotating()) {
    return Refuse(Reason::kStateNotReady, "keys still rest under the root key before");
  }
  ASSIGN_OR_RETURN(std::optional<SecretBytes> present,
                   seal_->EnterToRotate(authorization.caller().name, share, site_->Now()));
  if (!present.has_value()) {
    // Somebody may have sealed since: then no share may lie there.
    RETURN_IF_ERROR(CheckSince(generation));
    return state();
  }
  ASSIGN_OR_RETURN(const std::string ring, seal_->ring());
  const SecretBytes root = RandomSecret(kRootKeySize);
  ASSIGN_OR_RETURN(KeySealer::Next next, keys->Succeed(root, *std::move(present), ring));
  if (!seal_->opened_by_people()) {
    RETURN_IF_ERROR(seal_->Prepare(root, next.ring));
    // The backup opens by either root before the other one is in force, and has what guards it
    // before anything is sealed under it.
    RETURN_IF_ERROR(BackUp(next.keys));
    RETURN_IF_ERROR(WriteLeaf(kLeafRotationBegun));
    RETURN_IF_ERROR(seal_->Replace(root, next.ring));
    RETURN_IF_ERROR(BackUp(next.keys));
    RETURN_IF_ERROR(Exchange(std::move(next.keys), generation));
    return state();
  }
  RETURN_IF_ERROR(seal_->Deal(root, next.ring));
  {
    absl::MutexLock lock(&mutex_);
    if (generation == generation_) {
      next_ = std::move(next.keys);
      dealt_at_ = site_->Now();
    }
  }
  RETURN_IF_ERROR(CheckSince(generation));
  return state();
}

absl::Status Vault::CheckSince(uint64_t generation) {
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (generation == generation_) return absl::OkStatus();
  }
  seal_->ForgetNext();
  return Refuse(Reason::kSealed, "sealed meanwhile");
}

absl::StatusOr<SecretBytes> Vault::TakeShare(const Authorization& authorization) const {
  RETURN_IF_ERROR(CheckPerson(authorization));
  RETURN_IF_ERROR(CheckOpen());
  return seal_->TakeShare(authorization.caller().name);
}

absl::Status Vault::CutOver(uint64_t generation) {
  Keys next;
  {
    absl::ReaderMutexLock lock(&mutex_);
    next = next_;
  }
  if (next == nullptr) return Refuse(Reason::kSealed, "sealed meanwhile");
  RETURN_IF_ERROR(BackUp(next));
  RETURN_IF_ERROR(WriteLeaf(kLeafRotationBegun));
  RETURN_IF_ERROR(seal_->CutOver());
  RETURN_IF_ERROR(BackUp(next));
  return Exchange(std::move(next), generation);
}

absl::Status Vault::Exchange(Keys keys, uint64_t generation) {
  absl::MutexLock lock(&mutex_);
  if (generation != generation_) {
    return Refuse(Reason::kSealed, "sealed meanwhile; the new root key is in force all the same");
  }
  NoteHandedOut();
  keys_ = std::move(keys);
  next_.reset();
  renewed_by_.clear();
  resealed_ = 0;
  return absl::OkStatus();
}

void Vault::NoteHandedOut() {
  std::erase_if(handed_out_, [](const auto& keys) { return keys.expired(); });
  if (keys_ != nullptr) handed_out_.emplace_back(keys_);
}

bool Vault::KeysBeforeInUse() const {
  absl::ReaderMutexLock lock(&mutex_);
  if (keys_ == nullptr) return true;
  return std::ranges::any_of(handed_out_, [now = keys_->generation()](const auto& before) {
    const Keys keys = before.lock();
    return keys != nullptr && keys->generation() < now;
  });
}

absl::Status Vault::FinishRotation(const Keys& keys) {
  absl::MutexLock entering(&entering_);
  uint64_t generation = 0;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (keys_ != keys || LeaseIsOver()) return Refuse(Reason::kSealed);
    generation = generation_;
  }
  ASSIGN_OR_RETURN(const std::string sealed, seal_->ring());
  ASSIGN_OR_RETURN(const std::string ring, keys->RingWithoutOlder(sealed));
  RETURN_IF_ERROR(WriteLeaf(kLeafRootRotated));
  RETURN_IF_ERROR(seal_->KeepRing(ring));
  if (site_->backup != nullptr) {
    RETURN_IF_ERROR(site_->backup->Follow(*keys));
    RETURN_IF_ERROR(site_->backup->DropOlder(*keys));
  }
  return Exchange(keys->WithoutOlder(), generation);
}

void Vault::CheckDealt() {
  {
    absl::MutexLock lock(&mutex_);
    if (next_ == nullptr || site_->Now() - dealt_at_ < kDealingMs) return;
    next_.reset();
  }
  seal_->ForgetNext();
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
    NoteHandedOut();
    keys_.reset();
    next_.reset();
    ++generation_;
    renewed_by_.clear();
  }
  seal_->Forget();
  seal_->ForgetNext();
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
  CheckDealt();
  if (const absl::Status written = WriteOwedLeaf(); !written.ok() && site_->report) {
    site_->report("leaf of a sealing postponed", written);
  }
}

}  // namespace comity::custody
