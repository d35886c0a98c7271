#include "services/common/ids/ids.h"

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"

#include "tests/testing/matchers.h"

namespace comity {
namespace {

static_assert(!std::is_convertible_v<ObjectId, ContentId>);
static_assert(AccountId::kSize == 20);
static_assert(Digest::kSize == 32);

// RFC 4648 section 10, lower case and without padding.
const std::vector<std::pair<std::string, std::string>>& PublishedBase32() {
  static const std::vector<std::pair<std::string, std::string>> vectors = {
      {"", ""},
      {"f", "my"},
      {"fo", "mzxq"},
      {"foo", "mzxw6"},
      {"foob", "mzxw6yq"},
      {"fooba", "mzxw6ytb"},
      {"foobar", "mzxw6ytboi"}};
  return vectors;
}

TEST(Base32Test, PublishedVectorsMatchBothWays) {
  for (const auto& [bytes, text] : PublishedBase32()) {
    EXPECT_EQ(Base32Encode(bytes), text);
    EXPECT_THAT(Base32Decode(text), IsOkAndHolds(bytes));
  }
}

TEST(Base32Test, EveryByteSurvivesARoundTrip) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes.push_back(static_cast<char>(i));
    EXPECT_THAT(Base32Decode(Base32Encode(bytes)), IsOkAndHolds(bytes));
  }
}

TEST(Base32Test, DecodingFailsForLettersOutsideTheAlphabet) {
  for (const char* text : {"MY", "m1", "m0", "m8", "m9", "m=", "my======", "m ", "m-"}) {
    EXPECT_THAT(Base32Decode(text), RefusedWith(Reason::kFieldInvalid)) << text;
  }
  EXPECT_THAT(Base32Decode(std::string_view("m\0", 2)), RefusedWith(Reason::kFieldInvalid));
}

TEST(Base32Test, DecodingFailsForALengthThatNoBytesHave) {
  for (const char* text : {"a", "aaa", "aaaaaa", "aaaaaaaaa"}) {
    EXPECT_THAT(Base32Decode(text), RefusedWith(Reason::kFieldInvalid)) << text;
  }
}

TEST(Base32Test, DecodingFailsWhenSpareBitsAreSet) {
  for (const char* text : {"mz", "mzxr", "mzxw7", "mzxw6yr"}) {
    EXPECT_THAT(Base32Decode(text), RefusedWith(Reason::kFieldInvalid)) << text;
  }
}

TEST(FixedIdTest, ParseReadsWhatToStringWrites) {
  ASSERT_OK_AND_ASSIGN(const AccountId id, AccountId::FromBytes("0123456789abcdefghij"));
  EXPECT_EQ(id.bytes(), "0123456789abcdefghij");
  EXPECT_EQ(id.ToString().size(), 32);
  EXPECT_THAT(AccountId::Parse(id.ToString()), IsOkAndHolds(id));
}

TEST(FixedIdTest, FromBytesFailsForAnotherLength) {
  EXPECT_THAT(ObjectId::FromBytes(std::string(15, 'x')), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ObjectId::FromBytes(std::string(17, 'x')), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ObjectId::FromBytes(""), RefusedWith(Reason::kFieldInvalid));
}

TEST(FixedIdTest, ParseFailsForAnotherLength) {
  EXPECT_THAT(ObjectId::Parse(Base32Encode(std::string(20, 'x'))),
              RefusedWith(Reason::kFieldInvalid));
}

TEST(FixedIdTest, ParseFailsForAnotherWriting) {
  EXPECT_THAT(ObjectId::Parse("AAAAAAAAAAAAAAAAAAAAAAAAAA"), RefusedWith(Reason::kFieldInvalid));
}

TEST(FixedIdTest, DefaultIsZero) {
  EXPECT_TRUE(Digest().IsZero());
  ASSERT_OK_AND_ASSIGN(const Digest one, Digest::FromBytes(std::string(31, '\0') + '\1'));
  EXPECT_FALSE(one.IsZero());
}

TEST(FixedIdTest, OrderIsThatOfUnsignedBytes) {
  ASSERT_OK_AND_ASSIGN(const RequestId low, RequestId::FromBytes(std::string(16, '\x7f')));
  ASSERT_OK_AND_ASSIGN(const RequestId high, RequestId::FromBytes(std::string(16, '\x80')));
  EXPECT_LT(low, high);
  EXPECT_NE(low, high);
}

TEST(FixedIdTest, EqualIdsHashAlike) {
  ASSERT_OK_AND_ASSIGN(const ContentId a, ContentId::FromBytes(std::string(16, 'a')));
  ASSERT_OK_AND_ASSIGN(const ContentId b, ContentId::FromBytes(std::string(16, 'a')));
  EXPECT_EQ(absl::HashOf(a), absl::HashOf(b));
}

TEST(RegionIdTest, ValidNamesAreKept) {
  for (const char* name : {"a", "us", "cn-north", "eu-west-1", "abcdefghijklmnop"}) {
    ASSERT_OK_AND_ASSIGN(const RegionId region, RegionId::Create(name));
    EXPECT_EQ(region.name(), name);
    EXPECT_FALSE(region.empty());
  }
}

TEST(RegionIdTest, CreateFailsForOtherNames) {
  for (const char* name :
       {"", "US", "1us", "-us", "us_1", "us.1", "us/1", "us ", "abcdefghijklmnopq", "中"}) {
    EXPECT_THAT(RegionId::Create(name), RefusedWith(Reason::kFieldInvalid)) << name;
  }
}

TEST(RegionIdTest, DefaultIsEmpty) { EXPECT_TRUE(RegionId().empty()); }

}  // namespace
}  // namespace comity
