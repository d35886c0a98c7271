#include "services/common/backup/backup_cipher.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/encoding/canonical.h"
#include "services/common/statement/fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kSalt = "comity backup v1";

SecretBytes Derive(const SecretBytes& key, std::string_view purpose) {
  return HkdfSha256(key, kSalt, purpose, kAeadKeySize);
}

}  // namespace

bool IsValid(BackupKind kind) {
  return kind == BackupKind::kRecords || kind == BackupKind::kAudit ||
         kind == BackupKind::kIdentity;
}

std::string EncodeBackupItem(const BackupItem& item) { return EncodeRecord(item); }

absl::StatusOr<BackupItem> DecodeBackupItem(std::string_view bytes) {
  absl::StatusOr<BackupItem> item = DecodeRecord<BackupItem>(bytes);
  return item.ok() ? std::move(item)
                   : Refuse(Reason::kDataCorrupt, "a record of the backup does not decode");
}

absl::StatusOr<BackupCipher> BackupCipher::Create(const SecretBytes& key) {
  if (key.size() != kBackupKeySize) {
    return Refuse(Reason::kFieldInvalid, "the key of a backup has 32 bytes");
  }
  BackupCipher cipher;
  cipher.names_ = Derive(key, "names");
  ASSIGN_OR_RETURN(cipher.values_, GcmSivKey::Create(Derive(key, "values")));
  ASSIGN_OR_RETURN(cipher.id_, Digest::FromBytes(HmacSha256(Derive(key, "id"), kSalt)));
  return cipher;
}

std::string BackupCipher::PartitionName(BackupKind kind, std::string_view partition) const {
  CanonicalWriter writer(1);
  writer.U8(16, static_cast<uint8_t>(kind)).Bytes(17, partition);
  return HmacSha256(names_, std::move(writer).Finish());
}

std::string BackupCipher::RecordName(const std::string& partition_name,
                                     std::string_view key) const {
  if (key.empty()) return "version";
  CanonicalWriter writer(1);
  writer.Bytes(17, partition_name).Bytes(18, key);
  return HmacSha256(names_, std::move(writer).Finish());
}

std::string BackupCipher::Seal(const BackupItem& item, const std::string& partition_name,
                               const std::string& record_name) const {
  return values_->SealText(EncodeBackupItem(item), partition_name + record_name);
}

absl::StatusOr<BackupItem> BackupCipher::Open(std::string_view sealed,
                                              const std::string& partition_name,
                                              const std::string& record_name) const {
  ASSIGN_OR_RETURN(const std::string bytes,
                   values_->OpenText(sealed, partition_name + record_name));
  ASSIGN_OR_RETURN(BackupItem item, DecodeBackupItem(bytes));
  if (PartitionName(item.kind, item.partition) != partition_name ||
      RecordName(partition_name, item.key) != record_name) {
    return Refuse(Reason::kDataCorrupt, "a record of the backup is not what belongs there");
  }
  return item;
}

}  // namespace comity
