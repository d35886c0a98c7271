#ifndef COMITY_COMMON_CRYPTO_PEM_H_
#define COMITY_COMMON_CRYPTO_PEM_H_

#include <optional>
#include <span>
#include <string_view>

#include "services/common/secret/secret.h"

// Internal to services/common/crypto. PEM (RFC 7468) of which every intermediate copy is wiped:
// BoringSSL's own reader leaves lines of a private key on the stack.
namespace comity {

// The bytes of `text`, which must be one block with this label and, around and inside it, only
// white space.
std::optional<SecretBytes> DecodePem(std::string_view label, std::string_view text);
// With lines of 64 letters.
SecretBytes EncodePem(std::string_view label, std::span<const uint8_t> der);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_PEM_H_
