#ifndef COMITY_COMMON_CRYPTO_RANDOM_H_
#define COMITY_COMMON_CRYPTO_RANDOM_H_

#include <cstddef>
#include <string>

#include "services/common/secret/secret.h"

namespace comity {

std::string RandomBytes(size_t size);   // public values: nonces, ids, salts
SecretBytes RandomSecret(size_t size);  // keys

// A random FixedId (ids.h), e.g. RandomId<ContentId>().
template <typename Id>
Id RandomId() {
  return *Id::FromBytes(RandomBytes(Id::kSize));
}

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_RANDOM_H_
