#ifndef COMITY_COMMON_STATEMENT_WRAPPED_KEY_NAME_H_
#define COMITY_COMMON_STATEMENT_WRAPPED_KEY_NAME_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"

// The wrapped data key (docs/formats.md), as far as whoever cannot open it can read it:
//   u8 format 1 || u8 algorithm 1 (AES-256-GCM-SIV) || account (20) || u32 key version
//   || nonce (12) || ciphertext (32) || tag (16)
// Another format or algorithm number is refused.
namespace comity {

inline constexpr size_t kDataKeySize = 32;
inline constexpr size_t kWrappedKeyPrefixSize = 2 + AccountId::kSize + sizeof(KeyVersion);
inline constexpr size_t kWrappedKeySize =
    kWrappedKeyPrefixSize + kAeadNonceSize + kDataKeySize + kAeadTagSize;
static_assert(kWrappedKeySize == 86);

// Which key a wrap says it is under. Nothing is verified.
struct WrappedKeyName {
  AccountId account;
  KeyVersion version = 0;
};
// DATA_CORRUPT for anything that is not exactly of the form above.
absl::StatusOr<WrappedKeyName> ParseWrappedKey(std::string_view wrapped);
// What such a wrap begins with.
std::string WrappedKeyPrefix(const WrappedKeyName& name);

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_WRAPPED_KEY_NAME_H_
