#ifndef COMITY_COMMON_CRYPTO_DIGEST_H_
#define COMITY_COMMON_CRYPTO_DIGEST_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

namespace comity {

std::string Sha256(std::string_view data);  // 32 raw bytes
inline Digest Sha256Digest(std::string_view data) { return *Digest::FromBytes(Sha256(data)); }

// Streaming SHA-256 for bulk data. Move-only, not thread-safe.
class Sha256Hasher final {
 public:
  static constexpr size_t kBlockSize = 64;

  Sha256Hasher();
  Sha256Hasher(Sha256Hasher&&) noexcept;
  Sha256Hasher& operator=(Sha256Hasher&&) noexcept;
  ~Sha256Hasher();
  void Update(std::string_view data);
  Digest Finish() &&;

  // The hash value after whole blocks (FIPS 180-4, 6.2.2: H(i)), from which hashing goes on as if
  // it had never stopped: so a part of a message can be checked against the values before and after
  // it, and one pass gives both these and the digest of all. No digest of what was hashed so far.
  // COMITY_CHECK: a multiple of kBlockSize bytes came before.
  Digest Intermediate() const;
  static Sha256Hasher Resume(const Digest& intermediate, uint64_t bytes_before);

 private:
  struct State;
  State* state_;
};

std::string HmacSha256(const SecretBytes& key, std::string_view data);
// RFC 5869 extract-and-expand. `size` <= 8160.
SecretBytes HkdfSha256(const SecretBytes& key, std::string_view salt, std::string_view info,
                       size_t size);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_DIGEST_H_
