#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/backup/backup_cipher.h"
#include "services/common/backup/backup_head.h"
#include "services/common/status/check.h"

// What lies in the folder of a backup: the records of its head, which are in the clear, and what is
// under the encryption. The first byte says which.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  BackupHead head;
  switch (data[0] % 5) {
    case 0:
      if (const absl::StatusOr<BackupOwner> owner = DecodeBackupOwner(input); owner.ok()) {
        COMITY_CHECK(EncodeBackupOwner(*owner) == input);
      }
      break;
    case 1:
      if (DecodeHeadRecord("complete", std::string(input), head).ok()) {
        COMITY_CHECK(head.complete > 0);
      }
      break;
    case 2:
      if (DecodeHeadRecord("key/00000001", std::string(input), head).ok()) {
        COMITY_CHECK(head.keys.size() == 1 && head.keys.contains(1));
      }
      break;
    case 3:
      if (DecodeHeadRecord(std::string(input), "value", head).ok()) {
        COMITY_CHECK(head.files.size() + (head.in_step.empty() ? 0 : 1) == 1);
      }
      break;
    default:
      if (const absl::StatusOr<BackupItem> item = DecodeBackupItem(input); item.ok()) {
        COMITY_CHECK(EncodeBackupItem(*item) == input);
      }
      break;
  }
  return 0;
}
