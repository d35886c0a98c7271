#include "services/common/crypto/aead.h"

#include <memory>
#include <set>
#include <string>

#include "services/common/crypto/random.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr RevealKey kReveal = RevealKey::ForTest();

std::unique_ptr<GcmSivKey> NewKey() {
  absl::StatusOr<std::unique_ptr<GcmSivKey>> key = GcmSivKey::Create(RandomSecret(kAeadKeySize));
  EXPECT_THAT(key.status(), IsOk());
  return *std::move(key);
}

TEST(GcmSivKeyTest, OpenReturnsWhatWasSealed) {
  const auto key = NewKey();
  for (const size_t size : {0, 1, 15, 16, 17, 32, 4096, 100'000}) {
    const SecretBytes plaintext = RandomSecret(size);
    const std::string sealed = key->Seal(plaintext, "context");
    EXPECT_EQ(sealed.size(), kAeadNonceSize + size + kAeadTagSize);
    ASSERT_OK_AND_ASSIGN(const SecretBytes opened, key->Open(sealed, "context"));
    EXPECT_TRUE(opened.ConstantTimeEquals(plaintext)) << size;
  }
}

TEST(GcmSivKeyTest, CreateFailsForAnotherKeySize) {
  for (const size_t size : {0, 16, 31, 33, 64}) {
    EXPECT_THAT(GcmSivKey::Create(RandomSecret(size)).status(), RefusedWith(Reason::kFieldInvalid))
        << size;
  }
}

TEST(GcmSivKeyTest, EachSealDrawsItsOwnNonce) {
  const auto key = NewKey();
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) {
    nonces.insert(key->Seal(SecretBytes::CopyOf("x"), "").substr(0, kAeadNonceSize));
  }
  EXPECT_EQ(nonces.size(), 1000);
}

TEST(GcmSivKeyTest, OpenFailsWhenAnyBitIsFlipped) {
  const auto key = NewKey();
  const std::string sealed = key->Seal(SecretBytes::CopyOf("a data key"), "context");
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string flipped = sealed;
    flipped[i] = static_cast<char>(flipped[i] ^ (1 << (i % 8)));
    EXPECT_THAT(key->Open(flipped, "context").status(), RefusedWith(Reason::kDataCorrupt)) << i;
  }
}

TEST(GcmSivKeyTest, OpenFailsForEveryTruncation) {
  const auto key = NewKey();
  const std::string sealed = key->Seal(SecretBytes::CopyOf("a data key"), "context");
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(key->Open(sealed.substr(0, size), "context").status(),
                RefusedWith(Reason::kDataCorrupt))
        << size;
  }
}

TEST(GcmSivKeyTest, OpenFailsForOtherAssociatedData) {
  const auto key = NewKey();
  const std::string sealed = key->Seal(SecretBytes::CopyOf("k"), "context");
  for (const char* data : {"", "Context", "context ", "contex"}) {
    EXPECT_THAT(key->Open(sealed, data).status(), RefusedWith(Reason::kDataCorrupt)) << data;
  }
}

TEST(GcmSivKeyTest, OpenFailsUnderAnotherKey) {
  const std::string sealed = NewKey()->Seal(SecretBytes::CopyOf("k"), "");
  EXPECT_THAT(NewKey()->Open(sealed, "").status(), RefusedWith(Reason::kDataCorrupt));
}

TEST(GcmSivKeyTest, EveryFailureHasTheSameText) {
  const auto key = NewKey();
  std::string sealed = key->Seal(SecretBytes::CopyOf("k"), "");
  const absl::Status other_context = key->Open(sealed, "x").status();
  const absl::Status cut = key->Open(sealed.substr(0, 5), "").status();
  sealed.back() = static_cast<char>(sealed.back() ^ 1);
  const absl::Status flipped = key->Open(sealed, "").status();
  EXPECT_EQ(other_context, cut);
  EXPECT_EQ(other_context, flipped);
}

TEST(GcmTest, OpenReturnsWhatWasSealed) {
  const SecretBytes key = RandomSecret(kAeadKeySize);
  const std::string nonce = RandomBytes(kAeadNonceSize);
  for (const std::string plaintext : {"", "p", "some longer plaintext than one block"}) {
    const std::string sealed = GcmSeal(key, nonce, plaintext, "context");
    EXPECT_EQ(sealed.size(), plaintext.size() + kAeadTagSize);
    ASSERT_OK_AND_ASSIGN(const SecretBytes opened, GcmOpen(key, nonce, sealed, "context"));
    EXPECT_EQ(opened.RevealView(kReveal), plaintext);
  }
}

TEST(GcmTest, OpenFailsWhenAnythingDiffers) {
  const SecretBytes key = RandomSecret(kAeadKeySize);
  const std::string nonce = RandomBytes(kAeadNonceSize);
  const std::string sealed = GcmSeal(key, nonce, "plaintext", "context");
  std::string flipped = sealed;
  flipped[0] = static_cast<char>(flipped[0] ^ 1);
  std::string other_nonce = nonce;
  other_nonce[11] = static_cast<char>(other_nonce[11] ^ 1);
  EXPECT_THAT(GcmOpen(key, nonce, flipped, "context").status(), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(GcmOpen(key, other_nonce, sealed, "context").status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(GcmOpen(key, nonce, sealed, "other").status(), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(GcmOpen(RandomSecret(kAeadKeySize), nonce, sealed, "context").status(),
              RefusedWith(Reason::kDataCorrupt));
}

TEST(GcmTest, OpenFailsForImpossibleSizes) {
  const SecretBytes key = RandomSecret(kAeadKeySize);
  const std::string nonce = RandomBytes(kAeadNonceSize);
  const std::string sealed = GcmSeal(key, nonce, "", "");
  EXPECT_THAT(GcmOpen(key, nonce, sealed.substr(1), "").status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(GcmOpen(key, nonce, "", "").status(), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(GcmOpen(key, nonce.substr(1), sealed, "").status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(GcmOpen(RandomSecret(16), nonce, sealed, "").status(),
              RefusedWith(Reason::kDataCorrupt));
}

TEST(GcmDeathTest, SealWithAnImpossibleNonceOrKeyEndsTheProcess) {
  const SecretBytes key = RandomSecret(kAeadKeySize);
  EXPECT_DEATH(GcmSeal(key, "short", "", ""), "check failed");
  EXPECT_DEATH(GcmSeal(RandomSecret(16), std::string(12, 'n'), "", ""), "check failed");
}

}  // namespace
}  // namespace comity
