#include "services/storage/delivery_check.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "services/common/statement/custody.h"
#include "services/common/statement/operator.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/storage/account_rules.h"
#include "services/storage/service_statements.h"

namespace comity::storage {
namespace {

// Carriers hand on what they were given; these tell storage nothing.
constexpr auto kLeftOut = std::to_array<std::string_view>(
    {TransportKey::kType, KeyExport::kType, KeyReceipt::kType, KeyLocation::kType,
     KeyRotation::kType, KeyChange::kType, KeyVersionDestruction::kType, DataFence::kType,
     "legal.notice"});

struct Read {
  Envelope envelope;
  const Statement* statement;
};

struct Sorted {
  std::vector<Statement> chain;  // by number
  std::vector<Read> device;      // by number
  std::vector<Read> service;     // as they came
};

bool IsServiceType(std::string_view type) {
  return type == Activation::kType || type == Release::kType || type == Abort::kType ||
         type == KeyDestruction::kType || type == KeyClosing::kType ||
         type == DataManifest::kType || type == DataDestruction::kType;
}

absl::StatusOr<Sorted> Sort(const AccountId& account, const std::vector<Statement>& statements) {
  Sorted sorted;
  std::vector<Read> chain;
  for (const Statement& statement : statements) {
    ASSIGN_OR_RETURN(Envelope envelope, PeekEnvelope(statement));
    const std::string& type = envelope.type;
    if (type == Endorsement::kType || std::ranges::find(kLeftOut, type) != kLeftOut.end()) continue;
    if (envelope.subject != account.bytes()) {
      return Refuse(Reason::kFieldInvalid, "a statement about another account");
    }
    if (type == ChainEntry::kType) {
      chain.push_back({std::move(envelope), &statement});
    } else if (IsNumberedDeviceType(type)) {
      sorted.device.push_back({std::move(envelope), &statement});
    } else if (IsServiceType(type)) {
      sorted.service.push_back({std::move(envelope), &statement});
    } else {
      return Refuse(Reason::kStatementMalformed, "storage takes no statement of type " + type);
    }
  }
  const auto number = [](const Read& read) { return read.envelope.number; };
  std::ranges::stable_sort(chain, {}, number);
  std::ranges::stable_sort(sorted.device, {}, number);
  for (const Read& read : chain) sorted.chain.push_back(*read.statement);
  return sorted;
}

// What a device's statement must also fulfil when the device itself brings it: the one with the
// highest number is what it asks for; others that come along are history.
class SenseCheck final {
 public:
  SenseCheck(const Site& site, const AccountSnapshot& account, const DeviceChain& chain)
      : site_(site), account_(account), chain_(chain), territory_(account.view.territory()) {}

  absl::Status Check(const Read& read) {
    const std::string& type = read.envelope.type;
    if (type == ReadBack::kType) return CheckReadBack(*read.statement);
    if (account_.info.state == AccountState::kClosed) return Refuse(Reason::kAccountClosing);
    if (account_.info.state == AccountState::kMoved) return Refuse(Reason::kAccountNotHere);
    if (type == Consent::kType) return CheckNewConsent(read);
    return absl::OkStatus();
  }

  // History that counts for what is asked for after it.
  absl::Status Note(const Read& read) {
    if (read.envelope.type != TerritoryChange::kType ||
        read.envelope.number < account_.view.newest_number()) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(auto change, ParseStatement<TerritoryChange>(*read.statement));
    territory_ = std::move(change.body.territory);
    return absl::OkStatus();
  }

