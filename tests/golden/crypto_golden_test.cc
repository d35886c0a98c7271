#include <string>
#include <utility>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/signing.h"
#include "services/common/crypto/streaming.h"
#include "tests/testing/golden.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr RevealKey kReveal = RevealKey::ForTest();

class StreamingGoldenTest : public ::testing::Test {
 protected:
  std::string Value(std::string_view name) const { return vectors_.at(name); }

  absl::StatusOr<std::string> Decrypt(std::string_view ciphertext) const {
    StreamDecrypter decrypter =
        *StreamDecrypter::Create(SecretBytes::CopyOf(Value("key")), Value("associated_data"));
    std::string out;
    if (absl::Status status = decrypter.Update(ciphertext, out); !status.ok()) {
      return status;
    }
    if (absl::Status status = std::move(decrypter).Finish(out); !status.ok()) {
      return status;
    }
    return out;
  }

  // The construction with the recorded salt and nonce prefix, from its parts.
  std::string Encrypt(std::string_view plaintext) const {
    const SecretBytes derived = HkdfSha256(SecretBytes::CopyOf(Value("key")), Value("salt"),
                                           Value("associated_data"), kAeadKeySize);
    std::string out = '\x28' + Value("salt") + Value("nonce_prefix");
    size_t room = kStreamSegmentSize - kStreamHeaderSize - kAeadTagSize;
    for (char segment = 0;; ++segment) {
      const std::string_view piece = plaintext.substr(0, room);
      plaintext.remove_prefix(piece.size());
      const bool last = plaintext.empty();
      out += GcmSeal(derived,
                     Value("nonce_prefix") + std::string(3, '\0') + segment + (last ? '\1' : '\0'),
                     piece, "");
      if (last) {
        return out;
      }
      room = kStreamSegmentSize - kAeadTagSize;
    }
  }

  static std::string LargePlaintext() {
    std::string plaintext(2 * kStreamSegmentSize + 12345, '\0');
    for (size_t i = 0; i < plaintext.size(); ++i) {
      plaintext[i] = static_cast<char>((7 * i + i / 251) % 256);
    }
    return plaintext;
  }

  const GoldenVectors vectors_ = GoldenVectors::Load("streaming.txt");
};

TEST_F(StreamingGoldenTest, RecordedShortStreamsAreOpened) {
  EXPECT_THAT(Decrypt(Value("empty_ciphertext")), IsOkAndHolds(""));
  EXPECT_THAT(Decrypt(Value("small_ciphertext")), IsOkAndHolds(Value("small_plaintext")));
}

TEST_F(StreamingGoldenTest, StreamOfSeveralSegmentsIsOpened) {
  const std::string plaintext = LargePlaintext();
  ASSERT_EQ(Sha256(plaintext), Value("large_plaintext_sha256"));
  const std::string ciphertext = Encrypt(plaintext);
  ASSERT_EQ(Sha256(ciphertext), Value("large_ciphertext_sha256"));
  ASSERT_OK_AND_ASSIGN(const std::string opened, Decrypt(ciphertext));
  EXPECT_EQ(Sha256(opened), Value("large_plaintext_sha256"));
}

TEST(SealedKeyGoldenTest, RecordedSealedFormIsOpened) {
  const GoldenVectors vectors = GoldenVectors::Load("sealed_key.txt");
  ASSERT_OK_AND_ASSIGN(const auto key, GcmSivKey::Create(SecretBytes::CopyOf(vectors.at("key"))));
  ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                       key->Open(vectors.at("sealed"), vectors.at("associated_data")));
  EXPECT_EQ(ToHex(opened.RevealView(kReveal)), ToHex(vectors.at("plaintext")));
}

class SeededKeyGoldenTest : public ::testing::Test {
 protected:
  std::string SpkiOf(SignatureAlgorithm algorithm) const {
    absl::StatusOr<PrivateKey> key =
        PrivateKey::FromSeed(algorithm, SecretBytes::CopyOf(vectors_.at("seed")));
    return key.ok() ? ToHex(key->public_key().spki()) : "refused";
  }

  const GoldenVectors vectors_ = GoldenVectors::Load("seeded_keys.txt");
};

TEST_F(SeededKeyGoldenTest, Ed25519KeyOfTheSeedIsAsRecorded) {
  EXPECT_EQ(SpkiOf(SignatureAlgorithm::kEd25519), ToHex(vectors_.at("ed25519_spki")));
  ASSERT_OK_AND_ASSIGN(
      const PrivateKey key,
      PrivateKey::FromSeed(SignatureAlgorithm::kEd25519, SecretBytes::CopyOf(vectors_.at("seed"))));
  EXPECT_EQ(ToHex(key.Sign("")), ToHex(vectors_.at("ed25519_signature_of_empty")));
}

TEST_F(SeededKeyGoldenTest, P256KeyOfTheSeedIsAsRecorded) {
  EXPECT_EQ(SpkiOf(SignatureAlgorithm::kEcdsaP256), ToHex(vectors_.at("p256_spki")));
}

}  // namespace
}  // namespace comity
