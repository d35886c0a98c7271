#include "services/custody/wrapped_key.h"

#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

SecretBytes Filled(char fill) { return SecretBytes::CopyOf(std::string(32, fill)); }

AccountId Account(char fill = 'a') { return *AccountId::FromBytes(std::string(20, fill)); }

KeyContext Context(std::string pair = "value", KeyPurpose purpose = KeyPurpose::kContent) {
  return *KeyContext::Create(*ObjectId::FromBytes(std::string(16, 'o')),
                             *ContentId::FromBytes(std::string(16, 'c')), purpose,
                             {{"name", std::move(pair)}});
}

class WrappedKeyTest : public testing::Test {
 protected:
  std::unique_ptr<GcmSivKey> key_ = GcmSivKey::Create(Filled('k')).value();
  SecretBytes data_key_ = Filled('d');
  std::string wrapped_ = WrapDataKey(*key_, Account(), 7, Context(), data_key_);
};

TEST_F(WrappedKeyTest, WrapNamesAccountAndVersion) {
  ASSERT_EQ(wrapped_.size(), 86u);
  ASSERT_OK_AND_ASSIGN(const WrappedKeyName name, ParseWrappedKey(wrapped_));
  EXPECT_EQ(name.account, Account());
  EXPECT_EQ(name.version, 7u);
}

TEST_F(WrappedKeyTest, WrapOpensUnderItsContext) {
  ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                       OpenWrappedKey(*key_, Account(), Context(), wrapped_));
  EXPECT_TRUE(opened.ConstantTimeEquals(data_key_));
}

TEST_F(WrappedKeyTest, WrapOpensUnderNoOtherContext) {
  EXPECT_THAT(OpenWrappedKey(*key_, Account(), Context("other"), wrapped_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(OpenWrappedKey(*key_, Account(), Context("value", KeyPurpose::kAttributes), wrapped_),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(OpenWrappedKey(*key_, Account('b'), Context(), wrapped_),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(WrappedKeyTest, EveryFlippedBitIsFound) {
  for (size_t bit = 0; bit < wrapped_.size() * 8; ++bit) {
    std::string flipped = wrapped_;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    if (!ParseWrappedKey(flipped).ok()) {
      continue;
    }
    ASSERT_THAT(OpenWrappedKey(*key_, Account(), Context(), flipped),
                RefusedWith(Reason::kDataCorrupt))
        << bit;
  }
}

TEST_F(WrappedKeyTest, OtherFormatsAndLengthsDoNotParse) {
  std::string other = wrapped_;
  other[0] = 2;
  EXPECT_THAT(ParseWrappedKey(other), RefusedWith(Reason::kDataCorrupt));
  other = wrapped_;
  other[1] = 2;
  EXPECT_THAT(ParseWrappedKey(other), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(ParseWrappedKey(wrapped_ + "x"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(ParseWrappedKey(wrapped_.substr(0, 85)), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(ParseWrappedKey(""), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(WrappedKeyTest, TwoWrapsOfOneKeyDiffer) {
  EXPECT_NE(wrapped_, WrapDataKey(*key_, Account(), 7, Context(), data_key_));
}

// A wrap that was made once must open for ever: the format may not change unnoticed.
TEST_F(WrappedKeyTest, GoldenWrapOpens) {
  const GoldenVectors golden = GoldenVectors::Load("wrapped_key.txt");
  EXPECT_EQ(Context().Encode(Account()), golden.at("context"));
  ASSERT_OK_AND_ASSIGN(const SecretBytes opened,
                       OpenWrappedKey(*key_, Account(), Context(), golden.at("wrapped")));
  EXPECT_TRUE(opened.ConstantTimeEquals(data_key_));
}

}  // namespace
}  // namespace comity::custody
