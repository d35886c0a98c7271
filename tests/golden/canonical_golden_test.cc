#include <map>
#include <string>
#include <vector>

#include "services/common/encoding/canonical.h"
#include "tests/testing/golden.h"
#include "tests/testing/hex.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

const std::vector<std::string> kList = {"two", "", "one"};
const std::map<std::string, std::string> kMap = {
    {"", "empty key"}, {"a", "1"}, {"b", ""}, {"\xff", "last"}};

std::string Nested() { return std::move(CanonicalWriter(2).Bytes(2, "nested")).Finish(); }

TEST(CanonicalGoldenTest, VersionAloneIsWrittenAsRecorded) {
  EXPECT_EQ(ToHex(CanonicalWriter(1).Finish()),
            ToHex(GoldenVectors::Load("canonical.txt").at("version_only")));
}

TEST(CanonicalGoldenTest, EveryKindOfFieldIsWrittenAsRecorded) {
  const std::string record = std::move(CanonicalWriter(1)
                                           .Bytes(2, "ascii")
                                           .Bytes(3, "")
                                           .U8(4, 7)
                                           .U16(5, 0x0102)
                                           .U32(6, 0x01020304)
                                           .U64(7, 0x0102030405060708)
                                           .List(8, kList)
                                           .List(9, {})
                                           .Map(16, kMap)
                                           .Bytes(17, Nested())
                                           .Bytes(65535, "end"))
                                 .Finish();
  EXPECT_EQ(ToHex(record), ToHex(GoldenVectors::Load("canonical.txt").at("every_kind")));
}

TEST(CanonicalGoldenTest, RecordedBytesAreReadAsMeant) {
  const std::string record = GoldenVectors::Load("canonical.txt").at("every_kind");
  ASSERT_OK_AND_ASSIGN(CanonicalReader reader, CanonicalReader::Open(record, 1));
  EXPECT_THAT(reader.Bytes(2), IsOkAndHolds("ascii"));
  EXPECT_THAT(reader.Bytes(3), IsOkAndHolds(""));
  EXPECT_THAT(reader.U8(4), IsOkAndHolds(7));
  EXPECT_THAT(reader.U16(5), IsOkAndHolds(0x0102));
  EXPECT_THAT(reader.U32(6), IsOkAndHolds(0x01020304));
  EXPECT_THAT(reader.U64(7), IsOkAndHolds(0x0102030405060708));
  EXPECT_THAT(reader.List(8), IsOkAndHolds(kList));
  EXPECT_THAT(reader.List(9), IsOkAndHolds(::testing::IsEmpty()));
  EXPECT_THAT(reader.Map(16), IsOkAndHolds(kMap));
  EXPECT_THAT(reader.Bytes(17), IsOkAndHolds(Nested()));
  EXPECT_THAT(reader.Bytes(65535), IsOkAndHolds("end"));
  EXPECT_THAT(reader.Finish(), IsOk());
}

}  // namespace
}  // namespace comity
