#include "services/common/crypto/signing.h"

#include <string>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/pem.h"
#include "services/common/crypto/random.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::StartsWith;

constexpr RevealKey kReveal = RevealKey::ForTest();

std::string PemOf(const PrivateKey& key) { return std::string(key.ToPem().RevealView(kReveal)); }

class SigningTest : public ::testing::TestWithParam<SignatureAlgorithm> {
 protected:
  const PrivateKey key_ = PrivateKey::Generate(GetParam());
};

INSTANTIATE_TEST_SUITE_P(BothAlgorithms, SigningTest,
                         ::testing::Values(SignatureAlgorithm::kEd25519,
                                           SignatureAlgorithm::kEcdsaP256),
                         [](const auto& param) {
                           return param.param == SignatureAlgorithm::kEd25519 ? "Ed25519" : "P256";
                         });

TEST_P(SigningTest, SignatureOfTheKeyVerifies) {
  for (const std::string message : {"", "m", "a longer message than one block of the hash has"}) {
    const std::string signature = key_.Sign(message);
    EXPECT_EQ(signature.size(), 64);
    EXPECT_TRUE(key_.public_key().Verify(message, signature));
  }
}

TEST_P(SigningTest, VerifyFailsForAnotherMessageOrKey) {
  const std::string signature = key_.Sign("message");
  EXPECT_FALSE(key_.public_key().Verify("Message", signature));
  EXPECT_FALSE(key_.public_key().Verify("", signature));
  EXPECT_FALSE(PrivateKey::Generate(GetParam()).public_key().Verify("message", signature));
}

TEST_P(SigningTest, VerifyFailsWhenAnyByteIsChanged) {
  const std::string signature = key_.Sign("message");
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ 0x04);
    EXPECT_FALSE(key_.public_key().Verify("message", changed)) << i;
  }
}

TEST_P(SigningTest, VerifyFailsForAnotherSize) {
  const std::string signature = key_.Sign("message");
  EXPECT_FALSE(key_.public_key().Verify("message", ""));
  EXPECT_FALSE(key_.public_key().Verify("message", signature.substr(0, 63)));
  EXPECT_FALSE(key_.public_key().Verify("message", signature + '\0'));
}

TEST_P(SigningTest, VerifyFailsForZeros) {
  EXPECT_FALSE(key_.public_key().Verify("message", std::string(64, '\0')));
}

TEST_P(SigningTest, PublicKeyIsReadBackFromItsSpki) {
  ASSERT_OK_AND_ASSIGN(const PublicKey parsed, PublicKey::FromSpki(key_.public_key().spki()));
  EXPECT_EQ(parsed.spki(), key_.public_key().spki());
  EXPECT_EQ(parsed.algorithm(), GetParam());
  EXPECT_EQ(parsed.id().bytes(), Sha256(parsed.spki()));
  EXPECT_TRUE(parsed.Verify("message", key_.Sign("message")));
}

TEST_P(SigningTest, CopyOfAPublicKeyVerifiesAfterTheOriginalIsGone) {
  const std::string signature = key_.Sign("message");
  const PublicKey copy = [this] {
    const PublicKey original = *PublicKey::FromSpki(key_.public_key().spki());
    return PublicKey(original);
  }();
  EXPECT_TRUE(copy.Verify("message", signature));
}

TEST_P(SigningTest, FromSpkiFailsForEveryTruncationAndExtension) {
  const std::string spki = key_.public_key().spki();
  for (size_t size = 0; size < spki.size(); ++size) {
    EXPECT_THAT(PublicKey::FromSpki(spki.substr(0, size)).status(),
                RefusedWith(Reason::kFieldInvalid))
        << size;
  }
  EXPECT_THAT(PublicKey::FromSpki(spki + '\0').status(), RefusedWith(Reason::kFieldInvalid));
}

TEST_P(SigningTest, FromSpkiFailsWhenTheFramingIsChanged) {
  const std::string spki = key_.public_key().spki();
  const size_t framing = GetParam() == SignatureAlgorithm::kEd25519 ? 12 : 27;
  for (size_t i = 0; i < framing; ++i) {
    std::string changed = spki;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_THAT(PublicKey::FromSpki(changed).status(), RefusedWith(Reason::kFieldInvalid)) << i;
  }
}

TEST_P(SigningTest, PrivateKeyIsReadBackFromItsPem) {
  const std::string pem = PemOf(key_);
  EXPECT_THAT(pem, StartsWith("-----BEGIN PRIVATE KEY-----\n"));
  ASSERT_OK_AND_ASSIGN(const PrivateKey parsed, PrivateKey::FromPem(SecretBytes::CopyOf(pem)));
  EXPECT_EQ(parsed.public_key().spki(), key_.public_key().spki());
  EXPECT_TRUE(key_.public_key().Verify("message", parsed.Sign("message")));
  EXPECT_EQ(PemOf(parsed), pem);
}

