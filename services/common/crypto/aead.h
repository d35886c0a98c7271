#ifndef COMITY_COMMON_CRYPTO_AEAD_H_
#define COMITY_COMMON_CRYPTO_AEAD_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

namespace comity {

inline constexpr size_t kAeadKeySize = 32;
inline constexpr size_t kAeadNonceSize = 12;
inline constexpr size_t kAeadTagSize = 16;

// A ready-to-use AES-256-GCM-SIV key (RFC 8452): the key schedule is computed once. Immutable and
// thread-safe after Create(). Sealed form: nonce (12, random) || ciphertext || tag (16).
class GcmSivKey final {
 public:
  // FIELD_INVALID unless `key` has 32 bytes.
  static absl::StatusOr<std::unique_ptr<GcmSivKey>> Create(const SecretBytes& key);
  ~GcmSivKey();
  GcmSivKey(const GcmSivKey&) = delete;
  GcmSivKey& operator=(const GcmSivKey&) = delete;

  std::string Seal(const SecretBytes& plaintext, std::string_view associated_data) const;
  // For bytes that are no key, which need no place in the arena.
  std::string SealText(std::string_view plaintext, std::string_view associated_data) const;
  // DATA_CORRUPT for any failure, always with the same text.
  absl::StatusOr<SecretBytes> Open(std::string_view sealed, std::string_view associated_data) const;
  absl::StatusOr<std::string> OpenText(std::string_view sealed,
                                       std::string_view associated_data) const;

 private:
  GcmSivKey();
  struct State;
  std::unique_ptr<State> state_;
};

// One-shot AES-256-GCM with a caller-chosen 12-byte nonce, which must never repeat under one key.
std::string GcmSeal(const SecretBytes& key, std::string_view nonce, std::string_view plaintext,
                    std::string_view associated_data);
absl::StatusOr<SecretBytes> GcmOpen(const SecretBytes& key, std::string_view nonce,
                                    std::string_view ciphertext, std::string_view associated_data);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_AEAD_H_
