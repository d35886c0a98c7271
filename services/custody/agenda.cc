#include "services/custody/agenda.h"

#include <algorithm>

#include "services/custody/account_rules.h"
#include "services/custody/key_versions.h"
#include "services/custody/move_rules.h"

namespace comity::custody {
namespace {

// How soon a move that waits for the other side is looked at again without a carrier.
constexpr int64_t kNudgeMs = kSecondMs;

}  // namespace

std::optional<UnixMillis> NextDue(const Account& account, const Topology& topology,
                                  const RegionId& region, UnixMillis now) {
  std::optional<UnixMillis> due;
  const auto add = [&due](UnixMillis at) { due = std::min(due.value_or(at), at); };
  if (account.closing.has_value() && account.presence == Presence::kActive) {
    add(account.closing->destroy_time);
  }
  if (!account.untold_aborts.empty()) {
    add(now);
  }
  if (account.deciding()) {
    add(account.outgoing->fenced_at + kDecisionPeriodMs);
    if (account.outgoing->destination_manifest.has_value() || account.outgoing->keys_alone()) {
      add(now + kNudgeMs);
    }
  }
  if (account.released() && account.presence == Presence::kReleased) {
    if (!account.outgoing->activation.has_value()) {
      add(now);
    } else if (HoldsKeysOf(account, account.epoch)) {
      add(SourceDestroyTime(account));
    }
  }
  if (const auto time = NextVersionDestruction(account); time.has_value()) {
    add(*time);
  }
  if (const auto time = NextRotationTime(account, topology, region, now); time.has_value()) {
    add(*time);
  }
  if (const auto time = KeyMoveTime(account, topology, region, now); time.has_value()) {
    add(std::max(*time, now));
  }
  return due;
}

bool CountsAsKnown(const Account& account) {
  return account.presence == Presence::kActive || HoldsKeys(account);
}

void Agenda::Set(const AccountId& account, std::optional<UnixMillis> due) {
  if (const auto found = due_.find(account); found != due_.end()) {
    queue_.erase({found->second, account});
    due_.erase(found);
  }
  if (due.has_value()) {
    due_.emplace(account, *due);
    queue_.emplace(*due, account);
  }
}

void Agenda::Note(const Account& before, const Account& after, std::optional<UnixMillis> due) {
  absl::MutexLock lock(&mutex_);
  Set(after.id, due);
  known_ += CountsAsKnown(after) ? 1 : 0;
  known_ -= CountsAsKnown(before) ? 1 : 0;
}

void Agenda::Postpone(const AccountId& account, UnixMillis due) {
  absl::MutexLock lock(&mutex_);
  // A commit in the meantime knows better.
  if (!due_.contains(account)) {
    Set(account, due);
  }
}

void Agenda::Hasten(const AccountId& account, UnixMillis due) {
  absl::MutexLock lock(&mutex_);
  const auto found = due_.find(account);
  Set(account, found == due_.end() ? due : std::min(found->second, due));
}

std::vector<AccountId> Agenda::TakeDue(UnixMillis now, size_t limit) {
  absl::MutexLock lock(&mutex_);
  std::vector<AccountId> due;
  while (!queue_.empty() && queue_.begin()->first <= now && due.size() < limit) {
    const AccountId account = queue_.begin()->second;
    due.push_back(account);
    Set(account, std::nullopt);
  }
  return due;
}

uint64_t Agenda::known_accounts() const {
  absl::MutexLock lock(&mutex_);
  return known_;
}

}  // namespace comity::custody