TEST_P(SigningTest, SeedAlwaysGivesTheSameKey) {
  const SecretBytes seed = RandomSecret(32);
  ASSERT_OK_AND_ASSIGN(const PrivateKey first, PrivateKey::FromSeed(GetParam(), seed));
  ASSERT_OK_AND_ASSIGN(const PrivateKey second, PrivateKey::FromSeed(GetParam(), seed));
  ASSERT_OK_AND_ASSIGN(const PrivateKey other, PrivateKey::FromSeed(GetParam(), RandomSecret(32)));
  EXPECT_EQ(first.public_key().spki(), second.public_key().spki());
  EXPECT_NE(first.public_key().spki(), other.public_key().spki());
  EXPECT_TRUE(first.public_key().Verify("message", second.Sign("message")));
}

TEST_P(SigningTest, FromSeedFailsForAnotherSize) {
  for (const size_t size : {0, 31, 33, 64}) {
    EXPECT_THAT(PrivateKey::FromSeed(GetParam(), RandomSecret(size)).status(),
                RefusedWith(Reason::kFieldInvalid))
        << size;
  }
}

TEST_P(SigningTest, MovedKeySigns) {
  PrivateKey source = PrivateKey::Generate(GetParam());
  const std::string spki = source.public_key().spki();
  PrivateKey target(std::move(source));
  EXPECT_EQ(target.public_key().spki(), spki);
  source = std::move(target);
  EXPECT_TRUE(source.public_key().Verify("message", source.Sign("message")));
}

TEST(Ed25519Test, SignatureIsDeterministic) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  EXPECT_EQ(key.Sign("message"), key.Sign("message"));
}

TEST(Ed25519Test, FromSpkiFailsForAPointOfSmallOrder) {
  EXPECT_THAT(
      PublicKey::FromSpki(FromHex("302a300506032b6570032100") + std::string(32, '\0')).status(),
      RefusedWith(Reason::kFieldInvalid));
}

TEST(Ed25519Test, RawFormAndSpkiConvertBothWays) {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  ASSERT_OK_AND_ASSIGN(const std::string raw, Ed25519RawFromSpki(key.public_key().spki()));
  EXPECT_EQ(raw.size(), 32);
  EXPECT_THAT(Ed25519SpkiFromRaw(raw), IsOkAndHolds(key.public_key().spki()));
}

TEST(Ed25519Test, RawFormIsRefusedForOtherKeysAndSizes) {
  const PrivateKey p256 = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  EXPECT_THAT(Ed25519RawFromSpki(p256.public_key().spki()), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Ed25519RawFromSpki(""), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Ed25519SpkiFromRaw(std::string(31, 'X')), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Ed25519SpkiFromRaw(std::string(33, 'X')), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Ed25519SpkiFromRaw(std::string(32, '\0')), RefusedWith(Reason::kFieldInvalid));
}

TEST(EcdsaP256Test, FromSpkiFailsForAPointOffTheCurve) {
  std::string spki = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key().spki();
  spki.back() = static_cast<char>(spki.back() ^ 1);
  EXPECT_THAT(PublicKey::FromSpki(spki).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(EcdsaP256Test, FromSpkiFailsForACompressedPoint) {
  const std::string spki = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key().spki();
  const bool odd = (spki.back() & 1) != 0;
  const std::string compressed = FromHex("3039301306072a8648ce3d020106082a8648ce3d030107032200") +
                                 (odd ? '\3' : '\2') + spki.substr(27, 32);
  EXPECT_THAT(PublicKey::FromSpki(compressed).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST(EcdsaP256Test, HighSIsAccepted) {
  // n - s makes the other valid signature of the same message.
  const std::string order =
      FromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  std::string signature = key.Sign("message");
  int borrow = 0;
  for (int i = 31; i >= 0; --i) {
    const int difference =
        static_cast<uint8_t>(order[i]) - static_cast<uint8_t>(signature[32 + i]) - borrow;
    borrow = difference < 0 ? 1 : 0;
    signature[32 + i] = static_cast<char>(difference & 0xff);
  }
  EXPECT_TRUE(key.public_key().Verify("message", signature));
}

TEST(FromPemTest, OtherTextsAreRefused) {
  const std::string pem = PemOf(PrivateKey::Generate(SignatureAlgorithm::kEd25519));
  for (const std::string& text :
       {std::string(), std::string("key"), pem + pem, pem + "x", pem.substr(1),
        std::string("-----BEGIN PRIVATE KEY-----\nYWJj\n-----END PRIVATE KEY-----\n"),
        std::string("-----BEGIN EC PRIVATE KEY-----\nYWJj\n-----END EC PRIVATE KEY-----\n")}) {
    EXPECT_THAT(PrivateKey::FromPem(SecretBytes::CopyOf(text)).status(),
                RefusedWith(Reason::kDataCorrupt))
        << text.size();
  }
}

// PKCS#8 of the P-384 key whose scalar is one.
constexpr std::string_view kP384Der =
    "3081b6020100301006072a8648ce3d020106052b8104002204819e30819b02010104300000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "000001a16403620004aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a"
    "385502f25dbf55296c3a545e3872760ab73617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a14"
    "7ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";

TEST(FromPemTest, KeyOfAnotherKindIsRefused) {
  const SecretBytes der = SecretBytes::CopyOf(FromHex(kP384Der));
  EXPECT_THAT(PrivateKey::FromPem(EncodePem("PRIVATE KEY", der.Reveal(kReveal))).status(),
              RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
