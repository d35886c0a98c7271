#include "services/common/encoding/canonical.h"

#include <map>
#include <string>
#include <vector>

#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

const std::string kVersion1 = FromHex(
    "0001"
    "00000002"
    "0001");

CanonicalReader OpenOrDie(std::string_view bytes) {
  absl::StatusOr<CanonicalReader> reader = CanonicalReader::Open(bytes, 1);
  EXPECT_THAT(reader.status(), IsOk());
  return *std::move(reader);
}

TEST(CanonicalTest, EveryKindOfFieldIsReadBack) {
  const std::vector<std::string> list = {"b", "", "a", "b"};
  const std::map<std::string, std::string> map = {{"", "empty"}, {"k", ""}, {"\xff", "v"}};
  const std::string bytes = std::move(CanonicalWriter(1)
                                          .Bytes(2, std::string("a\0b", 3))
                                          .U8(3, 0xfe)
                                          .U16(4, 0xfedc)
                                          .U32(5, 0xfedcba98)
                                          .U64(6, 0xfedcba9876543210)
                                          .List(7, list)
                                          .Map(8, map)
                                          .Bytes(65535, ""))
                                .Finish();
  CanonicalReader reader = OpenOrDie(bytes);
  EXPECT_THAT(reader.Bytes(2), IsOkAndHolds(std::string("a\0b", 3)));
  EXPECT_THAT(reader.U8(3), IsOkAndHolds(0xfe));
  EXPECT_THAT(reader.U16(4), IsOkAndHolds(0xfedc));
  EXPECT_THAT(reader.U32(5), IsOkAndHolds(0xfedcba98));
  EXPECT_THAT(reader.U64(6), IsOkAndHolds(0xfedcba9876543210));
  EXPECT_THAT(reader.List(7), IsOkAndHolds(list));
  EXPECT_THAT(reader.Map(8), IsOkAndHolds(map));
  EXPECT_THAT(reader.FixedBytes(65535, 0), IsOkAndHolds(""));
  EXPECT_THAT(reader.Finish(), IsOk());
}

TEST(CanonicalTest, EmptyListAndMapAreFields) {
  const std::string bytes = std::move(CanonicalWriter(1).List(2, {}).Map(3, {})).Finish();
  CanonicalReader reader = OpenOrDie(bytes);
  EXPECT_THAT(reader.List(2), IsOkAndHolds(::testing::IsEmpty()));
  EXPECT_THAT(reader.Map(3), IsOkAndHolds(::testing::IsEmpty()));
}

TEST(CanonicalTest, RecordsNest) {
  const std::string inner = std::move(CanonicalWriter(7).U8(2, 9)).Finish();
  const std::string outer = std::move(CanonicalWriter(1).Bytes(2, inner)).Finish();
  CanonicalReader reader = OpenOrDie(outer);
  ASSERT_OK_AND_ASSIGN(const std::string_view field, reader.Bytes(2));
  ASSERT_OK_AND_ASSIGN(CanonicalReader nested, CanonicalReader::Open(field, 7));
  EXPECT_THAT(nested.U8(2), IsOkAndHolds(9));
}

TEST(CanonicalTest, AbsentDiffersFromEmpty) {
  const std::string bytes = std::move(CanonicalWriter(1).Bytes(3, "")).Finish();
  CanonicalReader reader = OpenOrDie(bytes);
  EXPECT_FALSE(reader.Has(2));
  EXPECT_TRUE(reader.Has(3));
}

TEST(CanonicalWriterDeathTest, TagsThatDoNotAscendEndTheProcess) {
  EXPECT_DEATH(CanonicalWriter(1).U8(3, 0).U8(2, 0), "check failed");
  EXPECT_DEATH(CanonicalWriter(1).U8(2, 0).U8(2, 0), "check failed");
  EXPECT_DEATH(CanonicalWriter(1).U8(1, 0), "check failed");
}

