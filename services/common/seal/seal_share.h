#ifndef COMITY_COMMON_SEAL_SEAL_SHARE_H_
#define COMITY_COMMON_SEAL_SEAL_SHARE_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

namespace comity {

inline constexpr size_t kSealedRootSize = 32;
inline constexpr size_t kSealShareSize = 1 + SealSetId::kSize + 1 + kSealedRootSize;

// One person's share of a custody's root key. Its bytes, in order: format 1 (u8), set (16), index
// (u8, from 1), value (32). On paper and in files: "comity-share-v1 ", the bytes as lower-case hex,
// LF (docs/formats-custody.md). Move-only.
struct SealShare {
  SealSetId set;
  uint8_t index = 0;
  SecretBytes value;  // kSealedRootSize bytes
};

SecretBytes EncodeSealShare(const SealShare& share);
// SHARE_INVALID for anything that EncodeSealShare() does not write.
absl::StatusOr<SealShare> DecodeSealShare(const SecretBytes& bytes);

// Both without tables or branches on the digits of the value.
SecretBytes FormatSealShare(const SealShare& share);
// White space around the line is forgiven: people type and paste it. SHARE_INVALID.
absl::StatusOr<SealShare> ParseSealShare(const SecretBytes& text);

}  // namespace comity

#endif  // COMITY_COMMON_SEAL_SEAL_SHARE_H_
