#include "services/common/log/base64.h"

#include <string>

#include <gtest/gtest.h>

namespace comity {
namespace {

TEST(Base64Test, EncodesTheVectorsOfRfc4648) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foo"), "Zm9v");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Encode("\xfb\xff\xbf"), "+/+/");
}

TEST(Base64Test, DecodesWhatItEncodesForEveryByteAndLength) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)), bytes);
  }
}

TEST(Base64Test, DecodingFailsWithoutPadding) {
  EXPECT_EQ(Base64Decode("Zg"), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm8"), std::nullopt);
}

TEST(Base64Test, DecodingFailsWithTooMuchPadding) {
  EXPECT_EQ(Base64Decode("===="), std::nullopt);
  EXPECT_EQ(Base64Decode("Z==="), std::nullopt);
  EXPECT_EQ(Base64Decode("Zg==Zg=="), std::nullopt);
}

TEST(Base64Test, DecodingFailsWhenSpareBitsAreSet) {
  EXPECT_EQ(Base64Decode("Zh=="), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm9="), std::nullopt);
}

TEST(Base64Test, DecodingFailsForForeignLetters) {
  EXPECT_EQ(Base64Decode("Zm9-"), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm_v"), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm v"), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm9v\nZg="), std::nullopt);
  EXPECT_EQ(Base64Decode("Zm9\xff"), std::nullopt);
}

}  // namespace
}  // namespace comity
