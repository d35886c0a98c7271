#include "services/custody/custodian.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/custody/account_rules.h"
#include "services/custody/budgets.h"
#include "services/custody/key_versions.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

absl::StatusOr<DeviceChain> VerifyNewChain(const std::vector<Statement>& entries) {
  if (entries.empty()) {
    return Refuse(Reason::kFieldInvalid, "no device chain");
  }
  ASSIGN_OR_RETURN(const auto first, ParseStatement<ChainEntry>(entries.front()));
  if (!first.body.device_key.has_value()) {
    return Refuse(Reason::kStatementMalformed, "entry 0 must add the first device");
  }
  return DeviceChain::Verify(AccountIdOf(*first.body.device_key), entries);
}

KeyVersionView View(const KeyRecord& key, const Account& account) {
  using State = KeyVersionView::State;
  KeyVersionView view{key.version, State::kEnabled, key.created, key.destroyed};
  switch (key.state) {
    case KeyState::kActive:
      if (account.closing.has_value() || key.word.destroy_at != 0) {
        view.state = State::kDestroyScheduled;
        view.destroy_time = key.word.destroy_at;
        if (account.closing.has_value()) {
          const UnixMillis end = account.closing->destroy_time;
          view.destroy_time = key.word.destroy_at == 0 ? end : std::min(end, key.word.destroy_at);
        }
      } else if (key.word.disabled) {
        view.state = State::kDisabled;
      }
      return view;
    case KeyState::kReleased:
      view.state = State::kDisabled;
      if (account.released() && account.outgoing->activation.has_value()) {
        view.destroy_time = SourceDestroyTime(account);
      }
      return view;
    case KeyState::kInactive:
      view.state = State::kInactive;
      return view;
    case KeyState::kDestroyed:
      view.state = State::kDestroyed;
      return view;
  }
  return view;
}

}  // namespace

absl::Status Custodian::CheckRecord(const Statement& record, const DeviceChain& chain) const {
  RETURN_IF_ERROR(chain.VerifyDeviceStatement(record));
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<AccountRecord>(record));
  const AccountRecord& body = parsed.body;
  if (parsed.envelope.number != 1) {
    return Refuse(Reason::kFieldInvalid, "an account record is statement number 1");
  }
  const std::optional<Placement> place = PlacementOf(body);
  if (!place.has_value() || place->keys != site_->region) {
    return Refuse(Reason::kFieldInvalid,
                  "one policy that names this custody alone: resident keys are in the home region, "
                  "exclave keys in another one");
  }
  for (const std::string& refuge : body.policy[0].refuge_regions) {
    if (site_->topology->FindRegion(refuge) == nullptr) {
      return Refuse(Reason::kFieldInvalid, "a refuge region that does not exist");
    }
  }
  if (!chain.Contains({body.chain_number, body.chain_hash})) {
    return Refuse(Reason::kFieldInvalid, "the record names another device chain");
  }
  const HomeInfo& home = HomeAt(site_->topology->territory(body.territory), site_->Now());
  if (home.region != place->home) {
    return Refuse(Reason::kRulesForbid, "the home of this territory is another region");
  }
  if (home.keys != place->keys) {
    return Refuse(Reason::kRulesForbid, "the keys of this territory are kept in another region");
  }
  if (!home.terms.empty() && body.accepted_terms != site_->topology->terms().at(home.terms).hash) {
    return Refuse(Reason::kConsentMissing, "the terms of this home are not accepted");
  }
  return absl::OkStatus();
}

absl::Status Custodian::FillNewAccount(const DeviceChain& chain, const Statement& record,
                                       Plan& plan) const {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<AccountRecord>(record));
  Account& account = plan.after;
  account.presence = Presence::kActive;
  account.epoch = 1;
  account.territory = parsed.body.territory;
  if (parsed.body.home_region != site_->region) {
    account.data_region = parsed.body.home_region;
  }
  account.chain = chain;
  account.statements.emplace(1, record);

  ASSIGN_OR_RETURN(const Vault::Keys sealer, vault_->Open());
  plan.keys = sealer;
  const SecretBytes key = RandomSecret(kAeadKeySize);
  account.keys = {KeyRecord{.epoch = 1,
                            .version = 1,
                            .state = KeyState::kActive,
                            .created = site_->Now(),
                            .destroyed = 0,
                            .sealed = sealer->SealAccountKey(account.id, 1, 1, key),
                            .word = {}}};
  const X25519KeyPair metadata = GenerateX25519();
  account.metadata_public_key = metadata.public_key;
  account.metadata_keys[1] = sealer->SealMetadataKey(account.id, 1, metadata.private_key);

  Activation activation;
  activation.epoch = 1;
  activation.chain_number = chain.head().number;
  activation.chain_hash = chain.head().hash;
  activation.newest_version = 1;
  activation.metadata_public_key = metadata.public_key;
  ASSIGN_OR_RETURN(account.activation, site_->Sign(account.id, activation));
  plan.leaves.push_back({std::string(kLeafCreated), account.activation->digest()});
  plan.changed = true;
  return absl::OkStatus();
}

