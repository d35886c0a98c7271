#include "services/common/crypto/hpke.h"

#include <string>

#include "services/common/crypto/random.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr size_t kTagSize = 16;

class HpkeTest : public ::testing::Test {
 protected:
  const X25519KeyPair keys_ = GenerateX25519();
  const SecretBytes plaintext_ = SecretBytes::CopyOf("a data key");

  std::string Seal() const {
    absl::StatusOr<std::string> sealed = HpkeSeal(keys_.public_key, "info", "context", plaintext_);
    EXPECT_THAT(sealed.status(), IsOk());
    return *std::move(sealed);
  }
};

TEST_F(HpkeTest, KeysAreFreshAndFit) {
  EXPECT_EQ(keys_.public_key.size(), kX25519KeySize);
  EXPECT_EQ(keys_.private_key.size(), kX25519KeySize);
  EXPECT_NE(keys_.public_key, GenerateX25519().public_key);
}

TEST_F(HpkeTest, OpenReturnsWhatWasSealed) {
  for (const size_t size : {0, 1, 32, 5000}) {
    const SecretBytes plaintext = RandomSecret(size);
    ASSERT_OK_AND_ASSIGN(const std::string sealed,
                         HpkeSeal(keys_.public_key, "info", "context", plaintext));
    EXPECT_EQ(sealed.size(), kX25519KeySize + size + kTagSize);
    ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                         HpkeOpen(keys_.private_key, "info", "context", sealed));
    EXPECT_TRUE(opened.ConstantTimeEquals(plaintext)) << size;
  }
}

TEST_F(HpkeTest, EachMessageHasItsOwnKey) {
  EXPECT_NE(Seal().substr(0, kX25519KeySize), Seal().substr(0, kX25519KeySize));
}

TEST_F(HpkeTest, SealFailsForAPublicKeyOfAnotherSize) {
  for (const size_t size : {0, 31, 33}) {
    EXPECT_THAT(HpkeSeal(std::string(size, 'x'), "", "", plaintext_),
                RefusedWith(Reason::kFieldInvalid))
        << size;
  }
}

TEST_F(HpkeTest, SealFailsForAPublicKeyOfSmallOrder) {
  std::string one(kX25519KeySize, '\0');
  one[0] = 1;
  for (const std::string& key :
       {std::string(kX25519KeySize, '\0'), one,
        FromHex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")}) {
    EXPECT_THAT(HpkeSeal(key, "", "", plaintext_), RefusedWith(Reason::kFieldInvalid));
  }
}

TEST_F(HpkeTest, OpenFailsWhenAnyBitIsFlipped) {
  const std::string sealed = Seal();
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string flipped = sealed;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    EXPECT_THAT(HpkeOpen(keys_.private_key, "info", "context", flipped).status(),
                RefusedWith(Reason::kDataCorrupt))
        << i;
  }
}

TEST_F(HpkeTest, OpenFailsWhenTheIgnoredBitOfTheKeyIsFlipped) {
  std::string sealed = Seal();
  sealed[31] = static_cast<char>(sealed[31] ^ 0x80);
  EXPECT_THAT(HpkeOpen(keys_.private_key, "info", "context", sealed).status(),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(HpkeTest, OpenFailsForEveryTruncation) {
  const std::string sealed = Seal();
  for (size_t size = 0; size < sealed.size(); ++size) {
    EXPECT_THAT(HpkeOpen(keys_.private_key, "info", "context", sealed.substr(0, size)).status(),
                RefusedWith(Reason::kDataCorrupt))
        << size;
  }
}

TEST_F(HpkeTest, OpenFailsForOtherInfoOrAssociatedDataOrKey) {
  const std::string sealed = Seal();
  EXPECT_THAT(HpkeOpen(keys_.private_key, "Info", "context", sealed).status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(HpkeOpen(keys_.private_key, "info", "", sealed).status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(HpkeOpen(GenerateX25519().private_key, "info", "context", sealed).status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(HpkeOpen(RandomSecret(31), "info", "context", sealed).status(),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(HpkeTest, OpenFailsWhenTheEncapsulatedKeyHasSmallOrder) {
  const std::string sealed = std::string(kX25519KeySize, '\0') + Seal().substr(kX25519KeySize);
  EXPECT_THAT(HpkeOpen(keys_.private_key, "info", "context", sealed).status(),
              RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
