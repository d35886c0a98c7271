#ifndef COMITY_CUSTODY_KEY_SEALER_H_
#define COMITY_CUSTODY_KEY_SEALER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/custody/root_key.h"

namespace comity::custody {

// Seals what this custody keeps at rest or hands out for keeping: AES-256-GCM-SIV under a key of
// its own for each kind, associated data = what it is, deployment, region, and for account keys
// account, epoch and version (docs/formats-custody.md). Records bind the place: sealed bytes that
// are copied to another account, version or region do not open. Immutable, thread-safe.
class KeySealer final {
 public:
  KeySealer(const RootKey& root, std::string deployment, RegionId region);

  std::string SealAccountKey(const AccountId& account, AccountEpoch epoch, KeyVersion version,
                             const SecretBytes& key) const;
  // All openings: DATA_CORRUPT for every failure.
  absl::StatusOr<SecretBytes> OpenAccountKey(const AccountId& account, AccountEpoch epoch,
                                             KeyVersion version, std::string_view sealed) const;

  std::string SealMetadataKey(const AccountId& account, AccountEpoch epoch,
                              const SecretBytes& key) const;
  absl::StatusOr<SecretBytes> OpenMetadataKey(const AccountId& account, AccountEpoch epoch,
                                              std::string_view sealed) const;

  // Review's record key, kept by review itself.
  std::string SealRecordKey(const SecretBytes& key) const;
  absl::StatusOr<SecretBytes> OpenRecordKey(std::string_view sealed) const;

 private:
  std::string Place(std::string_view what, const AccountId& account, AccountEpoch epoch,
                    KeyVersion version) const;
  std::string RecordPlace() const;

  const std::string deployment_;
  const RegionId region_;
  const std::unique_ptr<GcmSivKey> account_keys_;
  const std::unique_ptr<GcmSivKey> metadata_keys_;
  const std::unique_ptr<GcmSivKey> record_keys_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_SEALER_H_
