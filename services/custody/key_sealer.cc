#include "services/custody/key_sealer.h"

#include <utility>

#include "services/common/encoding/canonical.h"

namespace comity::custody {
namespace {

// Purposes of derived keys and, so that a change of one cannot weaken the other, the names inside
// the associated data.
constexpr std::string_view kAccountKeys = "account-key";
constexpr std::string_view kMetadataKeys = "metadata-key";
constexpr std::string_view kRecordKeys = "review-record";

}  // namespace

KeySealer::KeySealer(const RootKey& root, std::string deployment, RegionId region)
    : deployment_(std::move(deployment)),
      region_(std::move(region)),
      account_keys_(root.Derive(kAccountKeys)),
      metadata_keys_(root.Derive(kMetadataKeys)),
      record_keys_(root.Derive(kRecordKeys)) {}

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

std::string KeySealer::RecordPlace() const {
  CanonicalWriter writer(1);
  writer.Bytes(16, kRecordKeys).Bytes(17, deployment_).Bytes(18, region_.name());
  return std::move(writer).Finish();
}

std::string KeySealer::SealAccountKey(const AccountId& account, AccountEpoch epoch,
                                      KeyVersion version, const SecretBytes& key) const {
  return account_keys_->Seal(key, Place(kAccountKeys, account, epoch, version));
}

absl::StatusOr<SecretBytes> KeySealer::OpenAccountKey(const AccountId& account, AccountEpoch epoch,
                                                      KeyVersion version,
                                                      std::string_view sealed) const {
  return account_keys_->Open(sealed, Place(kAccountKeys, account, epoch, version));
}

std::string KeySealer::SealMetadataKey(const AccountId& account, AccountEpoch epoch,
                                       const SecretBytes& key) const {
  return metadata_keys_->Seal(key, Place(kMetadataKeys, account, epoch, 0));
}

absl::StatusOr<SecretBytes> KeySealer::OpenMetadataKey(const AccountId& account, AccountEpoch epoch,
                                                       std::string_view sealed) const {
  return metadata_keys_->Open(sealed, Place(kMetadataKeys, account, epoch, 0));
}

std::string KeySealer::SealRecordKey(const SecretBytes& key) const {
  return record_keys_->Seal(key, RecordPlace());
}

absl::StatusOr<SecretBytes> KeySealer::OpenRecordKey(std::string_view sealed) const {
  return record_keys_->Open(sealed, RecordPlace());
}

}  // namespace comity::custody
