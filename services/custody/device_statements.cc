#include "services/custody/device_statements.h"

#include <algorithm>
#include <utility>

#include "services/common/statement/account.h"
#include "services/common/statement/custody.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/custody/account_rules.h"
#include "services/custody/grant_rules.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

constexpr size_t kMaxTerritoryLength = 8;

bool IsTerritoryCode(std::string_view code) {
  return !code.empty() && code.size() <= kMaxTerritoryLength &&
         std::ranges::all_of(
             code, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

absl::Status ApplyConsent(const Site& site, const Statement& statement, const Account& account) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<Consent>(statement));
  const Consent& consent = parsed.body;
  if (account.closing.has_value()) {
    return Refuse(Reason::kAccountClosing);
  }
  if (PlacementBefore(consent) != PlaceOf(account, site.region) ||
      consent.from_epoch != account.epoch) {
    return Refuse(Reason::kConsentVoid, "it is about another region or account epoch");
  }
  if (!account.chain->Contains({consent.chain_number, consent.chain_hash})) {
    return Refuse(Reason::kChainBehind, "the consent names a chain head that is not known here");
  }
  return CheckConsent(*site.topology, parsed.envelope, consent, account.territory, site.Now(),
                      ConsentUse::kRecord);
}

absl::Status ApplyTerritory(const Statement& statement, Account& account) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<TerritoryChange>(statement));
  if (!IsTerritoryCode(parsed.body.territory)) {
    return Refuse(Reason::kFieldInvalid, "not a territory code");
  }
  account.territory = parsed.body.territory;
  return absl::OkStatus();
}

absl::Status ApplyClose(const Site& site, const Statement& statement, Plan& plan) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<Close>(statement));
  Closing closing;
  closing.close_number = parsed.envelope.number;
  closing.destroy_time = site.Now() + kClosingPeriodMs;
  ASSIGN_OR_RETURN(closing.statement, site.Sign(plan.after.id, KeyClosing{closing.close_number,
                                                                          closing.destroy_time}));
  plan.leaves.push_back({std::string(kLeafClosing), closing.statement.digest()});
  plan.after.closing = std::move(closing);
  // Who gives up an account does not mean to leave others in it; they do not come back when it is
  // cancelled.
  EndGrants(plan.after);
  return absl::OkStatus();
}

absl::Status ApplyCancel(const Statement& statement, Plan& plan) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<CancelClose>(statement));
  if (!plan.after.closing.has_value()) {
    return Refuse(Reason::kStateNotReady, "the account is not closing");
  }
  const auto close = plan.after.statements.find(parsed.body.close_number);
  if (close == plan.after.statements.end() || !ParseStatement<Close>(close->second).ok()) {
    return Refuse(Reason::kFieldInvalid, "close_number is no close of this account");
  }
  plan.leaves.push_back({std::string(kLeafCancelled), statement.digest()});
  plan.after.closing.reset();
  return absl::OkStatus();
}

absl::Status ApplyReadBack(const Site& site, const Statement& statement, const Account& account) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<ReadBack>(statement));
  const ReadBack& read = parsed.body;
  if (account.presence == Presence::kActive) {
    return read.epoch == account.epoch && read.region == site.region
               ? absl::OkStatus()
               : Refuse(Reason::kFieldInvalid, "it is about another region or account epoch");
  }
  if (!account.released()) {
    return Refuse(Reason::kStateNotReady, "no move to read back from");
  }
  const Outgoing& move = *account.outgoing;
  if (read.epoch != move.epoch || read.region != move.destination) {
    return Refuse(Reason::kFieldInvalid, "it is about another move");
  }
  // The device found something else than what both storages signed: nothing may be destroyed.
  return read.manifest_root == move.manifest_root
             ? absl::OkStatus()
             : Refuse(Reason::kFieldInvalid, "the manifest root is not that of the release");
}

absl::Status ApplyMetadataKey(const Statement& statement, const Account& account) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<MetadataKey>(statement));
  return parsed.body.public_key == account.metadata_public_key
             ? absl::OkStatus()
             : Refuse(Reason::kFieldInvalid, "not the metadata key of this account");
}

