#ifndef COMITY_CUSTODY_KEY_SEALER_H_
#define COMITY_CUSTODY_KEY_SEALER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/custody/root_key.h"
#include "services/custody/root_ring.h"

namespace comity::custody {

// Seals what this custody keeps at rest or hands out for keeping: AES-256-GCM-SIV under a key of
// its own for each kind, associated data = what it is, deployment, region, and for account keys
// account, epoch and version (docs/formats-custody.md). Records bind the place: sealed bytes that
// are copied to another account, version or region do not open. While a root key is being rotated
// it opens what rests under the root before as well, and seals under the new one alone.
// Immutable, thread-safe.
class KeySealer final {
 public:
  // Under a root key that has followed none.
  KeySealer(const RootKey& root, std::string deployment, RegionId region);
  // Under one that brings `ring` along. SEALED for a root before of another size.
  static absl::StatusOr<std::shared_ptr<const KeySealer>> Create(const RootKey& root,
                                                                 const RootRing& ring,
                                                                 std::string deployment,
                                                                 RegionId region);
  // Under one with the ring as it rests; empty for none. DATA_CORRUPT when it does not open.
  static absl::StatusOr<std::shared_ptr<const KeySealer>> Open(SecretBytes root,
                                                               std::string_view sealed_ring,
                                                               const std::string& deployment,
                                                               const RegionId& region);

  // A root key to follow the present one: what it opens, and its ring as it will rest.
  struct Next {
    std::shared_ptr<const KeySealer> keys;
    std::string ring;
  };
  // `present` is the root of this sealer, `sealed_ring` what rests beside it. DATA_CORRUPT.
  absl::StatusOr<Next> Succeed(const SecretBytes& next, SecretBytes present,
                               std::string_view sealed_ring) const;

  // How many root keys there were, this one included.
  uint32_t generation() const { return generation_; }
  // Whether the root before opens as well.
  bool rotating() const { return older_ != nullptr; }
  // The same without the root before.
  std::shared_ptr<const KeySealer> WithoutOlder() const;
  // The ring that rests beside this root, without the root before. DATA_CORRUPT.
  absl::StatusOr<std::string> RingWithoutOlder(std::string_view sealed_ring) const;

  std::string SealAccountKey(const AccountId& account, AccountEpoch epoch, KeyVersion version,
                             const SecretBytes& key) const;
  // All openings: DATA_CORRUPT for every failure.
  absl::StatusOr<SecretBytes> OpenAccountKey(const AccountId& account, AccountEpoch epoch,
                                             KeyVersion version, std::string_view sealed) const;

  std::string SealMetadataKey(const AccountId& account, AccountEpoch epoch,
                              const SecretBytes& key) const;
  absl::StatusOr<SecretBytes> OpenMetadataKey(const AccountId& account, AccountEpoch epoch,
                                              std::string_view sealed) const;

  // Both: what was sealed under the root before, sealed under the new one; nullopt for what is
  // already. DATA_CORRUPT for what rests under neither.
  absl::StatusOr<std::optional<std::string>> ResealAccountKey(const AccountId& account,
                                                              AccountEpoch epoch,
                                                              KeyVersion version,
                                                              std::string_view sealed) const;
  absl::StatusOr<std::optional<std::string>> ResealMetadataKey(const AccountId& account,
                                                               AccountEpoch epoch,
                                                               std::string_view sealed) const;

  // That these entries of a device chain were verified here: a MAC (HMAC-SHA256, 32 bytes) over
  // them as they rest, under a key of its own, bound to deployment, region and account. Whoever can
  // write the store but has no root key cannot make one.
  std::string Vouch(const AccountId& account, const std::vector<std::string>& entries) const;
  // Does `vouch` say that, under this root key or the one before?
  bool Vouches(const AccountId& account, const std::vector<std::string>& entries,
               std::string_view vouch) const;

  // The key of this custody's backup, which keeps it itself.
  std::string SealBackupKey(const SecretBytes& key) const;
  absl::StatusOr<SecretBytes> OpenBackupKey(std::string_view sealed) const;

  // Review's record key, kept by review itself.
  std::string SealRecordKey(const SecretBytes& key) const;
  absl::StatusOr<SecretBytes> OpenRecordKey(std::string_view sealed) const;

 private:
  // What one root key gives.
  struct Derived {
    explicit Derived(const RootKey& root);
    const std::unique_ptr<GcmSivKey> account_keys;
    const std::unique_ptr<GcmSivKey> metadata_keys;
    const std::unique_ptr<GcmSivKey> ring;
    const std::unique_ptr<GcmSivKey> backup;
    const SecretBytes vouching_key;
  };
  using Kind = const std::unique_ptr<GcmSivKey> Derived::*;

  KeySealer() = default;
  std::string Place(std::string_view what, const AccountId& account, AccountEpoch epoch,
                    KeyVersion version) const;
  std::string PlaceOf(std::string_view what) const;
  absl::StatusOr<SecretBytes> OpenUnderEither(Kind kind, std::string_view sealed,
                                              const std::string& place) const;
  absl::StatusOr<std::optional<std::string>> Reseal(Kind kind, std::string_view sealed,
                                                    const std::string& place) const;
  // What a vouch is the MAC of.
  std::string Vouched(const AccountId& account, const std::vector<std::string>& entries) const;
  std::string SealRing(const RootRing& ring) const;
  absl::StatusOr<RootRing> OpenRing(std::string_view sealed) const;

  std::string deployment_;
  RegionId region_;
  uint32_t generation_ = 1;
  std::shared_ptr<const Derived> newest_;
  std::shared_ptr<const Derived> older_;  // null unless a rotation is under way
  std::shared_ptr<const GcmSivKey> record_keys_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_SEALER_H_