 private:
  absl::Status CheckNewConsent(const Read& read) const {
    ASSIGN_OR_RETURN(const auto parsed, ParseStatement<Consent>(*read.statement));
    const Consent& consent = parsed.body;
    if (account_.info.state != AccountState::kActive) return absl::OkStatus();
    if (read.envelope.number < account_.view.newest_number()) return absl::OkStatus();
    if (account_.view.open_close().has_value()) return Refuse(Reason::kAccountClosing);
    if (PlacementBefore(consent) != PlaceOf(site_.region, account_) ||
        consent.from_epoch != account_.info.epoch) {
      return Refuse(Reason::kConsentVoid, "it is about another region or account epoch");
    }
    if (!chain_.Contains({consent.chain_number, consent.chain_hash})) {
      return Refuse(Reason::kChainBehind, "the consent names a chain head that is not known here");
    }
    return CheckConsent(*site_.topology, read.envelope, consent, territory_, site_.Now(),
                        ConsentUse::kRecord);
  }

  // Rule of the protocol: nothing is destroyed because of a read-back of other data.
  absl::Status CheckReadBack(const Statement& statement) const {
    ASSIGN_OR_RETURN(const auto parsed, ParseStatement<ReadBack>(statement));
    const ReadBack& read = parsed.body;
    if (read.epoch != account_.info.epoch || read.region != account_.info.serving) {
      return Refuse(Reason::kFieldInvalid, "the read-back is about another region or epoch");
    }
    if (account_.info.state != AccountState::kMoved) return absl::OkStatus();
    for (const Statement& kept : account_.history) {
      const absl::StatusOr<Parsed<Release>> release = ParseStatement<Release>(kept);
      if (release.ok() && release->body.epoch == read.epoch) {
        return release->body.manifest_root == read.manifest_root
                   ? absl::OkStatus()
                   : Refuse(Reason::kFieldInvalid, "the manifest root is not the released one");
      }
    }
    return Refuse(Reason::kStateNotReady, "the release is not known");
  }

  const Site& site_;
  const AccountSnapshot& account_;
  const DeviceChain& chain_;
  std::string territory_;
};

size_t CountDeviceStatements(const AccountSnapshot& account) {
  size_t count = 0;
  for (const Statement& statement : account.history) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    count += envelope.ok() && IsNumberedDeviceType(envelope->type) ? 1 : 0;
  }
  return count;
}

absl::Status TakeDevice(const Site& site, const AccountSnapshot& account,
                        const std::vector<Read>& reads, bool by_device, VerifiedDelivery& out) {
  SenseCheck sense(site, account, out.chain);
  // The history of an account that is served elsewhere, or nowhere, is kept there.
  const bool ended =
      account.info.state == AccountState::kMoved || account.info.state == AccountState::kClosed;
  size_t count = CountDeviceStatements(account);
  for (const Read& read : reads) {
    const Digest digest = read.statement->digest();
    if (const Digest* known = account.view.FindNumber(read.envelope.number)) {
      if (*known != digest) return Refuse(Reason::kStatementSuperseded);
      continue;
    }
    if (!out.device.empty()) {
      ASSIGN_OR_RETURN(const Envelope last, PeekEnvelope(out.device.back()));
      if (last.number == read.envelope.number) {
        if (out.device.back().digest() != digest) return Refuse(Reason::kStatementSuperseded);
        continue;
      }
    }
    if (read.statement->body.size() > kMaxDeviceStatementBytes) {
      return Refuse(Reason::kMessageTooLarge, "a device statement of more than 4 KiB");
    }
    if (by_device && &read == &reads.back()) {
      RETURN_IF_ERROR(out.chain.VerifyDeviceStatement(*read.statement));
      RETURN_IF_ERROR(sense.Check(read));
    } else {
      RETURN_IF_ERROR(VerifyDeviceHistory(out.chain, *read.statement));
      if (by_device && ended) continue;
      RETURN_IF_ERROR(sense.Note(read));
    }
    if (++count > kMaxDeviceStatements) {
      return Refuse(Reason::kOverloaded, "the account has too many statements");
    }
    out.device.push_back(*read.statement);
  }
  return absl::OkStatus();
}

template <typename Body>
absl::StatusOr<SigningKeyId> VerifyAs(ServiceStatements& services, const Read& read,
                                      const RegionId& region, ServiceKind kind,
                                      const AccountId& account) {
  ASSIGN_OR_RETURN(const auto parsed,
                   services.Verify<Body>(*read.statement, region, kind, account));
  return parsed.envelope.issuer;
}

absl::StatusOr<SigningKeyId> VerifyService(ServiceStatements& services, const Read& read,
                                           const AccountId& account) {
  ASSIGN_OR_RETURN(const RegionId region, RegionId::Create(read.envelope.region));
  const std::string& type = read.envelope.type;
  const auto custody = ServiceKind::kCustody;
  const auto storage = ServiceKind::kStorage;
  if (type == Activation::kType) {
    return VerifyAs<Activation>(services, read, region, custody, account);
  }
  if (type == Release::kType) return VerifyAs<Release>(services, read, region, custody, account);
  if (type == Abort::kType) return VerifyAs<Abort>(services, read, region, custody, account);
  if (type == KeyDestruction::kType) {
    return VerifyAs<KeyDestruction>(services, read, region, custody, account);
  }
  if (type == KeyClosing::kType) {
    return VerifyAs<KeyClosing>(services, read, region, custody, account);
  }
  if (type == DataManifest::kType) {
    return VerifyAs<DataManifest>(services, read, region, storage, account);
  }
  return VerifyAs<DataDestruction>(services, read, region, storage, account);
}

// Is it of use here? What is not is left out, so that a foreign service cannot fill a history.
bool Concerns(const Site& site, const AccountSnapshot& account, const Read& read) {
  const std::string& type = read.envelope.type;
  const std::string& region = read.envelope.region;
  const bool keeper = region == PlaceOf(site.region, account).keys.name();
  const bool own = region == site.region.name() || keeper;
  if (type == KeyClosing::kType) return keeper;
  if (own) return true;
  // The other side of a move from or to here.
  if (account.incoming.has_value() && account.incoming->source.name() == region) return true;
  if (account.move.has_value() && account.move->destination.name() == region) return true;
  return std::ranges::any_of(account.history, [&](const Statement& kept) {
    const absl::StatusOr<Parsed<Consent>> consent = ParseStatement<Consent>(kept);
    return consent.ok() &&
           (consent->body.source.name() == region || consent->body.destination.name() == region);
  });
}

}  // namespace

