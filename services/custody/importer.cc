#include "services/custody/importer.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/custody/account_rules.h"
#include "services/custody/delivery.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

constexpr size_t kMaxTransports = 4'096;

// A statement of the account's past: its device may have been revoked since.
absl::Status VerifyByAnyDevice(const DeviceChain& chain, const Statement& statement,
                               const Envelope& envelope) {
  if (envelope.subject != chain.account().bytes() || envelope.deployment != chain.deployment() ||
      !envelope.region.empty()) {
    return Refuse(Reason::kSignatureInvalid, "a statement about something else");
  }
  for (const Device& device : chain.devices()) {
    if (device.key.id() == envelope.issuer) {
      return VerifySignedBy(statement, device.key);
    }
  }
  return Refuse(Reason::kSignatureInvalid, "the issuer never was a device of the account");
}

// What the command says about the account, verified against its id alone: chain, numbered
// statements, territory.
absl::StatusOr<Account> ReadAccount(const ImportCommand& command, const std::string& deployment) {
  Account account{.id = command.account};
  ASSIGN_OR_RETURN(account.chain, DeviceChain::Verify(command.account, command.chain));
  if (account.chain->deployment() != deployment) {
    return Refuse(Reason::kFieldInvalid, "a device chain of another deployment");
  }
  for (const Statement& statement : command.account_statements) {
    ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
    RETURN_IF_ERROR(VerifyByAnyDevice(*account.chain, statement, envelope));
    const bool first = account.statements.empty();
    if (first != (envelope.type == AccountRecord::kType) ||
        envelope.number <= HighestNumber(account) || (first && envelope.number != 1)) {
      return Refuse(Reason::kFieldInvalid,
                    "account statements are the record and then ascending numbers");
    }
    if (first) {
      ASSIGN_OR_RETURN(const auto record, ParseStatement<AccountRecord>(statement));
      account.territory = record.body.territory;
      const std::optional<Placement> place = PlacementOf(record.body);
      if (!place.has_value()) {
        return Refuse(Reason::kFieldInvalid, "the account record does not say where the keys are");
      }
      if (!place->resident()) account.data_region = place->home;
    } else if (envelope.type == TerritoryChange::kType) {
      ASSIGN_OR_RETURN(const auto change, ParseStatement<TerritoryChange>(statement));
      account.territory = change.body.territory;
    }
    account.statements.emplace(envelope.number, statement);
  }
  if (account.statements.empty()) {
    return Refuse(Reason::kFieldInvalid, "no account record");
  }
  return account;
}

absl::Status CheckConsentOf(const Site& site, const RegionId& source, const ImportCommand& command,
                            Account account) {
  if (FindStatement(account, command.consent.digest()) == nullptr) {
    return Refuse(Reason::kConsentMissing, "the consent is not among the account's statements");
  }
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<Consent>(command.consent));
  const Consent& consent = parsed.body;
  account.epoch = consent.from_epoch;
  if (account.epoch != 1) {
    account.data_region.reset();  // whatever has moved since is where its data is
  }
  const std::optional<KnownConsent> in_force = ConsentInForce(account);
  if (!in_force.has_value() || in_force->statement.digest() != command.consent.digest()) {
    return Refuse(Reason::kConsentVoid, "a later word of the device ended it");
  }
  // Data and keys out of one region, or keys to where the data is: as the account's own words say.
  if (consent.source != source || consent.destination != site.region ||
      PlacementBefore(consent) != PlaceOf(account, source) || consent.from_epoch >= command.epoch) {
    return Refuse(Reason::kConsentVoid, "it is about another move");
  }
  if (!account.chain->VerifyDeviceStatement(command.consent).ok() ||
      !account.chain->Contains({consent.chain_number, consent.chain_hash})) {
    return Refuse(Reason::kConsentVoid, "its device is not active in the chain it names");
  }
  return CheckConsent(*site.topology, parsed.envelope, consent, account.territory, site.Now());
}