TEST(CanonicalReaderTest, OpenFailsWithoutVersion) {
  EXPECT_THAT(CanonicalReader::Open("", 1), RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(CanonicalReader::Open(FromHex("0002"
                                            "00000000"),
                                    1),
              RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, OpenFailsForAnotherVersion) {
  EXPECT_THAT(CanonicalReader::Open(kVersion1, 2), RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, OpenFailsWhenVersionHasAnotherWidth) {
  EXPECT_THAT(CanonicalReader::Open(FromHex("0001"
                                            "00000001"
                                            "01"),
                                    1),
              RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, OpenFailsForEveryTruncation) {
  const std::string bytes = std::move(CanonicalWriter(1).Bytes(2, "abc").U64(3, 1)).Finish();
  const std::vector<size_t> whole = {8, 17};  // where a shorter record ends
  for (size_t size = 0; size < bytes.size(); ++size) {
    const bool at_field_end = size == whole[0] || size == whole[1];
    EXPECT_EQ(CanonicalReader::Open(bytes.substr(0, size), 1).ok(), at_field_end) << size;
  }
}

TEST(CanonicalReaderTest, OpenFailsWhenBytesFollow) {
  EXPECT_THAT(CanonicalReader::Open(kVersion1 + '\0', 1), RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, OpenFailsWhenATagRepeatsOrDescends) {
  EXPECT_THAT(CanonicalReader::Open(kVersion1 + kVersion1, 1),
              RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(CanonicalReader::Open(kVersion1 + FromHex("0003"
                                                        "00000000"
                                                        "0002"
                                                        "00000000"),
                                    1),
              RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, OpenFailsForTagZero) {
  EXPECT_THAT(CanonicalReader::Open(FromHex("0000"
                                            "00000000") +
                                        kVersion1,
                                    1),
              RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, OpenFailsForALengthBeyondTheEnd) {
  EXPECT_THAT(CanonicalReader::Open(kVersion1 + FromHex("0002"
                                                        "ffffffff"
                                                        "00"),
                                    1),
              RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, MissingFieldIsRefusedAndNamed) {
  CanonicalReader reader = OpenOrDie(kVersion1);
  const absl::Status status = reader.Bytes(17).status();
  EXPECT_THAT(status, RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tag 17"));
}

TEST(CanonicalReaderTest, FieldOutOfOrderIsRefused) {
  const std::string bytes = std::move(CanonicalWriter(1).U8(2, 0).U8(3, 0)).Finish();
  CanonicalReader reader = OpenOrDie(bytes);
  EXPECT_THAT(reader.U8(3), RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, FieldIsReadOnlyOnce) {
  const std::string bytes = std::move(CanonicalWriter(1).U8(2, 0)).Finish();
  CanonicalReader reader = OpenOrDie(bytes);
  EXPECT_THAT(reader.U8(2), IsOk());
  EXPECT_THAT(reader.U8(2), RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, IntegerOfAnotherWidthIsRefused) {
  const std::string bytes = std::move(CanonicalWriter(1).U32(2, 5)).Finish();
  EXPECT_THAT(OpenOrDie(bytes).U8(2), RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(OpenOrDie(bytes).U16(2), RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(OpenOrDie(bytes).U64(2), RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(OpenOrDie(bytes).FixedBytes(2, 3), RefusedWith(Reason::kStatementMalformed));
}

TEST(CanonicalReaderTest, UnreadFieldIsRefusedAtTheEndAndNamed) {
  const std::string bytes = std::move(CanonicalWriter(1).U8(2, 0).U8(300, 0)).Finish();
  CanonicalReader reader = OpenOrDie(bytes);
  EXPECT_THAT(reader.U8(2), IsOk());
  const absl::Status status = reader.Finish();
  EXPECT_THAT(status, RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(std::string(status.message()), HasSubstr("tag 300"));
}

class CanonicalListTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CanonicalListTest, MalformedListIsRefused) {
  const std::string bytes = std::move(CanonicalWriter(1).Bytes(2, FromHex(GetParam()))).Finish();
  EXPECT_THAT(OpenOrDie(bytes).List(2), RefusedWith(Reason::kStatementMalformed));
}

INSTANTIATE_TEST_SUITE_P(Framing, CanonicalListTest,
                         ::testing::Values("",                    // no count
                                           "000000",              // half a count
                                           "00000001",            // no element
                                           "ffffffff",            // a count beyond all bytes
                                           "0000000100000002aa",  // an element cut short
                                           "0000000200000001aa",  // one element of two
                                           "00000001"
                                           "00000001"
                                           "aa"
                                           "00",            // bytes follow
                                           "0000000000"));  // bytes follow no element

class CanonicalMapTest : public ::testing::TestWithParam<const char*> {};

TEST_P(CanonicalMapTest, MalformedMapIsRefused) {
  const std::string bytes = std::move(CanonicalWriter(1).Bytes(2, FromHex(GetParam()))).Finish();
  EXPECT_THAT(OpenOrDie(bytes).Map(2), RefusedWith(Reason::kStatementMalformed));
}

INSTANTIATE_TEST_SUITE_P(Framing, CanonicalMapTest,
                         ::testing::Values("00000001"
                                           "00000001"
                                           "61",  // a key without value
                                                  // b before a
                                           "00000004"
                                           "0000000162"
                                           "00000000"
                                           "0000000161"
                                           "00000000",
                                           // a twice
                                           "00000004"
                                           "0000000161"
                                           "00000000"
                                           "0000000161"
                                           "00000000",
                                           // 0xff sorts after a: bytes are unsigned
                                           "00000004"
                                           "00000001ff"
                                           "00000000"
                                           "0000000161"
                                           "00000000",
                                           "00000002"
                                           "0000000161"));  // cut short

}  // namespace
}  // namespace comity
