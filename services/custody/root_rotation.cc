#include "services/custody/root_rotation.h"

#include <chrono>
#include <optional>
#include <vector>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

// How much of the maintenance thread's time one step takes.
constexpr std::chrono::milliseconds kStepTime(500);
// What one commit of an account holds at most, so that it fits into the store's.
constexpr size_t kKeysOfCommit = 64;
// How long what did not work waits for the next try.
constexpr int64_t kRetryMs = kSecondMs;
constexpr int64_t kUnreadableRetryMs = kHourMs;

// Seals up to kKeysOfCommit keys of the account anew. Whether there was one. Those that open under
// neither root go into `lost`.
bool ResealSome(const KeySealer& keys, Account& account, size_t& lost) {
  size_t changed = 0;
  lost = 0;
  const auto take = [&](absl::StatusOr<std::optional<std::string>> resealed, std::string& sealed) {
    if (!resealed.ok()) {
      ++lost;
    } else if (resealed->has_value()) {
      sealed = *std::move(*resealed);
      ++changed;
    }
  };
  for (KeyRecord& key : account.keys) {
    if (changed == kKeysOfCommit) return true;
    if (!key.exists()) continue;
    take(keys.ResealAccountKey(account.id, key.epoch, key.version, key.sealed), key.sealed);
  }
  for (auto& [epoch, sealed] : account.metadata_keys) {
    if (changed == kKeysOfCommit) return true;
    take(keys.ResealMetadataKey(account.id, epoch, sealed), sealed);
  }
  return changed != 0;
}

}  // namespace

void RootRotation::Report(std::string_view event, const absl::Status& status) const {
  if (site_->report) site_->report(event, status);
}

void RootRotation::Tick(const std::function<bool()>& stopping) {
  const absl::StatusOr<Vault::Keys> keys = vault_->Open();
  // What is under way may still seal under the root before: nothing is gone through before that is
  // over, so that once is enough.
  if (!keys.ok() || !(*keys)->rotating() || vault_->KeysBeforeInUse() ||
      site_->Now() < not_before_) {
    return;
  }
  if (const absl::Status done = Step(*keys, stopping); !done.ok()) {
    not_before_ = site_->Now() + kRetryMs;
    if (ReasonOf(done) != Reason::kSealed) Report("rotation of the root key postponed", done);
  }
}

absl::Status RootRotation::Resume(uint32_t generation) {
  if (mark_.generation == generation) return absl::OkStatus();
  ASSIGN_OR_RETURN(mark_, store_->LoadMark());
  if (mark_.generation != generation) mark_ = ResealMark{generation, {}, 0, 0};
  vault_->NoteResealed(mark_.accounts);
  return absl::OkStatus();
}

absl::Status RootRotation::Advance(const ResealMark& mark) {
  RETURN_IF_ERROR(store_->KeepMark(mark));
  mark_ = mark;
  vault_->NoteResealed(mark_.accounts);
  return absl::OkStatus();
}

absl::Status RootRotation::Step(const Vault::Keys& keys, const std::function<bool()>& stopping) {
  RETURN_IF_ERROR(Resume(keys->generation()));
  const auto end = std::chrono::steady_clock::now() + kStepTime;
  do {
    ASSIGN_OR_RETURN(const std::vector<AccountId> page, store_->List(mark_.after, kResealPage));
    ResealMark mark = mark_;
    for (const AccountId& id : page) {
      if (stopping()) return absl::OkStatus();
      // Whoever seals has the keys gone with the account that is being done.
      RETURN_IF_ERROR(vault_->CheckOpen());
      ASSIGN_OR_RETURN(const bool readable, Reseal(id, keys));
      mark.unreadable += readable ? 0 : 1;
    }
    if (!page.empty()) {
      mark.after = page.back();
      mark.accounts += page.size();
      RETURN_IF_ERROR(Advance(mark));
    }
    if (page.size() < kResealPage) return Finish(keys);
  } while (!stopping() && std::chrono::steady_clock::now() < end);
  return absl::OkStatus();
}

absl::StatusOr<bool> RootRotation::Reseal(const AccountId& id, const Vault::Keys& keys) {
  size_t lost = 0;
  const absl::Status done =
      ledger_->Reseal(id, keys, [&](Account& account) { return ResealSome(*keys, account, lost); });
  if (ReasonOf(done) == Reason::kDataCorrupt) {
    Report("an account could not be read, so that the root key before is kept", done);
    return false;
  }
  RETURN_IF_ERROR(done);
  if (lost != 0) {
    Report("a key opens under no root key; comity check names it", Refuse(Reason::kDataCorrupt));
  }
  return true;
}

absl::Status RootRotation::Finish(const Vault::Keys& keys) {
  if (mark_.unreadable == 0) return vault_->FinishRotation(keys);
  // Somebody may bring it back, and then it rests under the root before.
  RETURN_IF_ERROR(Advance(ResealMark{mark_.generation, {}, 0, 0}));
  not_before_ = site_->Now() + kUnreadableRetryMs;
  return absl::OkStatus();
}

}  // namespace comity::custody
