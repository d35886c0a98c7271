#include "services/common/crypto/pem.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"

namespace comity {
namespace {

constexpr RevealKey kReveal = RevealKey::ForTest();
constexpr std::string_view kBlock = "-----BEGIN THING-----\nYWJj\n-----END THING-----\n";

std::string Decoded(std::string_view text) {
  const std::optional<SecretBytes> bytes = DecodePem("THING", text);
  return bytes.has_value() ? std::string(bytes->RevealView(kReveal)) : "refused";
}

TEST(PemTest, DecodeReadsWhatEncodeWrites) {
  for (const size_t size : {1, 2, 3, 47, 48, 49, 96, 1000}) {
    const SecretBytes bytes = RandomSecret(size);
    const SecretBytes pem = EncodePem("THING", bytes.Reveal(kReveal));
    const std::optional<SecretBytes> decoded = DecodePem("THING", pem.RevealView(kReveal));
    ASSERT_TRUE(decoded.has_value()) << size;
    EXPECT_TRUE(decoded->ConstantTimeEquals(bytes)) << size;
  }
}

TEST(PemTest, LinesHaveAtMost64Letters) {
  const SecretBytes pem = EncodePem("X", RandomSecret(50).Reveal(kReveal));
  const std::string text(pem.RevealView(kReveal));
  EXPECT_EQ(text.find('\n'), std::string("-----BEGIN X-----").size());
  const size_t second = text.find('\n') + 1;
  EXPECT_EQ(text.find('\n', second) - second, 64);
  EXPECT_EQ(text.substr(text.size() - 16), "-----END X-----\n");
}

TEST(PemTest, WhiteSpaceAroundAndInsideIsIgnored) {
  EXPECT_EQ(Decoded(kBlock), "abc");
  EXPECT_EQ(Decoded("\n -----BEGIN THING-----\r\nYW\r\n Jj\r\n-----END THING-----\r\n\t"), "abc");
  EXPECT_EQ(Decoded("-----BEGIN THING-----YWJj-----END THING-----"), "abc");
}

TEST(PemTest, AnythingElseIsRefused) {
  const std::string block(kBlock);
  EXPECT_EQ(Decoded(""), "refused");
  EXPECT_EQ(Decoded("YWJj"), "refused");
  EXPECT_EQ(Decoded("x" + block), "refused");
  EXPECT_EQ(Decoded(block + "x"), "refused");
  EXPECT_EQ(Decoded(block + block), "refused");
  EXPECT_EQ(Decoded("-----BEGIN OTHER-----\nYWJj\n-----END OTHER-----\n"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING-----\nYWJj\n-----END OTHER-----\n"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING-----\nYWJ\n-----END THING-----\n"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING-----\nYW-j\n-----END THING-----\n"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING-----\nYQ=x\n-----END THING-----\n"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING-----\n-----END THING-----\n"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING----------END THING"), "refused");
  EXPECT_EQ(Decoded("-----BEGIN THING-----\nA: b\n\nYWJj\n-----END THING-----\n"), "refused");
}

}  // namespace
}  // namespace comity
