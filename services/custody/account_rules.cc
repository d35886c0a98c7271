#include "services/custody/account_rules.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr size_t kKeptDestructions = 16;
constexpr size_t kToldDeviceStatements = 24;

std::string_view TypeOf(const Statement& statement, Envelope& envelope) {
  absl::StatusOr<Envelope> peeked = PeekEnvelope(statement);
  if (!peeked.ok()) {
    return "";
  }
  envelope = *std::move(peeked);
  return envelope.type;
}

std::string EncodeVersion(KeyVersion version) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((version >> shift) & 0xff));
  }
  return bytes;
}

}  // namespace

bool HoldsKeys(const Account& account) {
  return std::ranges::any_of(account.keys, &KeyRecord::exists);
}

bool HoldsKeysOf(const Account& account, AccountEpoch epoch) {
  return std::ranges::any_of(
      account.keys, [epoch](const KeyRecord& key) { return key.epoch == epoch && key.exists(); });
}

KeyVersion NewestVersion(const Account& account) {
  KeyVersion newest = 0;
  for (const KeyRecord& key : account.keys) {
    if (key.state == KeyState::kActive) {
      newest = std::max(newest, key.version);
    }
  }
  return newest;
}

uint64_t HighestNumber(const Account& account) {
  return account.statements.empty() ? 0 : account.statements.rbegin()->first;
}

const Statement* FindStatement(const Account& account, const Digest& digest) {
  for (const auto& [number, statement] : account.statements) {
    if (statement.digest() == digest) {
      return &statement;
    }
  }
  return nullptr;
}

std::optional<KnownConsent> ConsentInForce(const Account& account) {
  for (auto entry = account.statements.rbegin(); entry != account.statements.rend(); ++entry) {
    Envelope envelope;
    const std::string_view type = TypeOf(entry->second, envelope);
    if (type == Withdrawal::kType || type == TerritoryChange::kType || type == Close::kType) {
      return std::nullopt;
    }
    if (type != Consent::kType) {
      continue;
    }
    absl::StatusOr<Parsed<Consent>> parsed = ParseStatement<Consent>(entry->second);
    // One from an earlier epoch was spent by the move that ended it.
    if (!parsed.ok() || parsed->body.from_epoch != account.epoch) {
      return std::nullopt;
    }
    return KnownConsent{std::move(parsed->envelope), std::move(parsed->body), entry->second};
  }
  return std::nullopt;
}

UnixMillis SourceDestroyTime(const Account& account) {
  const Outgoing& move = *account.outgoing;
  for (auto entry = account.statements.rbegin(); entry != account.statements.rend(); ++entry) {
    const absl::StatusOr<Parsed<ReadBack>> read = ParseStatement<ReadBack>(entry->second);
    if (read.ok() && read->body.epoch == move.epoch) {
      return 0;
    }
  }
  return move.activated_at + kReadBackPeriodMs;
}

Placement PlaceOf(const Account& account, const RegionId& region) {
  return {account.data_region.value_or(region), region};
}

AccountFacts FactsOf(const Account& account, const RegionId& region) {
  AccountFacts facts;
  facts.territory = account.territory;
  facts.place = PlaceOf(account, region);
  facts.notified = true;
  facts.in_migration = account.deciding();
  facts.moved = account.epoch > 1;
  facts.closing = account.closing.has_value();
  if (std::optional<KnownConsent> consent = ConsentInForce(account); consent.has_value()) {
    facts.consent = std::move(consent->consent);
  }
  return facts;
}

absl::Status CheckOwner(const Authorization& authorization, const Account& account) {
  if (!authorization.IsDevice() || !account.chain.has_value() ||
      account.chain->FindActive(authorization.caller().key.id()) == nullptr) {
    return Refuse(Reason::kAccountNotYours);
  }
  return absl::OkStatus();
}

absl::Status CheckServed(Presence presence) {
  switch (presence) {
    case Presence::kActive:
      return absl::OkStatus();
    case Presence::kNone:
    case Presence::kReleased:
      return Refuse(Reason::kAccountNotHere);
    case Presence::kClosed:
      return Refuse(Reason::kKeyDestroyed);
  }
  return Refuse(Reason::kInternal, "no such presence");
}

