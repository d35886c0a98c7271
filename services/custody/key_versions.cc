#include "services/custody/key_versions.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"
#include "services/custody/account_rules.h"
#include "services/custody/key_export.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

constexpr size_t kKeptDestructions = 16;

size_t CountActive(const Account& account) {
  return static_cast<size_t>(
      std::ranges::count(account.keys, KeyState::kActive, &KeyRecord::state));
}

absl::StatusOr<KeyRecord*> FindVersion(Account& account, KeyVersion version) {
  bool was_here = false;
  for (KeyRecord& key : account.keys) {
    if (key.version != version) continue;
    if (key.state == KeyState::kActive) return &key;
    was_here = true;
  }
  return was_here ? Refuse(Reason::kKeyDestroyed)
                  : Refuse(Reason::kFieldInvalid, "there is no such key version");
}

absl::Status CheckDays(uint32_t days, uint32_t least, uint32_t most, std::string_view what) {
  return days >= least && days <= most
             ? absl::OkStatus()
             : Refuse(Reason::kFieldInvalid, std::string(what) + " takes " + std::to_string(least) +
                                                 " to " + std::to_string(most) + " days");
}

UnixMillis DestroyTime(const ChangeCommand& command, UnixMillis now) {
  return now + command.days * kDayMs;
}

absl::Status ScheduleDestruction(const ChangeCommand& command, UnixMillis now, Account& account,
                                 KeyRecord& key) {
  RETURN_IF_ERROR(
      CheckDays(command.days, kMinDestroyDays, kMaxDestroyDays, "the end of a key version"));
  if (key.word.destroy_at != 0) {
    return Refuse(Reason::kStateNotReady, "it is to be destroyed already; cancel that first");
  }
  // Versions are counted on from the newest one, here and wherever the key moves.
  if (key.version == NewestVersion(account)) {
    return Refuse(Reason::kStateNotReady, "the newest version cannot be destroyed; rotate first");
  }
  key.word = {true, DestroyTime(command, now)};
  return absl::OkStatus();
}

absl::Status ApplyToVersion(const ChangeCommand& command, UnixMillis now, Account& account) {
  ASSIGN_OR_RETURN(KeyRecord* const key, FindVersion(account, command.version));
  const bool scheduled = key->word.destroy_at != 0;
  switch (command.kind) {
    case KeyChangeKind::kDisable:
      key->word.disabled = true;
      return absl::OkStatus();
    case KeyChangeKind::kEnable:
      if (scheduled) {
        return Refuse(Reason::kStateNotReady, "it is to be destroyed; cancel that first");
      }
      key->word.disabled = false;
      return absl::OkStatus();
    case KeyChangeKind::kScheduleDestruction:
      return ScheduleDestruction(command, now, account, *key);
    case KeyChangeKind::kCancelDestruction:
      if (!scheduled) {
        return Refuse(Reason::kStateNotReady, "it is not going to be destroyed");
      }
      key->word.destroy_at = 0;  // and still disabled: to use it again is another word
      return absl::OkStatus();
    case KeyChangeKind::kSetMinUnwrapVersion:
    case KeyChangeKind::kSetRotation:
      break;
  }
  return Refuse(Reason::kInternal, "no change of one version");
}

absl::Status Apply(const ChangeCommand& command, UnixMillis now, Account& account) {
  if (command.kind == KeyChangeKind::kSetMinUnwrapVersion) {
    // Also one that is destroyed, so that what was raised can be lowered again.
    if (command.version == 0 || command.version > NewestVersion(account)) {
      return Refuse(Reason::kFieldInvalid, "there is no such key version");
    }
    account.min_unwrap_version = command.version;
    return absl::OkStatus();
  }
  if (command.kind != KeyChangeKind::kSetRotation) {
    return ApplyToVersion(command, now, account);
  }
  if (command.days != 0) {
    RETURN_IF_ERROR(CheckDays(command.days, kMinRotationDays, kMaxRotationDays,
                              "from one rotation to the next"));
  }
  account.rotation_days = command.days;
  return absl::OkStatus();
}