absl::StatusOr<Statement> Custodian::Create(const Authorization& authorization,
                                            const std::vector<Statement>& entries,
                                            const Statement& record) {
  RETURN_IF_ERROR(vault_->CheckOpen());
  ASSIGN_OR_RETURN(const DeviceChain chain, VerifyNewChain(entries));
  if (chain.deployment() != site_->topology->deployment()) {
    return Refuse(Reason::kFieldInvalid, "a device chain of another deployment");
  }
  if (chain.FindActive(authorization.caller().key.id()) == nullptr) {
    return Refuse(Reason::kAccountNotYours);
  }
  bool is_taken = false;
  const auto decide = [&](Plan& plan) -> absl::Status {
    if (plan.after.incoming.has_value()) {
      return Refuse(Reason::kAccountNotHere, "its keys are arriving from another region");
    }
    if (plan.after.presence == Presence::kNone) {
      RETURN_IF_ERROR(CheckRecord(record, chain));
      if (!is_taken) RETURN_IF_ERROR(TakeCreation(*site_));
      is_taken = true;
      return FillNewAccount(chain, record, plan);
    }
    // A repeat. The chain that is known here decides, it may have grown since.
    ASSIGN_OR_RETURN(const DeviceChain known, plan.after.chain->Extend(entries));
    if (known.FindActive(authorization.caller().key.id()) == nullptr) {
      return Refuse(Reason::kAccountNotYours);
    }
    RETURN_IF_ERROR(CheckServed(plan.after.presence));
    return plan.after.statements.at(1).body == record.body ? absl::OkStatus()
                                                           : Refuse(Reason::kStatementSuperseded);
  };
  ASSIGN_OR_RETURN(const Account account, ledger_->Update(chain.account(), decide));
  return *account.activation;
}

absl::StatusOr<Account> Custodian::LoadForDevice(const Authorization& authorization,
                                                 const AccountId& id) const {
  ASSIGN_OR_RETURN(Account account, ledger_->Load(id));
  RETURN_IF_ERROR(CheckOwner(authorization, account));
  RETURN_IF_ERROR(TakeQuestion(*site_, id));
  return account;
}

absl::StatusOr<AccountKeyView> Custodian::GetKey(const Authorization& authorization,
                                                 const AccountId& id) const {
  ASSIGN_OR_RETURN(const Account account, LoadForDevice(authorization, id));
  AccountKeyView view;
  view.epoch = account.epoch;
  view.min_unwrap_version = account.min_unwrap_version;
  view.rotation_days = account.rotation_days;
  view.next_rotation =
      NextRotationTime(account, *site_->topology, site_->region, site_->Now()).value_or(0);
  view.statements = NewestStatements(account, *site_, Audience::kOwn);
  // Of these only the owner has to know: no other service is told of them.
  view.statements.insert(view.statements.end(), account.version_destructions.begin(),
                         account.version_destructions.end());
  std::map<KeyVersion, KeyVersionView> newest;
  for (const KeyRecord& key : account.keys) {
    newest.insert_or_assign(key.version, View(key, account));
  }
  for (const auto& [version, key] : newest) {
    view.versions.push_back(key);
  }
  return view;
}

absl::StatusOr<Statement> Custodian::GetLocation(const Authorization& authorization,
                                                 const AccountId& id,
                                                 const std::string& nonce) const {
  ASSIGN_OR_RETURN(const Account account, LoadForDevice(authorization, id));
  const Topology& topology = *site_->topology;
  StandingResult standing;
  if (account.presence == Presence::kActive) {
    standing = DecideStanding(topology, FactsOf(account, site_->region), site_->Now());
  }
  KeyLocation location;
  location.epoch = account.epoch;
  location.operator_name = site_->operator_name;
  location.seal = vault_->description();
  location.development_flag = topology.development() ? 1 : 0;
  location.newest_version = NewestVersion(account);
  location.can_compel = topology.CanCompel(site_->region, ServiceKind::kCustody);
  location.scheduled_region = standing.scheduled_region.name();
  location.scheduled_time = standing.scheduled_time;
  location.nonce = nonce;
  location.active = account.presence == Presence::kActive ? 1 : 0;
  const Placement place = PlaceOf(account, site_->region);
  location.mode = PolicyOf(place).mode;
  if (const RegionInfo* data = topology.FindRegion(place.home);
      data != nullptr && !place.resident()) {
    location.data_region = place.home;
    location.data_operator = data->service(ServiceKind::kStorage).operator_name;
    location.data_can_compel = topology.CanCompel(place.home, ServiceKind::kStorage);
  }
  return site_->Sign(id, location, site_->Now() + kLocationLifetimeMs);
}

}  // namespace comity::custody
