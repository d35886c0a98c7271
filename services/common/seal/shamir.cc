#include "services/common/seal/shamir.h"

#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr unsigned kModulus = 0x1b;  // x^8 = x^4 + x^3 + x + 1

// Adds factor * from to `into`, byte by byte.
void AddMultiple(std::span<uint8_t> into, std::span<const uint8_t> from, uint8_t factor) {
  for (size_t i = 0; i < into.size(); ++i) {
    into[i] = static_cast<uint8_t>(into[i] ^ FieldMultiply(from[i], factor));
  }
}

absl::Status CheckShares(std::span<const ShamirShare> shares) {
  if (shares.empty() || shares.front().value.empty()) {
    return Refuse(Reason::kFieldInvalid, "no shares");
  }
  for (size_t i = 0; i < shares.size(); ++i) {
    if (shares[i].index == 0) {
      return Refuse(Reason::kFieldInvalid, "a share of index 0 would be the secret");
    }
    if (shares[i].value.size() != shares.front().value.size()) {
      return Refuse(Reason::kFieldInvalid, "shares of different lengths");
    }
    for (size_t j = 0; j < i; ++j) {
      if (shares[i].index == shares[j].index) {
        return Refuse(Reason::kFieldInvalid, "two shares of one index");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

uint8_t FieldMultiply(uint8_t a, uint8_t b) {
  unsigned x = a;
  unsigned y = b;
  unsigned product = 0;
  for (int bit = 0; bit < 8; ++bit) {
    product ^= x & (0U - (y & 1U));
    const unsigned carry = 0U - (x >> 7);
    x = ((x << 1) & 0xffU) ^ (kModulus & carry);
    y >>= 1;
  }
  return static_cast<uint8_t>(product);
}

uint8_t FieldInverse(uint8_t a) {
  // a^254 = a^(2 + 4 + 8 + 16 + 32 + 64 + 128), the same steps for every a.
  uint8_t square = a;
  uint8_t result = 1;
  for (int i = 0; i < 7; ++i) {
    square = FieldMultiply(square, square);
    result = FieldMultiply(result, square);
  }
  return result;
}

absl::StatusOr<std::vector<ShamirShare>> SplitSecretWith(const SecretBytes& secret,
                                                         std::span<const SecretBytes> coefficients,
                                                         size_t count) {
  if (secret.empty() || coefficients.empty() || count <= coefficients.size() ||
      count > kMaxShares) {
    return Refuse(Reason::kFieldInvalid, "2 <= threshold <= shares <= 16, of a secret");
  }
  for (const SecretBytes& coefficient : coefficients) {
    if (coefficient.size() != secret.size()) {
      return Refuse(Reason::kFieldInvalid, "a coefficient of another length");
    }
  }
  std::vector<ShamirShare> shares;
  for (size_t i = 1; i <= count; ++i) {
    const auto x = static_cast<uint8_t>(i);
    ShamirShare share{x, secret.Clone()};
    uint8_t power = 1;
    for (const SecretBytes& coefficient : coefficients) {
      power = FieldMultiply(power, x);
      AddMultiple(share.value.RevealMutable(RevealKey::ForCrypto()),
                  coefficient.Reveal(RevealKey::ForCrypto()), power);
    }
    shares.push_back(std::move(share));
  }
  return shares;
}

absl::StatusOr<std::vector<ShamirShare>> SplitSecret(const SecretBytes& secret, size_t threshold,
                                                     size_t count) {
  if (threshold < 2 || threshold > count) {
    return Refuse(Reason::kFieldInvalid, "2 <= threshold <= shares <= 16, of a secret");
  }
  // The highest coefficient too may have zero bytes: without them, threshold - 1 shares would rule
  // out one value of each secret byte.
  std::vector<SecretBytes> coefficients;
  for (size_t i = 1; i < threshold; ++i) {
    coefficients.push_back(RandomSecret(secret.size()));
  }
  return SplitSecretWith(secret, coefficients, count);
}

absl::StatusOr<SecretBytes> InterpolateShares(std::span<const ShamirShare> shares, uint8_t index) {
  RETURN_IF_ERROR(CheckShares(shares));
  SecretBytes result(shares.front().value.size());
  for (const ShamirShare& share : shares) {
    // Lagrange, from public indices alone. Subtraction in this field is addition is xor.
    uint8_t above = 1;
    uint8_t below = 1;
    for (const ShamirShare& other : shares) {
      if (&other != &share) {
        above = FieldMultiply(above, static_cast<uint8_t>(index ^ other.index));
        below = FieldMultiply(below, static_cast<uint8_t>(share.index ^ other.index));
      }
    }
    AddMultiple(result.RevealMutable(RevealKey::ForCrypto()),
                share.value.Reveal(RevealKey::ForCrypto()),
                FieldMultiply(above, FieldInverse(below)));
  }
  return result;
}

}  // namespace comity