absl::Status VerifyDeviceHistory(const DeviceChain& chain, const Statement& statement) {
  absl::Status active = chain.VerifyDeviceStatement(statement);
  if (active.ok()) return active;
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
  if (envelope.deployment != chain.deployment() || envelope.subject != chain.account().bytes()) {
    return active;
  }
  for (const Device& device : chain.devices()) {
    if (device.key.id() == envelope.issuer) return VerifySignedBy(statement, device.key);
  }
  return active;
}

absl::StatusOr<VerifiedDelivery> VerifyDelivery(const Site& site, const AccountSnapshot& account,
                                                const std::vector<Statement>& statements,
                                                bool by_device) {
  ASSIGN_OR_RETURN(const Sorted sorted, Sort(account.account, statements));
  const DeviceChain* known = account.chain();
  if (known == nullptr) return Refuse(Reason::kDataCorrupt, "the kept chain does not verify");
  ASSIGN_OR_RETURN(DeviceChain chain, known->Extend(sorted.chain));
  VerifiedDelivery delivery{std::move(chain), false, {}, {}};
  delivery.chain_grew = delivery.chain.entries().size() > account.chain_entries.size();
  RETURN_IF_ERROR(TakeDevice(site, account, sorted.device, by_device, delivery));

  ServiceStatements services(*site.topology, site.Now());
  services.Offer(account.history);
  services.Offer(statements);
  for (const Read& read : sorted.service) {
    if (account.view.Has(read.statement->digest()) || !Concerns(site, account, read)) continue;
    ASSIGN_OR_RETURN(const SigningKeyId issuer, VerifyService(services, read, account.account));
    delivery.service.push_back(*read.statement);
    if (const Statement* vouches = services.EndorsementOf(issuer)) {
      delivery.service.push_back(*vouches);
    }
  }
  return delivery;
}

}  // namespace comity::storage
