#include "services/common/crypto/edwards_point.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/signing.h"
#include "tests/testing/hex.h"

namespace comity {
namespace {

constexpr size_t kSpkiPrefix = 12;

std::string WithSignBit(std::string bytes) {
  bytes[31] = static_cast<char>(bytes[31] ^ 0x80);
  return bytes;
}

TEST(EdwardsPointTest, KeysThatWereGeneratedAreAccepted) {
  for (int i = 0; i < 50; ++i) {
    const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
    const std::string raw = key.public_key().spki().substr(kSpkiPrefix);
    EXPECT_TRUE(IsEd25519PublicPoint(raw)) << ToHex(raw);
    EXPECT_TRUE(IsEd25519PublicPoint(WithSignBit(raw)));  // the negative of a point is a point
  }
}

TEST(EdwardsPointTest, BasePointIsAccepted) {
  EXPECT_TRUE(IsEd25519PublicPoint(
      FromHex("5866666666666666666666666666666666666666666666666666666666666666")));
}

TEST(EdwardsPointTest, PointsOfSmallOrderAreRefused) {
  for (const char* hex : {
           "0100000000000000000000000000000000000000000000000000000000000000",  // order 1
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",  // order 2
           "0000000000000000000000000000000000000000000000000000000000000000",  // order 4
           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",  // order 8
           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",  // order 8
       }) {
    EXPECT_FALSE(IsEd25519PublicPoint(FromHex(hex))) << hex;
    EXPECT_FALSE(IsEd25519PublicPoint(WithSignBit(FromHex(hex)))) << hex;
  }
}

TEST(EdwardsPointTest, SecondEncodingsAreRefused) {
  // y = p + 1, p and p + 18 = 2^255 - 1
  for (const char* hex : {"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    EXPECT_FALSE(IsEd25519PublicPoint(FromHex(hex))) << hex;
    EXPECT_FALSE(IsEd25519PublicPoint(WithSignBit(FromHex(hex)))) << hex;
  }
}

TEST(EdwardsPointTest, BytesThatAreNoPointAreRefused) {
  // No x belongs to y = 2.
  EXPECT_FALSE(IsEd25519PublicPoint(std::string("\2", 1) + std::string(31, '\0')));
}

TEST(EdwardsPointTest, OtherSizesAreRefused) {
  EXPECT_FALSE(IsEd25519PublicPoint(""));
  EXPECT_FALSE(IsEd25519PublicPoint(std::string(31, 'X')));
  EXPECT_FALSE(IsEd25519PublicPoint(std::string(33, 'X')));
}

}  // namespace
}  // namespace comity
