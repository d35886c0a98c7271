#ifndef COMITY_COMMON_BACKUP_BACKUP_CIPHER_H_
#define COMITY_COMMON_BACKUP_BACKUP_CIPHER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

namespace comity {

inline constexpr size_t kBackupKeySize = 32;

// What a partition of a backup was made of.
enum class BackupKind : uint8_t {
  kRecords = 1,   // a partition of the record store
  kAudit = 2,     // blocks of the audit log
  kIdentity = 3,  // files of the service's identity
};
bool IsValid(BackupKind kind);

// One record, and where it belongs.
struct BackupItem {
  BackupKind kind = BackupKind::kRecords;
  std::string partition;
  std::string key;  // empty: the version of the partition, 8 bytes
  std::string value;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.kind), io(17, b.partition), io(18, b.key), io(19, b.value);
  }
};

std::string EncodeBackupItem(const BackupItem& item);
absl::StatusOr<BackupItem> DecodeBackupItem(std::string_view bytes);  // DATA_CORRUPT

// Hides what a backup holds from whoever holds it: names and values of records, not how many there
// are or how long (docs/formats-store.md). Under one key, 32 random bytes: names become
// HMAC-SHA256 of themselves under a key derived from it, and a record rests, with its names,
// under another one by AES-256-GCM-SIV (RFC 8452), bound to the place where it lies. Immutable,
// thread-safe.
class BackupCipher final {
 public:
  // FIELD_INVALID unless `key` has kBackupKeySize bytes.
  static absl::StatusOr<BackupCipher> Create(const SecretBytes& key);

  // By which a backup is known: tells nothing of the key.
  const Digest& id() const { return id_; }
  std::string PartitionName(BackupKind kind, std::string_view partition) const;  // 32 bytes
  // 32 bytes; for the empty key, that of the version, the seven of "version".
  std::string RecordName(const std::string& partition_name, std::string_view key) const;
  std::string Seal(const BackupItem& item, const std::string& partition_name,
                   const std::string& record_name) const;
  // DATA_CORRUPT unless it was sealed for this place, and its names give it.
  absl::StatusOr<BackupItem> Open(std::string_view sealed, const std::string& partition_name,
                                  const std::string& record_name) const;

 private:
  BackupCipher() = default;
  Digest id_;
  SecretBytes names_;
  std::unique_ptr<GcmSivKey> values_;
};

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_BACKUP_CIPHER_H_
