#ifndef COMITY_COMMON_CRYPTO_HPKE_H_
#define COMITY_COMMON_CRYPTO_HPKE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

namespace comity {

inline constexpr size_t kX25519KeySize = 32;

struct X25519KeyPair {
  std::string public_key;   // 32 bytes
  SecretBytes private_key;  // 32 bytes
};
X25519KeyPair GenerateX25519();

// RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message.
// Sealed form: enc (32) || ciphertext || tag (16). FIELD_INVALID for a bad public key.
absl::StatusOr<std::string> HpkeSeal(std::string_view recipient_public_key, std::string_view info,
                                     std::string_view associated_data,
                                     const SecretBytes& plaintext);
// DATA_CORRUPT for any failure.
absl::StatusOr<SecretBytes> HpkeOpen(const SecretBytes& private_key, std::string_view info,
                                     std::string_view associated_data, std::string_view sealed);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_HPKE_H_
