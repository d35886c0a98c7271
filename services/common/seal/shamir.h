#ifndef COMITY_COMMON_SEAL_SHAMIR_H_
#define COMITY_COMMON_SEAL_SHAMIR_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

// A. Shamir, "How to share a secret" (CACM 22(11), 1979), byte by byte over GF(2^8) with the
// modulus x^8 + x^4 + x^3 + x + 1. A secret is the value at 0 of a random polynomial of degree
// threshold - 1; a share is its value at 1, 2, …. Fewer than `threshold` shares say nothing about
// the secret. Arithmetic is masked shifts: neither branches nor addresses depend on secret bytes;
// numbers of shares and their indices are public.
namespace comity {

inline constexpr size_t kMaxShares = 16;  // nobody calls more people together than this

struct ShamirShare {
  uint8_t index = 0;  // from 1
  SecretBytes value;  // as long as the secret
};

// Product and inverse in the field; the inverse of 0 is 0.
uint8_t FieldMultiply(uint8_t a, uint8_t b);
uint8_t FieldInverse(uint8_t a);

// Shares 1 to `count` of a secret, any `threshold` of which give it back. FIELD_INVALID unless
// 2 <= threshold <= count <= kMaxShares and the secret has at least one byte.
absl::StatusOr<std::vector<ShamirShare>> SplitSecret(const SecretBytes& secret, size_t threshold,
                                                     size_t count);
// The same with coefficients that are given instead of drawn: threshold - 1 of them, those of x, of
// x^2, …, each as long as the secret. For vectors: who knows them knows the secret.
absl::StatusOr<std::vector<ShamirShare>> SplitSecretWith(const SecretBytes& secret,
                                                         std::span<const SecretBytes> coefficients,
                                                         size_t count);

// The value at `index` of the polynomial of lowest degree through the shares; at 0 that is the
// secret if they are as many as the threshold. Too few or wrong shares give some other bytes: who
// combines checks the result. FIELD_INVALID for no shares, for values of different lengths, and for
// an index of 0 or one that stands twice.
absl::StatusOr<SecretBytes> InterpolateShares(std::span<const ShamirShare> shares, uint8_t index);
inline absl::StatusOr<SecretBytes> CombineShares(std::span<const ShamirShare> shares) {
  return InterpolateShares(shares, 0);
}

}  // namespace comity

#endif  // COMITY_COMMON_SEAL_SHAMIR_H_
