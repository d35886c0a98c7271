#ifndef COMITY_CUSTODY_KEY_EXPORT_H_
#define COMITY_CUSTODY_KEY_EXPORT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/custody/account.h"

// What crosses a border when a key moves: HPKE to the destination's transport key, of
//   canonical v1 {16 versions: (u32 version || u64 created || key 32) each,
//                 17 metadata private key, 18 metadata public key,
//                 19 what the owner has said: (u32 version || u64 destroy_at or 0) for each that is
//                    disabled, 20 u32 min_unwrap_version, 21 u32 rotation_days}
// of which 19 to 21 are there only where they say something
// (docs/formats-custody.md). Wraps name no place, so nothing else has to change hands.
namespace comity::custody {

inline constexpr size_t kMaxExportedVersions = 64;
inline constexpr size_t kMaxSealedKeys = 64 << 10;

struct ExportedKeys {
  struct Version {
    KeyVersion version = 0;
    UnixMillis created = 0;
    SecretBytes key;
    OwnersWord word;
  };
  std::vector<Version> versions;  // ascending, 1 to kMaxExportedVersions
  SecretBytes metadata_private_key;
  std::string metadata_public_key;
  KeyVersion min_unwrap_version = 1;
  uint32_t rotation_days = 0;
};

// What the sealing is bound to: nothing of one move opens as part of another.
struct ExportPlace {
  std::string deployment;
  RegionId source;
  RegionId destination;
  AccountId account;
  AccountEpoch epoch = 0;
  Digest consent;
};

// FIELD_INVALID for a bad transport key.
absl::StatusOr<std::string> SealExport(std::string_view transport_key, const ExportPlace& place,
                                       const ExportedKeys& keys);
// DATA_CORRUPT unless all of it opens, decodes exactly, and the metadata key pair is a pair.
absl::StatusOr<ExportedKeys> OpenExport(const SecretBytes& transport_private_key,
                                        const ExportPlace& place, std::string_view sealed);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_EXPORT_H_
