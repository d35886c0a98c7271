#include "services/common/seal/shamir.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::SizeIs;

SecretBytes Secret(std::string_view bytes) { return SecretBytes::CopyOf(bytes); }
std::string Bytes(const SecretBytes& secret) {
  return std::string(secret.RevealView(RevealKey::ForTest()));
}

// The schoolbook product: multiply the polynomials, then reduce.
uint8_t SlowProduct(unsigned a, unsigned b) {
  unsigned product = 0;
  for (unsigned i = 0; i < 8; ++i) {
    if ((b >> i & 1U) != 0) product ^= a << i;
  }
  for (unsigned i = 15; i >= 8; --i) {
    if ((product >> i & 1U) != 0) product ^= 0x11bU << (i - 8);
  }
  return static_cast<uint8_t>(product);
}

TEST(FieldTest, EveryProductIsTheOneOfTheDefinition) {
  for (unsigned a = 0; a < 256; ++a) {
    for (unsigned b = 0; b < 256; ++b) {
      ASSERT_EQ(FieldMultiply(static_cast<uint8_t>(a), static_cast<uint8_t>(b)), SlowProduct(a, b))
          << a << " * " << b;
    }
  }
}

TEST(FieldTest, EveryElementButZeroHasItsInverse) {
  for (unsigned a = 1; a < 256; ++a) {
    const auto element = static_cast<uint8_t>(a);
    ASSERT_EQ(FieldMultiply(element, FieldInverse(element)), 1) << a;
  }
  EXPECT_EQ(FieldInverse(0), 0);
}

TEST(ShamirTest, GoldenSharesAreMadeAndCombined) {
  const GoldenVectors golden = GoldenVectors::Load("seal.txt");
  const SecretBytes secret = Secret(golden.at("secret"));
  std::vector<SecretBytes> coefficients;
  coefficients.push_back(Secret(golden.at("coefficient_1")));
  coefficients.push_back(Secret(golden.at("coefficient_2")));
  ASSERT_OK_AND_ASSIGN(std::vector<ShamirShare> shares, SplitSecretWith(secret, coefficients, 5));
  ASSERT_THAT(shares, SizeIs(5));
  for (const ShamirShare& share : shares) {
    EXPECT_EQ(Bytes(share.value), golden.at("share_" + std::to_string(share.index)));
  }
  shares.erase(shares.begin() + 1);
  shares.erase(shares.begin() + 2);
  ASSERT_OK_AND_ASSIGN(const SecretBytes combined, CombineShares(shares));  // 1, 3, 5
  EXPECT_EQ(Bytes(combined), golden.at("secret"));
}

TEST(ShamirTest, TwoSplitsOfOneSecretShareNothing) {
  const SecretBytes secret = RandomSecret(32);
  ASSERT_OK_AND_ASSIGN(const std::vector<ShamirShare> one, SplitSecret(secret, 2, 3));
  ASSERT_OK_AND_ASSIGN(const std::vector<ShamirShare> other, SplitSecret(secret, 2, 3));
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_NE(Bytes(one[i].value), Bytes(other[i].value));
    EXPECT_NE(Bytes(one[i].value), Bytes(secret));
  }
}

TEST(ShamirTest, ImpossibleThresholdsAreRefused) {
  const SecretBytes secret = RandomSecret(32);
  EXPECT_THAT(SplitSecret(secret, 0, 3), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(SplitSecret(secret, 1, 3), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(SplitSecret(secret, 4, 3), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(SplitSecret(secret, 2, kMaxShares + 1), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(SplitSecret(SecretBytes(), 2, 3), RefusedWith(Reason::kFieldInvalid));
}

TEST(ShamirTest, CoefficientOfAnotherLengthIsRefused) {
  std::vector<SecretBytes> coefficients;
  coefficients.push_back(RandomSecret(31));
  EXPECT_THAT(SplitSecretWith(RandomSecret(32), coefficients, 3),
              RefusedWith(Reason::kFieldInvalid));
}

TEST(ShamirTest, SharesThatCannotBelongTogetherAreRefused) {
  EXPECT_THAT(CombineShares({}), RefusedWith(Reason::kFieldInvalid));
  std::vector<ShamirShare> shares;
  shares.push_back({1, RandomSecret(32)});
  shares.push_back({1, RandomSecret(32)});
  EXPECT_THAT(CombineShares(shares), RefusedWith(Reason::kFieldInvalid));
  shares[1] = {0, RandomSecret(32)};
  EXPECT_THAT(CombineShares(shares), RefusedWith(Reason::kFieldInvalid));
  shares[1] = {2, RandomSecret(31)};
  EXPECT_THAT(CombineShares(shares), RefusedWith(Reason::kFieldInvalid));
  shares[1] = {2, RandomSecret(32)};
  EXPECT_THAT(CombineShares(shares), IsOk());
}

}  // namespace
}  // namespace comity
