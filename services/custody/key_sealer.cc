#include "services/custody/key_sealer.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/encoding/canonical.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

// Purposes of derived keys and, so that a change of one cannot weaken the other, the names inside
// the associated data.
constexpr std::string_view kAccountKeys = "account-key";
constexpr std::string_view kMetadataKeys = "metadata-key";
constexpr std::string_view kRecordKeys = "review-record";
constexpr std::string_view kRing = "root-ring";
constexpr std::string_view kDeviceChain = "device-chain";
constexpr std::string_view kBackup = "backup";

std::unique_ptr<GcmSivKey> KeyOf(const SecretBytes& bytes) {
  absl::StatusOr<std::unique_ptr<GcmSivKey>> key = GcmSivKey::Create(bytes);
  COMITY_CHECK(key.ok());  // refuses only keys of another size
  return *std::move(key);
}

}  // namespace

KeySealer::Derived::Derived(const RootKey& root)
    : account_keys(root.Derive(kAccountKeys)),
      metadata_keys(root.Derive(kMetadataKeys)),
      ring(root.Derive(kRing)),
      backup(root.Derive(kBackup)),
      vouching_key(root.DeriveBytes(kDeviceChain)) {}

KeySealer::KeySealer(const RootKey& root, std::string deployment, RegionId region)
    : deployment_(std::move(deployment)),
      region_(std::move(region)),
      newest_(std::make_shared<const Derived>(root)),
      record_keys_(root.Derive(kRecordKeys)) {}

absl::StatusOr<std::shared_ptr<const KeySealer>> KeySealer::Create(const RootKey& root,
                                                                   const RootRing& ring,
                                                                   std::string deployment,
                                                                   RegionId region) {
  std::shared_ptr<KeySealer> sealer(new KeySealer());
  if (!ring.previous.empty()) {
    ASSIGN_OR_RETURN(const RootKey previous, RootKey::Create(ring.previous.Clone(), region));
    sealer->older_ = std::make_shared<const Derived>(previous);
  }
  sealer->deployment_ = std::move(deployment);
  sealer->region_ = std::move(region);
  sealer->generation_ = ring.generation;
  sealer->newest_ = std::make_shared<const Derived>(root);
  sealer->record_keys_ = KeyOf(ring.record_key);
  return std::shared_ptr<const KeySealer>(std::move(sealer));
}

absl::StatusOr<std::shared_ptr<const KeySealer>> KeySealer::Open(SecretBytes root,
                                                                 std::string_view sealed_ring,
                                                                 const std::string& deployment,
                                                                 const RegionId& region) {
  ASSIGN_OR_RETURN(const RootKey key, RootKey::Create(std::move(root), region));
  auto alone = std::make_shared<const KeySealer>(key, deployment, region);
  if (sealed_ring.empty()) return alone;
  ASSIGN_OR_RETURN(const RootRing ring, alone->OpenRing(sealed_ring));
  return Create(key, ring, deployment, region);
}

absl::StatusOr<KeySealer::Next> KeySealer::Succeed(const SecretBytes& next, SecretBytes present,
                                                   std::string_view sealed_ring) const {
  RootRing ring;
  if (sealed_ring.empty()) {
    ASSIGN_OR_RETURN(const RootKey key, RootKey::Create(present.Clone(), region_));
    ring.record_key = key.DeriveBytes(kRecordKeys);
  } else {
    ASSIGN_OR_RETURN(ring, OpenRing(sealed_ring));
  }
  ring.generation = generation_ + 1;
  ring.previous = std::move(present);
  ASSIGN_OR_RETURN(const RootKey root, RootKey::Create(next.Clone(), region_));
  Next made;
  ASSIGN_OR_RETURN(made.keys, Create(root, ring, deployment_, region_));
  made.ring = made.keys->SealRing(ring);
  return made;
}

std::shared_ptr<const KeySealer> KeySealer::WithoutOlder() const {
  std::shared_ptr<KeySealer> sealer(new KeySealer());
  sealer->deployment_ = deployment_;
  sealer->region_ = region_;
  sealer->generation_ = generation_;
  sealer->newest_ = newest_;
  sealer->record_keys_ = record_keys_;
  return sealer;
}

absl::StatusOr<std::string> KeySealer::RingWithoutOlder(std::string_view sealed_ring) const {
  ASSIGN_OR_RETURN(RootRing ring, OpenRing(sealed_ring));
  ring.previous = SecretBytes();
  return SealRing(ring);
}

std::string KeySealer::Place(std::string_view what, const AccountId& account, AccountEpoch epoch,
                             KeyVersion version) const {
  CanonicalWriter writer(1);
  writer.Bytes(16, what)
      .Bytes(17, deployment_)
      .Bytes(18, region_.name())
      .Bytes(19, account.bytes())
      .U32(20, epoch)
      .U32(21, version);
  return std::move(writer).Finish();
}

