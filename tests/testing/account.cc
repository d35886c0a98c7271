#include "tests/testing/account.h"

#include <utility>

#include "services/common/crypto/x509.h"
#include "services/common/status/check.h"
#include "services/common/topology/standing.h"
#include "tests/testing/deployment.h"

namespace comity {

TestDevice MakeTestDevice() {
  PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  CertificateSpec spec;
  spec.common_name = "device";
  spec.not_before = TestDeployment::kNotBefore;
  spec.not_after = TestDeployment::kNotAfter;
  std::string certificate = SelfSignedCertificate(key, spec);
  return {std::move(key), GenerateX25519(), std::move(certificate)};
}

TestAccount::TestAccount(std::string deployment, UnixMillis time)
    : deployment_(std::move(deployment)),
      time_(time),
      recovery_(PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256)) {
  devices_.push_back(MakeTestDevice());
  id_ = AccountIdOf(device().key.public_key().spki());
  ChainEntry entry;
  entry.device_key = device().key.public_key().spki();
  entry.sealing_key = device().sealing.public_key;
  entry.recovery_key = recovery_.public_key().spki();
  Append(entry);
}

DeviceChain TestAccount::chain() const {
  absl::StatusOr<DeviceChain> chain = DeviceChain::Verify(id_, entries_);
  COMITY_CHECK(chain.ok());
  return *std::move(chain);
}

void TestAccount::AddDevice() {
  devices_.push_back(MakeTestDevice());
  ChainEntry entry;
  entry.device_key = devices_.back().key.public_key().spki();
  entry.sealing_key = devices_.back().sealing.public_key;
  Append(entry);
}

void TestAccount::RevokeDevice(size_t index) {
  ChainEntry entry;
  entry.action = ChainAction::kRevoke;
  entry.revoked = device(index).key.public_key().id();
  Append(entry);
}

Statement TestAccount::SignEntry(const ChainEntry& entry, const PrivateKey& signer,
                                 uint64_t number) const {
  Envelope envelope;
  envelope.deployment = deployment_;
  envelope.subject = std::string(id_.bytes());
  envelope.number = number;
  envelope.time = time_;
  return SignStatement(envelope, entry, signer);
}

Envelope TestAccount::NextEnvelope(UnixMillis time, UnixMillis expiry) {
  Envelope envelope;
  envelope.deployment = deployment_;
  envelope.subject = std::string(id_.bytes());
  envelope.number = ++number_;
  envelope.time = time;
  envelope.expiry = expiry;
  return envelope;
}

Statement TestAccount::SignRecord(const Topology& topology, std::string_view territory,
                                  UnixMillis time) {
  const HomeInfo& home = HomeAt(topology.territory(territory), time);
  const ChainHead head = chain().head();
  AccountRecord record;
  record.territory = std::string(territory);
  record.home_region = home.region;
  record.policy = {PolicyOf(PlacementOf(home))};
  record.chain_number = head.number;
  record.chain_hash = head.hash;
  if (!home.terms.empty()) record.accepted_terms = topology.terms().at(home.terms).hash;
  return Sign(record, time);
}

Statement TestAccount::SignConsent(const Topology& topology, std::string_view territory,
                                   const RegionId& source, AccountEpoch from_epoch,
                                   UnixMillis time) {
  return SignConsent(topology, territory, ResidentIn(source), from_epoch, time);
}

Statement TestAccount::SignConsent(const Topology& topology, std::string_view territory,
                                   const Placement& place, AccountEpoch from_epoch,
                                   UnixMillis time) {
  absl::StatusOr<Consent> consent = DraftConsent(topology, territory, place, time);
  COMITY_CHECK(consent.ok());
  const ChainHead head = chain().head();
  consent->from_epoch = from_epoch;
  consent->chain_number = head.number;
  consent->chain_hash = head.hash;
  return Sign(*consent, time, time + 90 * kDayMs);
}

void TestAccount::Append(const ChainEntry& entry) {
  ChainEntry next = entry;
  if (!entries_.empty()) next.previous = entries_.back().digest();
  entries_.push_back(SignEntry(next, device().key, entries_.size()));
}

}  // namespace comity