absl::Status ApplyByType(const Site& site, const ReadStatement& read, Plan& plan) {
  const std::string& type = read.envelope.type;
  if (type == Consent::kType) return ApplyConsent(site, read.statement, plan.after);
  if (type == Withdrawal::kType) return ParseStatement<Withdrawal>(read.statement).status();
  if (type == TerritoryChange::kType) return ApplyTerritory(read.statement, plan.after);
  if (type == Close::kType) return ApplyClose(site, read.statement, plan);
  if (type == CancelClose::kType) return ApplyCancel(read.statement, plan);
  if (type == ReadBack::kType) return ApplyReadBack(site, read.statement, plan.after);
  if (type == MetadataKey::kType) return ApplyMetadataKey(read.statement, plan.after);
  // An account record is the first statement of its account and comes with its creation or import.
  return Refuse(Reason::kStatementSuperseded);
}

// Does this custody keep the account's sequence? After a release only the read-back is of its
// business.
absl::Status CheckKeepsSequence(const Account& account, std::string_view type) {
  if (account.presence == Presence::kReleased && type == ReadBack::kType) {
    return absl::OkStatus();
  }
  return CheckServed(account.presence);
}

}  // namespace

absl::Status ApplyChain(const std::vector<Statement>& entries, Plan& plan) {
  if (entries.empty() || !plan.after.chain.has_value()) {
    return absl::OkStatus();
  }
  const DeviceChain& chain = *plan.after.chain;
  absl::StatusOr<DeviceChain> extended = chain.Extend(entries);
  if (!extended.ok()) {
    if (ReasonOf(extended.status()) == Reason::kChainForked && !plan.after.fork.has_value()) {
      for (const Statement& entry : entries) {
        if (ReasonOf(chain.Extend({entry}).status()) == Reason::kChainForked) {
          plan.after.fork = entry;
          plan.changed = true;
        }
      }
    }
    return extended.status();
  }
  if (extended->entries().size() == chain.entries().size()) {
    return absl::OkStatus();
  }
  if (plan.after.fork.has_value()) {
    return Refuse(Reason::kChainForked);
  }
  plan.after.chain = *std::move(extended);
  plan.changed = true;
  return absl::OkStatus();
}

absl::Status ApplyDeviceStatement(const Site& site, const ReadStatement& read, Plan& plan) {
  const uint64_t number = read.envelope.number;
  if (const auto known = plan.after.statements.find(number); known != plan.after.statements.end()) {
    return known->second.body == read.statement.body ? absl::OkStatus()
                                                     : Refuse(Reason::kStatementSuperseded);
  }
  RETURN_IF_ERROR(CheckKeepsSequence(plan.after, read.envelope.type));
  if (number <= HighestNumber(plan.after)) {
    return Refuse(Reason::kStatementSuperseded);
  }
  if (plan.after.fork.has_value()) {
    return Refuse(Reason::kChainForked);
  }
  const bool close = read.envelope.type == Close::kType;
  // A close always has room: whoever filled the sequence must not keep the account open.
  if (plan.after.statements.size() >= kMaxDeviceStatements && !close) {
    return Refuse(Reason::kOverloaded, "too many numbered statements");
  }
  RETURN_IF_ERROR(plan.after.chain->VerifyDeviceStatement(read.statement));
  if (close && plan.after.closing.has_value()) {
    return absl::OkStatus();  // said again: the first one's date stands
  }
  if (read.envelope.expiry != 0 && read.envelope.expiry <= site.Now()) {
    return read.envelope.type == Consent::kType
               ? Refuse(Reason::kConsentVoid, "it has expired")
               : Refuse(Reason::kFieldInvalid, "the statement has expired");
  }
  RETURN_IF_ERROR(ApplyByType(site, read, plan));
  plan.after.statements.emplace(number, read.statement);
  plan.changed = true;
  return absl::OkStatus();
}

}  // namespace comity::custody
