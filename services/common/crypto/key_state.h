#ifndef COMITY_COMMON_CRYPTO_KEY_STATE_H_
#define COMITY_COMMON_CRYPTO_KEY_STATE_H_

#include <memory>
#include <optional>

#include "services/common/crypto/signing.h"

// Internal to services/common/crypto: what a PrivateKey holds, for the sources that sign with it.
struct evp_pkey_st;  // BoringSSL's EVP_PKEY; its headers stay in .cc files

namespace comity {

struct PrivateKey::State {
  struct Deleter {
    void operator()(evp_pkey_st* pointer) const;
  };
  using Pointer = std::unique_ptr<evp_pkey_st, Deleter>;

  // Takes the key and computes its public half.
  void Adopt(Pointer adopted);

  Pointer key;
  std::optional<PublicKey> public_key;
};

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_KEY_STATE_H_