absl::StatusOr<KeyExport> CheckExport(const Site& site, const RegionId& source,
                                      const ImportCommand& command) {
  ASSIGN_OR_RETURN(const auto parsed,
                   VerifyFromService<KeyExport>(command.key_export, {command.endorsement}, site,
                                                source, ServiceKind::kCustody, command.account));
  const KeyExport& body = parsed.body;
  if (body.epoch != command.epoch || body.destination != site.region ||
      body.consent != command.consent.digest() ||
      body.sealed_keys != Sha256Digest(command.sealed_keys)) {
    return Refuse(Reason::kSignatureInvalid, "the export statement is about other keys");
  }
  return body;
}

bool IsRepeat(const Account& account, const RegionId& source, const ImportCommand& command) {
  return account.incoming.has_value() && account.incoming->source == source &&
         account.incoming->epoch == command.epoch &&
         account.incoming->key_export == command.key_export.digest();
}

}  // namespace

absl::StatusOr<Statement> Importer::OfferTransportKey(const Authorization& authorization,
                                                      const AccountId& account,
                                                      AccountEpoch epoch) {
  const RegionId& source = authorization.caller().region;
  if (!site_->topology->BorderAllows(source, site_->region, ServiceKind::kCustody)) {
    return Refuse(Reason::kBorderClosed);
  }
  RETURN_IF_ERROR(vault_->CheckOpen());
  X25519KeyPair pair = GenerateX25519();
  const UnixMillis expiry = site_->Now() + kTransportKeyLifetimeMs;
  ASSIGN_OR_RETURN(Statement statement,
                   site_->Sign(account, TransportKey{epoch, pair.public_key}, expiry));
  absl::MutexLock lock(&mutex_);
  if (oldest_.size() >= kMaxTransports) {
    transports_.erase(oldest_.front());
    oldest_.pop_front();
  }
  oldest_.push_back(statement.digest());
  transports_.emplace(statement.digest(),
                      Transport{source, account, epoch, expiry, std::move(pair.private_key)});
  return statement;
}

void Importer::DropExpired() {
  const UnixMillis now = site_->Now();
  absl::MutexLock lock(&mutex_);
  while (!oldest_.empty()) {
    const auto oldest = transports_.find(oldest_.front());
    if (oldest != transports_.end() && oldest->second.expiry > now) {
      return;
    }
    if (oldest != transports_.end()) {
      transports_.erase(oldest);
    }
    oldest_.pop_front();
  }
}

void Importer::DropAll() {
  absl::MutexLock lock(&mutex_);
  transports_.clear();
  oldest_.clear();
}

size_t Importer::offered() {
  absl::MutexLock lock(&mutex_);
  return transports_.size();
}

void Importer::Drop(const Digest& transport) {
  absl::MutexLock lock(&mutex_);
  transports_.erase(transport);
}

absl::StatusOr<ExportedKeys> Importer::Open(const RegionId& source, const ImportCommand& command) {
  ASSIGN_OR_RETURN(const KeyExport body, CheckExport(*site_, source, command));
  SecretBytes private_key;
  {
    absl::MutexLock lock(&mutex_);
    const auto found = transports_.find(body.transport_key);
    if (found == transports_.end() || found->second.source != source ||
        found->second.account != command.account || found->second.epoch != command.epoch ||
        found->second.expiry <= site_->Now()) {
      return Refuse(Reason::kStateNotReady, "the transport key is not known any more");
    }
    private_key = found->second.private_key.Clone();
  }
  const ExportPlace place{
      site_->topology->deployment(), source, site_->region, command.account, command.epoch,
      command.consent.digest()};
  return OpenExport(private_key, place, command.sealed_keys);
}

absl::Status Importer::CheckFits(const Account& account, const RegionId& source,
                                 const ImportCommand& command) const {
  const auto aborted = account.aborted_incoming.find(source);
  if (aborted != account.aborted_incoming.end() && command.epoch <= aborted->second) {
    return Refuse(Reason::kStatementSuperseded, "this move was called off");
  }
  if (account.presence == Presence::kActive || account.presence == Presence::kClosed ||
      command.epoch <= std::max(account.epoch, account.last_decided)) {
    return Refuse(Reason::kStatementSuperseded, "this account epoch is over");
  }
  if (account.incoming.has_value() &&
      (account.incoming->source != source || account.incoming->epoch >= command.epoch)) {
    return Refuse(Reason::kStatementSuperseded, "other keys have arrived");
  }
  if (account.fork.has_value()) {
    return Refuse(Reason::kChainForked);
  }
  if (account.chain.has_value()) {
    if (command.chain.size() < account.chain->entries().size()) {
      return Refuse(Reason::kChainBehind);
    }
    RETURN_IF_ERROR(account.chain->Extend(command.chain).status());
  }
  return absl::OkStatus();
}

