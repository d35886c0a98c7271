#ifndef COMITY_COMMON_CRYPTO_EDWARDS_POINT_H_
#define COMITY_COMMON_CRYPTO_EDWARDS_POINT_H_

#include <string_view>

namespace comity {

// Internal to services/common/crypto. Are these 32 bytes the one encoding (RFC 8032, 5.1.3) of a
// point of edwards25519 that is not of small order? A key of small order accepts signatures that
// nobody made. For public keys only: not constant time.
bool IsEd25519PublicPoint(std::string_view bytes);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_EDWARDS_POINT_H_
