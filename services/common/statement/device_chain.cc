#include "services/common/statement/device_chain.h"

#include <algorithm>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr std::string_view kAccountDomain = "comity account v1";
constexpr size_t kSealingKeySize = 32;

absl::Status Malformed(std::string_view cause) {
  return Refuse(Reason::kStatementMalformed, cause);
}
absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kSignatureInvalid, cause); }

absl::StatusOr<PublicKey> P256Key(std::string_view spki) {
  absl::StatusOr<PublicKey> key = PublicKey::FromSpki(spki);
  if (!key.ok() || key->algorithm() != SignatureAlgorithm::kEcdsaP256) {
    return Malformed("a key of the chain is not a P-256 key");
  }
  return key;
}

// Exactly the fields that the action has.
absl::Status CheckFields(const ChainEntry& entry, bool first) {
  const bool add = entry.action == ChainAction::kAdd;
  const bool recovery = first || entry.action == ChainAction::kReplaceRecovery;
  if (first && !add) return Malformed("entry 0 must add the first device");
  if (entry.device_key.has_value() != add || entry.sealing_key.has_value() != add ||
      entry.recovery_key.has_value() != recovery ||
      entry.revoked.has_value() != (entry.action == ChainAction::kRevoke)) {
    return Malformed("a chain entry has fields that its action has not, or lacks one");
  }
  if (add && entry.sealing_key->size() != kSealingKeySize) {
    return Malformed("a sealing key has not 32 bytes");
  }
  return absl::OkStatus();
}

}  // namespace

AccountId AccountIdOf(std::string_view device_spki) {
  std::string bytes(kAccountDomain);
  bytes.append(device_spki);
  return *AccountId::FromBytes(Sha256(bytes).substr(0, AccountId::kSize));
}

absl::StatusOr<DeviceChain> DeviceChain::Verify(const AccountId& account,
                                                const std::vector<Statement>& entries) {
  return Read(account, entries, Signatures::kVerify);
}

absl::StatusOr<DeviceChain> DeviceChain::Restore(const AccountId& account,
                                                 const std::vector<Statement>& entries) {
  return Read(account, entries, Signatures::kVouchedFor);
}

absl::StatusOr<DeviceChain> DeviceChain::Read(const AccountId& account,
                                              const std::vector<Statement>& entries,
                                              Signatures signatures) {
  if (entries.empty() || entries.size() > kMaxChainEntries) {
    return Malformed("a chain has 1 to 256 entries");
  }
  DeviceChain chain;
  chain.account_ = account;
  for (const Statement& entry : entries) RETURN_IF_ERROR(chain.Append(entry, signatures));
  return chain;
}

absl::StatusOr<DeviceChain> DeviceChain::Extend(const std::vector<Statement>& entries) const {
  DeviceChain chain = *this;
  for (const Statement& entry : entries) {
    ASSIGN_OR_RETURN(const auto parsed, ParseStatement<ChainEntry>(entry));
    const uint64_t number = parsed.envelope.number;
    if (number > chain.entries_.size()) {
      return Refuse(Reason::kChainBehind, "entries between are missing");
    }
    if (number == chain.entries_.size()) {
      if (number >= kMaxChainEntries) return Malformed("a chain has 1 to 256 entries");
      RETURN_IF_ERROR(chain.Append(entry));
      continue;
    }
    if (entry.digest() == chain.hashes_[number]) continue;
    // Only an entry that could have been taken proves a fork: otherwise a stranger who forges one
    // could freeze the chain.
    DeviceChain before;
    before.account_ = account_;
    for (uint64_t i = 0; i < number; ++i) RETURN_IF_ERROR(before.Append(chain.entries_[i]));
    RETURN_IF_ERROR(before.Append(entry));
    return Refuse(Reason::kChainForked, "two entries with one number");
  }
  return chain;
}

ChainHead DeviceChain::head() const { return {entries_.size() - 1, hashes_.back()}; }

const Device* DeviceChain::FindActive(const SigningKeyId& key) const {
  const auto found = std::ranges::find_if(
      devices_, [&](const Device& d) { return !d.revoked && d.key.id() == key; });
  return found == devices_.end() ? nullptr : &*found;
}