// What is signed about a change.
KeyChange Describe(const ChangeCommand& command, AccountEpoch epoch, UnixMillis now) {
  const bool ends = command.kind == KeyChangeKind::kScheduleDestruction;
  return {epoch,
          command.kind,
          command.version,
          command.days,
          ends ? DestroyTime(command, now) : 0,
          command.request};
}

// Is this the answer to that command?
bool Answers(const Statement& statement, const ChangeCommand& command) {
  const absl::StatusOr<Parsed<KeyChange>> parsed = ParseStatement<KeyChange>(statement);
  return parsed.ok() && parsed->body.kind == command.kind &&
         parsed->body.version == command.version && parsed->body.days == command.days;
}

const AnsweredChange* FindAnswer(const Account& account, const SigningKeyId& device,
                                 const RequestId& request) {
  const auto found = std::ranges::find_if(account.changes, [&](const AnsweredChange& change) {
    return change.device == device && change.request == request;
  });
  return found == account.changes.end() ? nullptr : &*found;
}

// Refuses until the oldest one is forgotten, of this device if there is one.
absl::Status RefuseUntilForgotten(const std::vector<AnsweredChange>& changes, UnixMillis now,
                                  const SigningKeyId* device) {
  UnixMillis oldest = now;
  for (const AnsweredChange& change : changes) {
    if (device == nullptr || change.device == *device) oldest = std::min(oldest, change.time);
  }
  return RefuseFor(Reason::kRateLimited, std::chrono::milliseconds(oldest + kChangeMemoryMs - now),
                   "too many changes of key versions within a day");
}

