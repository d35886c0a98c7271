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

bool Agenda::IsCounted(const AccountId& account) const {
  if (!counting_) return true;
  if (cursor_.IsZero() || again_.contains(account)) return false;
  return account.ToString() <= cursor_.ToString();
}

void Agenda::Begin(const AccountId& account) {
  absl::MutexLock lock(&mutex_);
  // Also without a count: one may begin before this commit ends.
  ++commits_[account];
  if (counting_) touched_.insert(account);
}

void Agenda::End(const AccountId& account) {
  const auto found = commits_.find(account);
  if (found != commits_.end() && --found->second == 0) commits_.erase(found);
}

void Agenda::Note(const Account& before, const Account& after, std::optional<UnixMillis> due) {
  absl::MutexLock lock(&mutex_);
  End(after.id);
  Set(after.id, due);
  if (!IsCounted(after.id)) return;
  known_ += CountsAsKnown(after) ? 1 : 0;
  known_ -= CountsAsKnown(before) ? 1 : 0;
}

void Agenda::Leave(const AccountId& account) {
  absl::MutexLock lock(&mutex_);
  End(account);
}

void Agenda::BeginCount() {
  absl::MutexLock lock(&mutex_);
  counting_ = true;
}

bool Agenda::counting() const {
  absl::MutexLock lock(&mutex_);
  return counting_;
}

Agenda::Page Agenda::BeginPage(size_t limit) {
  absl::MutexLock lock(&mutex_);
  touched_.clear();
  Page page{.again = {}, .cursor = cursor_};
  if (!all_read_) return page;
  for (const AccountId& account : again_) {
    if (page.again.size() == limit) break;
    page.again.push_back(account);
  }
  return page;
}

void Agenda::EndPage(const Page& page, const std::vector<AccountId>& accounts,
                     const std::vector<Counted>& counted, bool last) {
  absl::MutexLock lock(&mutex_);
  const auto in_doubt = [this](const AccountId& account) {
    mutex_.AssertHeld();
    return touched_.contains(account) || commits_.contains(account);
  };
  for (const AccountId& account : accounts) {
    if (in_doubt(account)) {
      again_.insert(account);
    } else {
      again_.erase(account);
    }
  }
  for (const Counted& account : counted) {
    if (in_doubt(account.account)) continue;
    known_ += account.known ? 1 : 0;
    Set(account.account, account.due);
  }
  if (page.again.empty()) {
    if (!accounts.empty()) cursor_ = accounts.back();
    all_read_ = all_read_ || last;
  }
  if (!all_read_ || !again_.empty()) return;
  counting_ = false;
  touched_.clear();
}

void Agenda::Postpone(const AccountId& account, UnixMillis due) {
  absl::MutexLock lock(&mutex_);
  // A commit in the meantime knows better.
  if (!due_.contains(account)) {
    Set(account, due);
  }
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