std::string KeySealer::PlaceOf(std::string_view what) const {
  CanonicalWriter writer(1);
  writer.Bytes(16, what).Bytes(17, deployment_).Bytes(18, region_.name());
  return std::move(writer).Finish();
}

absl::StatusOr<SecretBytes> KeySealer::OpenUnderEither(Kind kind, std::string_view sealed,
                                                       const std::string& place) const {
  absl::StatusOr<SecretBytes> opened = ((*newest_).*kind)->Open(sealed, place);
  return opened.ok() || older_ == nullptr ? std::move(opened)
                                          : ((*older_).*kind)->Open(sealed, place);
}

absl::StatusOr<std::optional<std::string>> KeySealer::Reseal(Kind kind, std::string_view sealed,
                                                             const std::string& place) const {
  const GcmSivKey& newest = *((*newest_).*kind);
  if (newest.Open(sealed, place).ok()) return std::nullopt;
  ASSIGN_OR_RETURN(const SecretBytes key, OpenUnderEither(kind, sealed, place));
  return newest.Seal(key, place);
}

std::string KeySealer::SealAccountKey(const AccountId& account, AccountEpoch epoch,
                                      KeyVersion version, const SecretBytes& key) const {
  return newest_->account_keys->Seal(key, Place(kAccountKeys, account, epoch, version));
}

absl::StatusOr<SecretBytes> KeySealer::OpenAccountKey(const AccountId& account, AccountEpoch epoch,
                                                      KeyVersion version,
                                                      std::string_view sealed) const {
  return OpenUnderEither(&Derived::account_keys, sealed,
                         Place(kAccountKeys, account, epoch, version));
}

absl::StatusOr<std::optional<std::string>> KeySealer::ResealAccountKey(
    const AccountId& account, AccountEpoch epoch, KeyVersion version,
    std::string_view sealed) const {
  return Reseal(&Derived::account_keys, sealed, Place(kAccountKeys, account, epoch, version));
}

std::string KeySealer::SealMetadataKey(const AccountId& account, AccountEpoch epoch,
                                       const SecretBytes& key) const {
  return newest_->metadata_keys->Seal(key, Place(kMetadataKeys, account, epoch, 0));
}

absl::StatusOr<SecretBytes> KeySealer::OpenMetadataKey(const AccountId& account, AccountEpoch epoch,
                                                       std::string_view sealed) const {
  return OpenUnderEither(&Derived::metadata_keys, sealed, Place(kMetadataKeys, account, epoch, 0));
}

absl::StatusOr<std::optional<std::string>> KeySealer::ResealMetadataKey(
    const AccountId& account, AccountEpoch epoch, std::string_view sealed) const {
  return Reseal(&Derived::metadata_keys, sealed, Place(kMetadataKeys, account, epoch, 0));
}

std::string KeySealer::Vouched(const AccountId& account,
                               const std::vector<std::string>& entries) const {
  CanonicalWriter writer(1);
  writer.Bytes(16, kDeviceChain)
      .Bytes(17, deployment_)
      .Bytes(18, region_.name())
      .Bytes(19, account.bytes())
      .List(20, entries);
  return std::move(writer).Finish();
}

std::string KeySealer::Vouch(const AccountId& account,
                             const std::vector<std::string>& entries) const {
  return HmacSha256(newest_->vouching_key, Vouched(account, entries));
}

bool KeySealer::Vouches(const AccountId& account, const std::vector<std::string>& entries,
                        std::string_view vouch) const {
  const std::string vouched = Vouched(account, entries);
  const auto holds = [&](const Derived& derived) {
    return ConstantTimeEquals(HmacSha256(derived.vouching_key, vouched), vouch);
  };
  return holds(*newest_) || (older_ != nullptr && holds(*older_));
}

std::string KeySealer::SealBackupKey(const SecretBytes& key) const {
  return newest_->backup->Seal(key, PlaceOf(kBackup));
}

absl::StatusOr<SecretBytes> KeySealer::OpenBackupKey(std::string_view sealed) const {
  return OpenUnderEither(&Derived::backup, sealed, PlaceOf(kBackup));
}

std::string KeySealer::SealRecordKey(const SecretBytes& key) const {
  return record_keys_->Seal(key, PlaceOf(kRecordKeys));
}

absl::StatusOr<SecretBytes> KeySealer::OpenRecordKey(std::string_view sealed) const {
  return record_keys_->Open(sealed, PlaceOf(kRecordKeys));
}

std::string KeySealer::SealRing(const RootRing& ring) const {
  return newest_->ring->Seal(EncodeRing(ring), PlaceOf(kRing));
}

absl::StatusOr<RootRing> KeySealer::OpenRing(std::string_view sealed) const {
  ASSIGN_OR_RETURN(const SecretBytes bytes, newest_->ring->Open(sealed, PlaceOf(kRing)));
  return DecodeRing(bytes);
}

}  // namespace comity::custody