absl::Status Importer::FillImport(const RegionId& source, const ImportCommand& command,
                                  const ExportedKeys& keys, const KeySealer& sealer,
                                  Plan& plan) const {
  Account& account = plan.after;
  if (account.incoming.has_value()) {
    // An attempt before this one, which its source has called off without reaching us.
    const AccountEpoch old = account.incoming->epoch;
    std::erase_if(account.keys, [old](const KeyRecord& key) { return key.epoch == old; });
    account.metadata_keys.erase(old);
  }
  ASSIGN_OR_RETURN(Account read, ReadAccount(command, site_->topology->deployment()));
  account.chain = std::move(read.chain);
  account.territory = std::move(read.territory);
  // Of two statements with one number, the one that the custody of record took counts.
  read.statements.merge(account.statements);
  account.statements = std::move(read.statements);
  for (const ExportedKeys::Version& version : keys.versions) {
    account.keys.push_back(
        {.epoch = command.epoch,
         .version = version.version,
         .state = KeyState::kInactive,
         .created = version.created,
         .destroyed = 0,
         .sealed = sealer.SealAccountKey(account.id, command.epoch, version.version, version.key),
         .word = version.word});
  }
  account.min_unwrap_version = keys.min_unwrap_version;
  account.rotation_days = keys.rotation_days;
  account.metadata_keys[command.epoch] =
      sealer.SealMetadataKey(account.id, command.epoch, keys.metadata_private_key);
  account.metadata_public_key = keys.metadata_public_key;

  KeyReceipt receipt;
  receipt.epoch = command.epoch;
  receipt.source = source;
  receipt.key_export = command.key_export.digest();
  receipt.newest_version = keys.versions.back().version;
  ASSIGN_OR_RETURN(Statement statement, site_->Sign(account.id, receipt));
  plan.leaves.push_back({std::string(kLeafImport), statement.digest()});
  account.incoming = Incoming{command.epoch, source, command.consent.digest(),
                              command.key_export.digest(), std::move(statement)};
  plan.changed = true;
  return absl::OkStatus();
}

absl::StatusOr<Statement> Importer::Import(const Authorization& authorization,
                                           const ImportCommand& command) {
  const RegionId& source = authorization.caller().region;
  if (!site_->topology->BorderAllows(source, site_->region, ServiceKind::kCustody)) {
    return Refuse(Reason::kBorderClosed);
  }
  ASSIGN_OR_RETURN(const Vault::Keys sealer, vault_->Open());
  {
    ASSIGN_OR_RETURN(const Account known, ledger_->Load(command.account));
    if (IsRepeat(known, source, command)) {
      return known.incoming->receipt;
    }
    RETURN_IF_ERROR(CheckFits(known, source, command));
  }
  {
    ASSIGN_OR_RETURN(Account read, ReadAccount(command, site_->topology->deployment()));
    RETURN_IF_ERROR(CheckConsentOf(*site_, source, command, std::move(read)));
  }
  ASSIGN_OR_RETURN(const ExportedKeys keys, Open(source, command));
  ASSIGN_OR_RETURN(const Account account,
                   ledger_->Update(command.account, [&](Plan& plan) -> absl::Status {
                     if (IsRepeat(plan.after, source, command)) {
                       return absl::OkStatus();
                     }
                     RETURN_IF_ERROR(CheckFits(plan.after, source, command));
                     return FillImport(source, command, keys, *sealer, plan);
                   }));
  Drop(ParseStatement<KeyExport>(command.key_export)->body.transport_key);
  return account.incoming->receipt;
}

}  // namespace comity::custody
