#ifndef COMITY_CUSTODY_WRAPPED_KEY_H_
#define COMITY_CUSTODY_WRAPPED_KEY_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/custody/key_context.h"

// The wrapped data key (docs/formats.md):
//   u8 format 1 || u8 algorithm 1 (AES-256-GCM-SIV) || account (20) || u32 key version
//   || nonce (12) || ciphertext (32) || tag (16)
// Associated data: those first 26 bytes, then the context's canonical record. Another format or
// algorithm number is refused.
namespace comity::custody {

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

// `data_key` has kDataKeySize bytes (CHECK).
std::string WrapDataKey(const GcmSivKey& key, const AccountId& account, KeyVersion version,
                        const KeyContext& context, const SecretBytes& data_key);
// `wrapped` parses and names this account. DATA_CORRUPT for every failure to open.
absl::StatusOr<SecretBytes> OpenWrappedKey(const GcmSivKey& key, const AccountId& account,
                                           const KeyContext& context, std::string_view wrapped);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_WRAPPED_KEY_H_
