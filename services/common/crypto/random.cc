#include "services/common/crypto/random.h"

#include <openssl/rand.h>

#include "services/common/crypto/bytes.h"
#include "services/common/status/check.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  COMITY_CHECK(RAND_bytes(AsMutableBytes(bytes), size) == 1);
  return bytes;
}

SecretBytes RandomSecret(size_t size) {
  SecretBytes secret(size);
  COMITY_CHECK(RAND_bytes(secret.RevealMutable(RevealKey::ForCrypto()).data(), size) == 1);
  return secret;
}

}  // namespace comity