absl::Status Remember(AnsweredChange change, Account& account) {
  // A device that is revoked repeats nothing, and must not use up what the others may do.
  std::erase_if(account.changes, [&](const AnsweredChange& old) {
    return old.time + kChangeMemoryMs <= change.time ||
           account.chain->FindActive(old.device) == nullptr;
  });
  const auto own = std::ranges::count(account.changes, change.device, &AnsweredChange::device);
  if (static_cast<size_t>(own) >= kMaxChangesOfDevice) {
    return RefuseUntilForgotten(account.changes, change.time, &change.device);
  }
  if (account.changes.size() >= kMaxChangesRemembered) {
    return RefuseUntilForgotten(account.changes, change.time, nullptr);
  }
  account.changes.push_back(std::move(change));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Statement> ApplyRotation(const Site& site, const KeySealer& sealer,
                                        const RequestId& request, Plan& plan) {
  Account& account = plan.after;
  const UnixMillis now = site.Now();
  RETURN_IF_ERROR(CheckChangeable(account));
  RETURN_IF_ERROR(CheckTakesData(*site.topology, FactsOf(account, site.region), now));
  if (CountActive(account) >= kMaxExportedVersions) {
    return Refuse(Reason::kStateNotReady, "as many key versions as can move");
  }
  KeyVersion version = 1;
  for (const KeyRecord& key : account.keys) version = std::max(version, key.version + 1);
  const SecretBytes key = RandomSecret(kAeadKeySize);
  account.keys.push_back(
      KeyRecord{.epoch = account.epoch,
                .version = version,
                .state = KeyState::kActive,
                .created = now,
                .destroyed = 0,
                .sealed = sealer.SealAccountKey(account.id, account.epoch, version, key),
                .word = {}});
  ASSIGN_OR_RETURN(Statement statement,
                   site.Sign(account.id, KeyRotation{account.epoch, version, request}));
  plan.leaves.push_back({std::string(kLeafRotation), statement.digest()});
  plan.changed = true;
  return statement;
}

std::optional<UnixMillis> NextRotationTime(const Account& account, const Topology& topology,
                                           const RegionId& region, UnixMillis now) {
  if (account.rotation_days == 0 || !CheckChangeable(account).ok() ||
      CountActive(account) >= kMaxExportedVersions ||
      !CheckTakesData(topology, FactsOf(account, region), now).ok()) {
    return std::nullopt;
  }
  const KeyVersion newest = NewestVersion(account);
  for (const KeyRecord& key : account.keys) {
    if (key.state != KeyState::kActive || key.version != newest) continue;
    // Who has taken the newest version out of use has said that nothing is to be wrapped.
    if (key.word.disabled) return std::nullopt;
    return key.created + account.rotation_days * kDayMs;
  }
  return std::nullopt;
}

std::optional<UnixMillis> NextVersionDestruction(const Account& account) {
  std::optional<UnixMillis> next;
  if (account.presence != Presence::kActive || account.deciding()) {
    return next;
  }
  for (const KeyRecord& key : account.keys) {
    if (key.state == KeyState::kActive && key.word.destroy_at != 0) {
      next = std::min(next.value_or(key.word.destroy_at), key.word.destroy_at);
    }
  }
  return next;
}

absl::Status ApplyVersionDestructions(const Site& site, Plan& plan) {
  Account& account = plan.after;
  const UnixMillis now = site.Now();
  for (KeyRecord& key : account.keys) {
    if (key.state != KeyState::kActive || key.word.destroy_at == 0 || key.word.destroy_at > now) {
      continue;
    }
    ASSIGN_OR_RETURN(Statement statement,
                     site.Sign(account.id, KeyVersionDestruction{key.epoch, key.version, now, 0}));
    Erase(key, now);
    plan.leaves.push_back({std::string(kLeafVersionDestruction), statement.digest()});
    account.version_destructions.push_back(std::move(statement));
    plan.changed = true;
  }
  while (account.version_destructions.size() > kKeptDestructions) {
    account.version_destructions.erase(account.version_destructions.begin());
  }
  return absl::OkStatus();
}

absl::StatusOr<Statement> KeyVersions::Rotate(const Authorization& authorization,
                                              const AccountId& id, const RequestId& request) {
  RETURN_IF_ERROR(vault_->CheckOpen());
  const SigningKeyId device = authorization.caller().key.id();
  Statement rotation;
  const auto decide = [&](Plan& plan) -> absl::Status {
    RETURN_IF_ERROR(CheckOwner(authorization, plan.after));
    if (const AnsweredChange* known = FindAnswer(plan.after, device, request); known != nullptr) {
      rotation = known->statement;
      return ParseStatement<KeyRotation>(rotation).ok() ? absl::OkStatus()
                                                        : Refuse(Reason::kRequestIdReused);
    }
    // Here, so that nothing is made after custody was sealed, and its keys are not kept for longer.
    ASSIGN_OR_RETURN(const Vault::Keys sealer, vault_->Open());
    plan.keys = sealer;
    ASSIGN_OR_RETURN(rotation, ApplyRotation(*site_, *sealer, request, plan));
    return Remember({device, request, site_->Now(), rotation}, plan.after);
  };
  RETURN_IF_ERROR(ledger_->Update(id, decide).status());
  return rotation;
}

absl::StatusOr<Statement> KeyVersions::Change(const Authorization& authorization,
                                              const ChangeCommand& command) {
  const SigningKeyId device = authorization.caller().key.id();
  Statement change;
  const auto decide = [&](Plan& plan) -> absl::Status {
    Account& account = plan.after;
    RETURN_IF_ERROR(CheckOwner(authorization, account));
    if (const AnsweredChange* known = FindAnswer(account, device, command.request);
        known != nullptr) {
      change = known->statement;
      return Answers(change, command) ? absl::OkStatus() : Refuse(Reason::kRequestIdReused);
    }
    RETURN_IF_ERROR(CheckChangeable(account));
    const UnixMillis now = site_->Now();
    RETURN_IF_ERROR(Apply(command, now, account));
    ASSIGN_OR_RETURN(change, site_->Sign(account.id, Describe(command, account.epoch, now)));
    plan.leaves.push_back({std::string(kLeafChange), change.digest()});
    plan.changed = true;
    return Remember({device, command.request, now, change}, account);
  };
  RETURN_IF_ERROR(ledger_->Update(command.account, decide).status());
  return change;
}

}  // namespace comity::custody
