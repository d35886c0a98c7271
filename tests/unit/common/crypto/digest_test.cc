#include "services/common/crypto/digest.h"

#include <string>
#include <utility>

#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr RevealKey kReveal = RevealKey::ForTest();

std::string Hkdf(std::string_view key, std::string_view salt, std::string_view info, size_t size) {
  return ToHex(HkdfSha256(SecretBytes::CopyOf(key), salt, info, size).RevealView(kReveal));
}

// FIPS 180-4 examples.
TEST(Sha256Test, PublishedExamplesMatch) {
  EXPECT_EQ(ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, DigestHoldsTheSameBytes) { EXPECT_EQ(Sha256Digest("abc").bytes(), Sha256("abc")); }

TEST(Sha256HasherTest, PiecesGiveTheDigestOfTheWhole) {
  const std::string data(1000, 'd');
  for (const size_t piece : {1, 7, 63, 64, 65, 1000}) {
    Sha256Hasher hasher;
    for (size_t at = 0; at < data.size(); at += piece) {
      hasher.Update(std::string_view(data).substr(at, piece));
    }
    EXPECT_EQ(std::move(hasher).Finish(), Sha256Digest(data)) << piece;
  }
}

TEST(Sha256HasherTest, NothingGivesTheDigestOfNothing) {
  EXPECT_EQ(Sha256Hasher().Finish(), Sha256Digest(""));
}

TEST(Sha256HasherTest, MovedHasherGoesOnWhereItWas) {
  Sha256Hasher first;
  first.Update("a");
  Sha256Hasher second(std::move(first));
  second.Update("b");
  Sha256Hasher third;
  third.Update("dropped");
  third = std::move(second);
  third.Update("c");
  EXPECT_EQ(std::move(third).Finish(), Sha256Digest("abc"));
}

TEST(Sha256HasherDeathTest, UseAfterMoveEndsTheProcess) {
  Sha256Hasher first;
  const Sha256Hasher second(std::move(first));
  // NOLINTNEXTLINE(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  EXPECT_DEATH(first.Update("x"), "check failed");
}

// FIPS 180-4, 5.3.3, and the value after the first of two blocks in NIST's example for SHA-256.
TEST(Sha256HasherTest, IntermediateIsThePublishedHashValue) {
  EXPECT_EQ(ToHex(Sha256Hasher().Intermediate().bytes()),
            "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19");
  std::string block = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq\x80";
  block.resize(Sha256Hasher::kBlockSize, '\0');
  Sha256Hasher hasher;
  hasher.Update(block);
  EXPECT_EQ(ToHex(hasher.Intermediate().bytes()),
            "85e655d6417a17953363376a624cde5c76e09589cac5f811cc4b32c1f20e533a");
}

TEST(Sha256HasherTest, HashingGoesOnFromAnIntermediateValue) {
  const std::string data(1000, 'd');
  for (size_t at = 0; at < data.size(); at += Sha256Hasher::kBlockSize) {
    Sha256Hasher first;
    first.Update(std::string_view(data).substr(0, at));
    Sha256Hasher second = Sha256Hasher::Resume(first.Intermediate(), at);
    second.Update(std::string_view(data).substr(at));
    EXPECT_EQ(std::move(second).Finish(), Sha256Digest(data)) << at;
  }
}

// By hand: the padding says how many bits came before, also when they are more than 2^32.
TEST(Sha256HasherTest, ResumedHasherKnowsHowMuchCameBefore) {
  const Digest value = Sha256Digest("some value");
  for (const uint64_t bytes : {uint64_t{64}, uint64_t{1} << 29, (uint64_t{5} << 30) + 128}) {
    std::string padding(Sha256Hasher::kBlockSize, '\0');
    padding[0] = '\x80';
    for (size_t i = 0; i < 8; ++i) padding[63 - i] = static_cast<char>((bytes * 8) >> (8 * i));
    Sha256Hasher padded = Sha256Hasher::Resume(value, bytes);
    padded.Update(padding);
    EXPECT_EQ(Sha256Hasher::Resume(value, bytes).Finish(), padded.Intermediate()) << bytes;
  }
}

TEST(Sha256HasherDeathTest, IntermediateWithinABlockEndsTheProcess) {
  Sha256Hasher hasher;
  hasher.Update("x");
  EXPECT_DEATH(hasher.Intermediate(), "check failed");
  EXPECT_DEATH(Sha256Hasher::Resume(Sha256Digest(""), 63), "check failed");
}

// RFC 4231, cases 1, 2 and 6.
TEST(HmacSha256Test, PublishedVectorsMatch) {
  EXPECT_EQ(ToHex(HmacSha256(SecretBytes::CopyOf(std::string(20, '\x0b')), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(ToHex(HmacSha256(SecretBytes::CopyOf("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(ToHex(HmacSha256(SecretBytes::CopyOf(std::string(131, '\xaa')),
                             "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 5869, appendix A.1 to A.3.
TEST(HkdfSha256Test, PublishedVectorsMatch) {
  EXPECT_EQ(Hkdf(std::string(22, '\x0b'), FromHex("000102030405060708090a0b0c"),
                 FromHex("f0f1f2f3f4f5f6f7f8f9"), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  std::string ikm;
  std::string salt;
  std::string info;
  for (int i = 0; i < 80; ++i) {
    ikm.push_back(static_cast<char>(i));
    salt.push_back(static_cast<char>(0x60 + i));
    info.push_back(static_cast<char>(0xb0 + i));
  }
  EXPECT_EQ(Hkdf(ikm, salt, info, 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(Hkdf(std::string(22, '\x0b'), "", "", 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(HkdfSha256Test, ShorterOutputIsAPrefixOfTheLonger) {
  EXPECT_EQ(Hkdf("key", "salt", "info", 64).substr(0, 64), Hkdf("key", "salt", "info", 32));
  EXPECT_EQ(Hkdf("key", "salt", "info", 8160).size(), 2 * 8160);
}

TEST(HkdfSha256DeathTest, MoreThanTheLimitEndsTheProcess) {
  EXPECT_DEATH(Hkdf("key", "", "", 8161), "check failed");
}

}  // namespace
}  // namespace comity
