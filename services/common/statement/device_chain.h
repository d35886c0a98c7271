#ifndef COMITY_COMMON_STATEMENT_DEVICE_CHAIN_H_
#define COMITY_COMMON_STATEMENT_DEVICE_CHAIN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/statement/account.h"

namespace comity {

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

  // The chain after more entries; entries already known are skipped when equal. CHAIN_FORKED when
  // an entry with a known number differs.
  absl::StatusOr<DeviceChain> Extend(const std::vector<Statement>& entries) const;

  const AccountId& account() const { return account_; }
  ChainHead head() const;
  const std::vector<Statement>& entries() const { return entries_; }
  const std::vector<Device>& devices() const { return devices_; }
  const PublicKey& recovery_key() const { return *recovery_; }
  // The device with this key if it is not revoked.
  const Device* FindActive(const SigningKeyId& key) const;
  // Is (number, hash) an entry of this chain?
  bool Contains(const ChainHead& head) const;
  // A statement of this account signed by an active device: subject is checked too.
  absl::Status VerifyDeviceStatement(const Statement& statement) const;

 private:
  DeviceChain() = default;
  AccountId account_;
  std::vector<Statement> entries_;
  std::vector<Digest> hashes_;
  std::vector<Device> devices_;
  std::optional<PublicKey> recovery_;
};

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_DEVICE_CHAIN_H_