absl::Status CheckChangeable(const Account& account) {
  RETURN_IF_ERROR(CheckServed(account.presence));
  if (account.closing.has_value()) {
    return Refuse(Reason::kAccountClosing);
  }
  if (account.fork.has_value()) {
    return Refuse(Reason::kChainForked);
  }
  if (account.deciding()) {
    // The other side has what was sent: a word said after the export would be left behind.
    return Refuse(Reason::kAccountFenced, "a move is being decided");
  }
  return absl::OkStatus();
}

absl::Status CheckOpens(const Account& account, KeyVersion version) {
  const KeyRecord* found = nullptr;
  for (const KeyRecord& key : account.keys) {
    if (key.version == version) found = &key;  // of several epochs the newest counts
  }
  if (found == nullptr) {
    // Versions are counted without a gap: one that is not here has stayed behind when the key came.
    return version >= 1 && version < NewestVersion(account)
               ? Refuse(Reason::kKeyDestroyed)
               : Refuse(Reason::kDataCorrupt, "wrapped under a key that never was");
  }
  switch (found->state) {
    case KeyState::kActive:
      return found->word.disabled || version < account.min_unwrap_version
                 ? Refuse(Reason::kKeyDisabled)
                 : absl::OkStatus();
    case KeyState::kReleased:
    case KeyState::kInactive:
      return Refuse(Reason::kKeyDisabled);
    case KeyState::kDestroyed:
      return Refuse(Reason::kKeyDestroyed);
  }
  return Refuse(Reason::kInternal, "no such key state");
}

absl::Status CheckTakesData(const Topology& topology, const AccountFacts& facts, UnixMillis now) {
  if (facts.closing) {
    return Refuse(Reason::kAccountClosing);
  }
  if (DecideStanding(topology, facts, now).standing == Standing::kSuspended) {
    return Refuse(Reason::kAccountSuspended);
  }
  return absl::OkStatus();
}

void Erase(KeyRecord& key, UnixMillis now) {
  key.state = KeyState::kDestroyed;
  key.destroyed = now;
  key.sealed.clear();
}

std::vector<std::string> EraseKeys(Account& account, AccountEpoch epoch, UnixMillis now) {
  std::vector<std::string> versions;
  for (KeyRecord& key : account.keys) {
    if (key.epoch != epoch || !key.exists()) {
      continue;
    }
    Erase(key, now);
    versions.push_back(EncodeVersion(key.version));
  }
  account.metadata_keys.erase(epoch);
  return versions;
}

void KeepDestruction(Account& account, AccountEpoch epoch, Statement statement) {
  account.destructions.insert_or_assign(epoch, std::move(statement));
  while (account.destructions.size() > kKeptDestructions) {
    account.destructions.erase(account.destructions.begin());
  }
}

std::vector<Statement> NewestStatements(const Account& account, const Site& site,
                                        Audience audience) {
  std::vector<Statement> statements = {site.endorsement()};
  const auto add = [&statements](const Endorsed& endorsed) {
    statements.push_back(endorsed.statement);
    statements.push_back(endorsed.endorsement);
  };
  if (account.presence == Presence::kActive && account.activation.has_value()) {
    statements.push_back(*account.activation);
  }
  if (account.closing.has_value()) {
    statements.push_back(account.closing->statement);
  }
  if (account.outgoing.has_value()) {
    const Outgoing& move = *account.outgoing;
    if (move.decision.has_value()) {
      statements.push_back(move.decision->statement);
    }
    if (move.receipt.has_value()) {
      add(*move.receipt);
    }
    if (move.activation.has_value()) {
      add(*move.activation);
    }
  }
  if (account.incoming.has_value()) {
    statements.push_back(account.incoming->receipt);
  }
  for (const auto& [epoch, statement] : account.destructions) {
    statements.push_back(statement);
  }
  if (audience == Audience::kForeignCustody) {
    return statements;
  }
  size_t told = 0;
  for (auto entry = account.statements.rbegin();
       entry != account.statements.rend() && told < kToldDeviceStatements; ++entry, ++told) {
    statements.push_back(entry->second);
  }
  return statements;
}

}  // namespace comity::custody
