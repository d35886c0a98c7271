#ifndef COMITY_COMMON_STATEMENT_DEVICE_CHAIN_H_
#define COMITY_COMMON_STATEMENT_DEVICE_CHAIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/statement/account.h"

namespace comity {

inline constexpr size_t kMaxChainEntries = 256;

// First 20 bytes of SHA-256("comity account v1" || spki). `spki`: DER, P-256 uncompressed.
AccountId AccountIdOf(std::string_view device_spki);

struct Device {
  PublicKey key;
  std::string sealing_key;  // X25519, 32 bytes
  bool revoked = false;
};

// A verified device chain: the whole truth about which keys speak for an account. Copyable value.
class DeviceChain final {
 public:
  // Verifies from entry 0 against the id alone; no certificate authority is involved.
  // STATEMENT_MALFORMED, SIGNATURE_INVALID (wrong id, wrong signer, broken hash link, gap).
  static absl::StatusOr<DeviceChain> Verify(const AccountId& account,
                                            const std::vector<Statement>& entries);

  // The chain of entries that Verify() took once and whose bytes somebody vouches for since: checks
  // everything again but the signatures, which are nearly all the cost. The refusals of Verify().
  static absl::StatusOr<DeviceChain> Restore(const AccountId& account,
                                             const std::vector<Statement>& entries);

  // The chain after more entries; entries already known are skipped when their bodies are equal.
  // CHAIN_FORKED when a validly signed entry with a known number differs; CHAIN_BEHIND when entries
  // between are missing; the refusals of Verify otherwise.
  absl::StatusOr<DeviceChain> Extend(const std::vector<Statement>& entries) const;

  const AccountId& account() const { return account_; }
  // The deployment that every entry names; the caller compares it with its own.
  const std::string& deployment() const { return deployment_; }
  ChainHead head() const;
  const std::vector<Statement>& entries() const { return entries_; }
  const std::vector<Device>& devices() const { return devices_; }
  const PublicKey& recovery_key() const { return *recovery_; }
  // The device with this key if it is not revoked.
  const Device* FindActive(const SigningKeyId& key) const;
  // Is (number, hash) an entry of this chain?
  bool Contains(const ChainHead& head) const;
  // A statement of this account and deployment that names an active device as issuer and is signed
  // by it. SIGNATURE_INVALID, STATEMENT_MALFORMED otherwise. Expiry and number are the caller's.
  absl::Status VerifyDeviceStatement(const Statement& statement) const;

 private:
  enum class Signatures : uint8_t { kVerify, kVouchedFor };

  DeviceChain() = default;
  static absl::StatusOr<DeviceChain> Read(const AccountId& account,
                                          const std::vector<Statement>& entries,
                                          Signatures signatures);
  // Takes `statement` as the next entry, or refuses it.
  absl::Status Append(const Statement& statement, Signatures signatures = Signatures::kVerify);
  absl::Status Apply(const ChainEntry& entry);

  AccountId account_;
  std::string deployment_;
  std::vector<Statement> entries_;
  std::vector<Digest> hashes_;
  std::vector<Device> devices_;
  std::optional<PublicKey> recovery_;
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_DEVICE_CHAIN_H_
