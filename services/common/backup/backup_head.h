#ifndef COMITY_COMMON_BACKUP_BACKUP_HEAD_H_
#define COMITY_COMMON_BACKUP_BACKUP_HEAD_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"
#include "services/common/store/record_store.h"

namespace comity {

inline constexpr std::string_view kBackupHeadPartition = "head";

// Whose backup it is.
struct BackupOwner {
  std::string deployment;
  RegionId region;
  ServiceKind kind = ServiceKind::kCustody;
  Digest id;             // BackupCipher::id() of the key that opens it
  UnixMillis began = 0;  // when it was begun
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.deployment), io(17, b.region), io(18, b.kind), io(19, b.id), io(20, b.began);
  }
};
std::string EncodeBackupOwner(const BackupOwner& owner);
// DATA_CORRUPT.
absl::StatusOr<BackupOwner> DecodeBackupOwner(std::string_view bytes);

// What of a backup can be read without its key: partition `head` of its records.
struct BackupHead {
  BackupOwner owner;
  // Since when it has been whole: from then on everything that the service acknowledges is in it
  // first. 0: the first copy has not come to its end.
  UnixMillis complete = 0;
  std::string in_step;                       // see Backup::Close(); empty: none
  std::map<uint32_t, std::string> keys;      // the backup's key, sealed, by generation of the root
  std::map<std::string, std::string> files;  // what is needed to open these: what guards the root
};
// One record of it, as it lies there, into `head`. DATA_CORRUPT.
absl::Status DecodeHeadRecord(const std::string& key, const std::string& value, BackupHead& head);
// nullopt when there is no backup. STORE_UNAVAILABLE, DATA_CORRUPT.
absl::StatusOr<std::optional<BackupHead>> ReadBackupHead(RecordStore& store);

// Changes to it, each durable when it returns.
absl::Status BeginBackupHead(RecordStore& store, const BackupOwner& owner);
absl::Status CompleteBackupHead(RecordStore& store, UnixMillis now);
absl::Status PutBackupInStep(RecordStore& store, const std::string& token);
absl::Status PutBackupKey(RecordStore& store, uint32_t generation, const std::string& sealed);
absl::Status DropBackupKeysBefore(RecordStore& store, uint32_t generation);
absl::Status PutBackupFile(RecordStore& store, const std::string& name, const std::string& bytes);

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_BACKUP_HEAD_H_