bool DeviceChain::Contains(const ChainHead& head) const {
  return head.number < hashes_.size() && hashes_[head.number] == head.hash;
}

absl::Status DeviceChain::VerifyDeviceStatement(const Statement& statement) const {
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
  if (envelope.subject != account_.bytes()) return Invalid("subject is another account");
  if (envelope.deployment != deployment_) return Invalid("made for another deployment");
  if (!envelope.region.empty()) return Invalid("devices belong to no region");
  const Device* device = FindActive(envelope.issuer);
  if (device == nullptr) return Invalid("the issuer is no active device of the account");
  return VerifySignedBy(statement, device->key);
}

absl::Status DeviceChain::Append(const Statement& statement, Signatures signatures) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<ChainEntry>(statement));
  const ChainEntry& entry = parsed.body;
  const Envelope& envelope = parsed.envelope;
  const bool first = entries_.empty();
  RETURN_IF_ERROR(CheckFields(entry, first));
  if (envelope.subject != account_.bytes()) return Invalid("entry of another account");
  if (!envelope.region.empty()) return Invalid("devices belong to no region");
  if (envelope.number != entries_.size()) return Invalid("the numbers have a gap");
  if (!first && envelope.deployment != deployment_) return Invalid("entry of another deployment");
  const Digest previous = first ? Digest() : hashes_.back();
  if (entry.previous != previous) return Invalid("the hash of the entry before does not match");
  if (statement.signatures.size() != 1) return Invalid("a chain entry has one signature");

  const auto signed_by = [&](const PublicKey& key) {
    return signatures == Signatures::kVerify ? VerifySignedBy(statement, key) : absl::OkStatus();
  };
  if (first) {
    ASSIGN_OR_RETURN(const PublicKey key, P256Key(*entry.device_key));
    if (AccountIdOf(key.spki()) != account_) return Invalid("the first key makes another account");
    if (envelope.issuer != key.id()) return Invalid("entry 0 is signed by the device it adds");
    RETURN_IF_ERROR(signed_by(key));
    deployment_ = envelope.deployment;
  } else if (const Device* device = FindActive(envelope.issuer); device != nullptr) {
    RETURN_IF_ERROR(signed_by(device->key));
  } else if (envelope.issuer == recovery_->id()) {
    RETURN_IF_ERROR(signed_by(*recovery_));
  } else {
    return Invalid("the signer was not valid before the entry");
  }
  RETURN_IF_ERROR(Apply(entry));
  entries_.push_back(statement);
  hashes_.push_back(statement.digest());
  return absl::OkStatus();
}

absl::Status DeviceChain::Apply(const ChainEntry& entry) {
  const auto known = [&](const SigningKeyId& id) {
    return std::ranges::any_of(devices_, [&](const Device& d) { return d.key.id() == id; }) ||
           (recovery_.has_value() && recovery_->id() == id);
  };
  if (entry.recovery_key.has_value()) {
    ASSIGN_OR_RETURN(PublicKey recovery, P256Key(*entry.recovery_key));
    if (known(recovery.id())) return Invalid("the recovery key is already in the chain");
    recovery_ = std::move(recovery);
  }
  if (entry.device_key.has_value()) {
    ASSIGN_OR_RETURN(PublicKey key, P256Key(*entry.device_key));
    // A revoked key never comes back: whoever took it would come back with it.
    if (known(key.id())) return Invalid("the device key is already in the chain");
    devices_.push_back({std::move(key), *entry.sealing_key, false});
  }
  if (entry.revoked.has_value()) {
    const auto active = [](const Device& d) { return !d.revoked; };
    const auto device = std::ranges::find_if(
        devices_, [&](const Device& d) { return active(d) && d.key.id() == *entry.revoked; });
    if (device == devices_.end()) return Invalid("the revoked key is no active device");
    // Add first, then revoke: an account without a device could never sign anything again.
    if (std::ranges::count_if(devices_, active) == 1) return Invalid("it is the last device");
    device->revoked = true;
  }
  return absl::OkStatus();
}

}  // namespace comity
