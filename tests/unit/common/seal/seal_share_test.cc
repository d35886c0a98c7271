#include "services/common/seal/seal_share.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/testing/golden.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

std::string Bytes(const SecretBytes& secret) {
  return std::string(secret.RevealView(RevealKey::ForTest()));
}

SealShare Golden() {
  const GoldenVectors golden = GoldenVectors::Load("seal.txt");
  return {*SealSetId::FromBytes(std::string(16, 's')), 2,
          SecretBytes::CopyOf(golden.at("share_2"))};
}

void ExpectEqual(const SealShare& a, const SealShare& b) {
  EXPECT_EQ(a.set, b.set);
  EXPECT_EQ(a.index, b.index);
  EXPECT_TRUE(a.value.ConstantTimeEquals(b.value));
}

absl::StatusOr<SealShare> Decode(std::string_view bytes) {
  return DecodeSealShare(SecretBytes::CopyOf(bytes));
}
absl::StatusOr<SealShare> Parse(std::string_view text) {
  return ParseSealShare(SecretBytes::CopyOf(text));
}

TEST(SealShareTest, EncodingIsTheGoldenOne) {
  const GoldenVectors golden = GoldenVectors::Load("seal.txt");
  EXPECT_EQ(Bytes(EncodeSealShare(Golden())), golden.at("encoded_2"));
  ASSERT_OK_AND_ASSIGN(const SealShare decoded, Decode(golden.at("encoded_2")));
  ExpectEqual(decoded, Golden());
}

TEST(SealShareTest, TextIsOneLineOfHex) {
  const GoldenVectors golden = GoldenVectors::Load("seal.txt");
  EXPECT_EQ(Bytes(FormatSealShare(Golden())),
            "comity-share-v1 " + ToHex(golden.at("encoded_2")) + "\n");
}

TEST(SealShareTest, EveryByteSurvivesTheText) {
  for (int round = 0; round < 64; ++round) {
    const SealShare share{RandomId<SealSetId>(), static_cast<uint8_t>(1 + round),
                          RandomSecret(kSealedRootSize)};
    ASSERT_OK_AND_ASSIGN(const SealShare parsed, ParseSealShare(FormatSealShare(share)));
    ExpectEqual(parsed, share);
  }
}

TEST(SealShareTest, WhiteSpaceAroundTheLineIsForgiven) {
  const std::string text = Bytes(FormatSealShare(Golden()));
  ASSERT_OK_AND_ASSIGN(const SealShare parsed, Parse(" \t" + text + "\r\n\n"));
  ExpectEqual(parsed, Golden());
}

TEST(SealShareTest, OtherTextIsRefused) {
  const std::string text = Bytes(FormatSealShare(Golden()));
  std::string upper = text;
  upper[upper.find_first_of("abcdef", 16)] = 'A';
  for (const std::string& wrong :
       {std::string(), std::string("comity-share-v1 "), text.substr(1), text.substr(0, 100),
        text + "00", "comity-share-v2 " + text.substr(16), upper}) {
    EXPECT_THAT(Parse(wrong), RefusedWith(Reason::kShareInvalid)) << wrong;
  }
}

TEST(SealShareTest, EveryCharacterThatIsNoHexDigitIsRefused) {
  const std::string text = Bytes(FormatSealShare(Golden()));
  for (int c = 0; c < 256; ++c) {
    std::string changed = text;
    changed[60] = static_cast<char>(c);
    const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    EXPECT_EQ(Parse(changed).ok(), digit) << c;
  }
}

TEST(SealShareTest, BytesOfAnotherFormOrLengthAreRefused) {
  const std::string bytes = Bytes(EncodeSealShare(Golden()));
  EXPECT_THAT(Decode(""), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Decode(bytes + "x"), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(Decode(bytes.substr(1)), RefusedWith(Reason::kShareInvalid));
  std::string other_format = bytes;
  other_format[0] = 2;
  EXPECT_THAT(Decode(other_format), RefusedWith(Reason::kShareInvalid));
  std::string no_index = bytes;
  no_index[17] = 0;
  EXPECT_THAT(Decode(no_index), RefusedWith(Reason::kShareInvalid));
}

}  // namespace
}  // namespace comity
