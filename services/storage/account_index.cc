#include "services/storage/account_index.h"

#include <algorithm>
#include <utility>

#include "services/storage/account_rules.h"

namespace comity::storage {

absl::Status AccountIndex::Load(AccountStore& accounts) {
  return accounts.ForEach(
      [this](const SnapshotPtr& snapshot) { Update(snapshot->account, snapshot); });
}

void AccountIndex::Update(const AccountId& account, const SnapshotPtr& snapshot) {
  absl::MutexLock lock(&mutex_);
  std::optional<std::pair<Alike, AccountState>> before;
  if (auto it = entries_.find(account); it != entries_.end()) {
    before = {KeyOf(it->second, 0), it->second.state};
  }
  Remove(account);
  if (snapshot == nullptr) {
    ++changes_;
    return;
  }
  Entry entry;
  entry.facts = FactsOf(*site_.topology, site_.region, *snapshot, site_.Now());
  entry.due = NextDue(*snapshot);
  if (entry.facts.consent.has_value() && !entry.facts.place.resident() &&
      snapshot->info.state == AccountState::kActive) {
    // From that day on custody is asked whether the keys have come to where the data is.
    const UnixMillis date =
        DecideStanding(*site_.topology, entry.facts, site_.Now()).scheduled_time;
    entry.due = std::min(entry.due.value_or(date), date);
  }
  if (entry.facts.consent.has_value()) {
    entry.consent = Share(*entry.facts.consent);
    entry.consent_expiry = snapshot->view.consent()->envelope.expiry;
    entry.facts.consent.reset();
  }
  entry.state = snapshot->info.state;
  entry.notified_time = snapshot->info.notified_time;
  if (snapshot->move.has_value()) {
    entry.move = std::make_shared<const MoveRecord>(*snapshot->move);
  }
  if (entry.due.has_value()) due_.insert({*entry.due, account});
  if (entry.state == AccountState::kClosed) ++closed_;
  // Most commits, such as listing a bucket, change nothing that a standing depends on.
  if (before != std::pair(KeyOf(entry, 0), entry.state)) ++changes_;
  entries_.emplace(account, std::move(entry));
}

void AccountIndex::Remove(const AccountId& account) {
  auto it = entries_.find(account);
  if (it == entries_.end()) return;
  if (it->second.due.has_value()) due_.erase({*it->second.due, account});
  if (it->second.state == AccountState::kClosed) --closed_;
  entries_.erase(it);
}

std::shared_ptr<const Consent> AccountIndex::Share(const Consent& consent) {
  Consent words = consent;
  words.from_epoch = 0;
  words.chain_number = 0;
  words.chain_hash = Digest();
  std::shared_ptr<const Consent>& shared = consents_[EncodeRecord(words)];
  if (shared == nullptr) shared = std::make_shared<const Consent>(std::move(words));
  return shared;
}

AccountIndex::Alike AccountIndex::KeyOf(const Entry& entry, UnixMillis now) {
  const AccountFacts& facts = entry.facts;
  const bool consented = entry.consent != nullptr && now < entry.consent_expiry;
  return {facts.territory,         facts.place.home.name(),
          facts.place.keys.name(), facts.notified,
          facts.in_migration,      facts.moved,
          facts.closing,           consented ? entry.consent.get() : nullptr};
}

const StandingResult& AccountIndex::Standings::Of(const Entry& entry) {
  auto [it, is_new] = decided_.try_emplace(KeyOf(entry, now_));
  if (is_new) {
    AccountFacts facts = entry.facts;
    if (entry.consent != nullptr && now_ < entry.consent_expiry) facts.consent = *entry.consent;
    it->second = DecideStanding(topology_, facts, now_);
  }
  return it->second;
}

uint64_t AccountIndex::size() const {
  absl::MutexLock lock(&mutex_);
  return entries_.size() - closed_;
}

std::vector<StandingCount> AccountIndex::Counts() const {
  Standings standings(*site_.topology, site_.Now());
  std::map<std::pair<Standing, std::string>, uint64_t> counts;
  absl::MutexLock lock(&mutex_);
  for (const auto& [account, entry] : entries_) {
    counts[{standings.Of(entry).standing, entry.facts.territory}] += 1;
  }
  std::vector<StandingCount> result;
  result.reserve(counts.size());
  for (const auto& [key, accounts] : counts) result.push_back({key.first, key.second, accounts});
  return result;
}

std::vector<PlannedAccount> AccountIndex::Page(const std::optional<AccountId>& after,
                                               size_t limit) const {
  Standings standings(*site_.topology, site_.Now());
  std::vector<PlannedAccount> page;
  absl::MutexLock lock(&mutex_);
  auto it = after.has_value() ? entries_.upper_bound(*after) : entries_.begin();
  for (; it != entries_.end() && page.size() < limit; ++it) {
    page.push_back({it->first, it->second.facts.territory, it->second.notified_time,
                    standings.Of(it->second)});
  }
  return page;
}

std::vector<AccountId> AccountIndex::Having(Standing standing,
                                            const std::optional<RegionId>& destination,
                                            size_t limit) const {
  Standings standings(*site_.topology, site_.Now());
  std::vector<AccountId> accounts;
  absl::MutexLock lock(&mutex_);
  for (const auto& [account, entry] : entries_) {
    if (accounts.size() == limit) break;
    if (entry.state != AccountState::kActive) continue;
    const StandingResult& result = standings.Of(entry);
    if (result.standing != standing) continue;
    if (standing == Standing::kEligible && !entry.facts.place.resident()) continue;
    if (destination.has_value() && result.scheduled_region != *destination) continue;
    accounts.push_back(account);
  }
  return accounts;
}

std::vector<AccountId> AccountIndex::After(const std::optional<AccountId>& after,
                                           size_t limit) const {
  std::vector<AccountId> accounts;
  absl::MutexLock lock(&mutex_);
  auto it = after.has_value() ? entries_.upper_bound(*after) : entries_.begin();
  for (; it != entries_.end() && accounts.size() < limit; ++it) accounts.push_back(it->first);
  return accounts;
}

bool AccountIndex::MayHaveChanged(uint64_t& seen_changes, UnixMillis& seen_time) const {
  const UnixMillis now = site_.Now();
  bool changed = false;
  {
    absl::MutexLock lock(&mutex_);
    changed = changes_ != seen_changes;
    seen_changes = changes_;
  }
  const auto came = [&](UnixMillis date) { return seen_time < date && date <= now; };
  for (const auto& [code, territory] : site_.topology->territories()) {
    for (const HomeInfo& home : territory.homes) {
      changed = changed || came(home.announced) || came(home.from) || came(home.window_end);
    }
  }
  seen_time = now;
  return changed;
}

std::vector<AccountId> AccountIndex::Due(UnixMillis now) const {
  std::vector<AccountId> accounts;
  absl::MutexLock lock(&mutex_);
  for (const auto& [time, account] : due_) {
    if (time > now) break;
    accounts.push_back(account);
  }
  return accounts;
}

std::vector<AccountId> AccountIndex::Moving() const {
  std::vector<AccountId> accounts;
  absl::MutexLock lock(&mutex_);
  for (const auto& [account, entry] : entries_) {
    if (entry.move != nullptr && !entry.move->finished) accounts.push_back(account);
  }
  return accounts;
}

std::vector<MoveStatus> AccountIndex::OfMigration(const RequestId& migration) const {
  std::vector<MoveStatus> moves;
  absl::MutexLock lock(&mutex_);
  for (const auto& [account, entry] : entries_) {
    if (entry.move != nullptr && entry.move->migration == migration) {
      moves.push_back({account, *entry.move});
    }
  }
  return moves;
}

}  // namespace comity::storage
