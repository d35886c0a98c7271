#include "services/common/statement/fields.h"

#include <limits>

#include "services/common/statement/account.h"
#include "services/common/statement/legal.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

// A record of every kind of member.
struct Everything {
  std::string text;
  uint8_t u8 = 0;
  uint16_t u16 = 0;
  uint32_t u32 = 0;
  uint64_t u64 = 0;
  int64_t time = 0;
  Digest id;
  RegionId region;
  DataClass one = DataClass::kC0;
  std::optional<std::string> maybe;
  std::vector<std::string> texts;
  std::vector<ContentId> ids;
  std::vector<DataClass> classes;
  std::map<std::string, std::string> map;
  std::vector<ChainHead> records;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.text), io(17, b.u8), io(18, b.u16), io(19, b.u32), io(20, b.u64), io(21, b.time);
    io(22, b.id), io(23, b.region), io(24, b.one), io(25, b.maybe), io(26, b.texts), io(27, b.ids);
    io(28, b.classes), io(29, b.map), io(30, b.records);
  }
};

Everything Full() {
  Everything e;
  e.text = "text";
  e.u8 = 0xfe;
  e.u16 = 0xfedc;
  e.u32 = 0xfedcba98;
  e.u64 = std::numeric_limits<uint64_t>::max();
  e.time = std::numeric_limits<int64_t>::max();
  e.id = *Digest::FromBytes(std::string(32, 'd'));
  e.region = *RegionId::Create("cn");
  e.one = DataClass::kC5;
  e.maybe = "";
  e.texts = {"b", "", "a"};
  e.ids = {*ContentId::FromBytes(std::string(16, 'c'))};
  e.classes = {DataClass::kC4, DataClass::kC0};
  e.map = {{"", "x"}, {"k", ""}};
  e.records = {{7, *Digest::FromBytes(std::string(32, 'h'))}, {}};
  return e;
}

TEST(FieldsTest, EveryKindOfMemberIsReadBack) {
  const Everything e = Full();
  ASSERT_OK_AND_ASSIGN(const Everything read, DecodeRecord<Everything>(EncodeRecord(e)));
  EXPECT_EQ(read.text, e.text);
  EXPECT_EQ(read.u8, e.u8);
  EXPECT_EQ(read.u16, e.u16);
  EXPECT_EQ(read.u32, e.u32);
  EXPECT_EQ(read.u64, e.u64);
  EXPECT_EQ(read.time, e.time);
  EXPECT_EQ(read.id, e.id);
  EXPECT_EQ(read.region, e.region);
  EXPECT_EQ(read.one, e.one);
  EXPECT_EQ(read.maybe, e.maybe);
  EXPECT_EQ(read.texts, e.texts);
  EXPECT_EQ(read.ids, e.ids);
  EXPECT_EQ(read.classes, e.classes);
  EXPECT_EQ(read.map, e.map);
  EXPECT_EQ(read.records, e.records);
}

TEST(FieldsTest, AbsentDiffersFromEmpty) {
  Everything e = Full();
  const std::string with_empty = EncodeRecord(e);
  e.maybe.reset();
  const std::string without = EncodeRecord(e);
  EXPECT_EQ(without.size() + 6, with_empty.size());
  ASSERT_OK_AND_ASSIGN(const Everything read, DecodeRecord<Everything>(without));
  EXPECT_EQ(read.maybe, std::nullopt);
}

// Refusals: `change` makes a record that writes what no reader takes.
std::string CauseAfter(void (*change)(Everything&)) {
  Everything e = Full();
  change(e);
  const absl::StatusOr<Everything> read = DecodeRecord<Everything>(EncodeRecord(e));
  EXPECT_THAT(read, RefusedWith(Reason::kStatementMalformed));
  return CauseOf(read.status());
}

TEST(FieldsTest, NegativeTimeIsRefused) {
  EXPECT_EQ(CauseAfter([](Everything& e) { e.time = -1; }), "negative time");
}

TEST(FieldsTest, UnknownEnumIsRefused) {
  EXPECT_EQ(CauseAfter([](Everything& e) { e.one = static_cast<DataClass>(8); }),
            "no such enum value");
  EXPECT_EQ(CauseAfter([](Everything& e) { e.one = static_cast<DataClass>(0); }),
            "no such enum value");
  EXPECT_EQ(CauseAfter([](Everything& e) { e.classes.push_back(static_cast<DataClass>(8)); }),
            "no such enum value");
}

TEST(FieldsTest, EmptyRegionIsRefused) {
  EXPECT_EQ(CauseAfter([](Everything& e) { e.region = RegionId(); }), "not a region name");
}

// Writes the list of tag 16 that another record reads as its own kind.
struct Texts {
  std::vector<std::string> items;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.items);
  }
};
template <typename Item>
struct Items {
  std::vector<Item> items;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.items);
  }
};

template <typename Item>
absl::Status Read(std::string item) {
  return DecodeRecord<Items<Item>>(EncodeRecord(Texts{{std::move(item)}})).status();
}

TEST(FieldsTest, IdOfAWrongLengthInAListIsRefused) {
  EXPECT_THAT(Read<ContentId>(std::string(16, 'c')), IsOk());
  EXPECT_EQ(CauseOf(Read<ContentId>(std::string(15, 'c'))), "id of a wrong length");
}

TEST(FieldsTest, EnumOfAWrongLengthInAListIsRefused) {
  EXPECT_THAT(Read<DataClass>("\1"), IsOk());
  EXPECT_EQ(CauseOf(Read<DataClass>("\1\1")), "enum of a wrong length");
  EXPECT_EQ(CauseOf(Read<DataClass>("")), "enum of a wrong length");
}

TEST(FieldsTest, BrokenRecordInAListIsRefused) {
  const std::string head = EncodeRecord(ChainHead{});
  EXPECT_THAT(Read<ChainHead>(head), IsOk());
  EXPECT_THAT(Read<ChainHead>(head.substr(1)), RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(Read<ChainHead>(head + "x"), RefusedWith(Reason::kStatementMalformed));
}

TEST(FieldsTest, FirstErrorIsKept) {
  const std::string bytes = EncodeRecord(Texts{{"x"}});
  ASSERT_OK_AND_ASSIGN(CanonicalReader reader, CanonicalReader::Open(bytes, 1));
  FieldReader fields(reader);
  std::string text = "kept";
  fields(17, text);  // not there
  const absl::Status first = fields.status();
  std::vector<std::string> items;
  fields(16, items);  // there, but too late
  EXPECT_EQ(fields.status(), first);
  EXPECT_EQ(text, "kept");
  EXPECT_TRUE(items.empty());
}

}  // namespace
}  // namespace comity
