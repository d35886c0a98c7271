#include "services/common/statement/leaf.h"

#include "services/common/crypto/digest.h"
#include "services/common/statement/fields.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

Leaf Example() {
  Leaf leaf;
  leaf.type = "key.release";
  leaf.day = 17590 * kDayMs;
  leaf.region = *RegionId::Create("us");
  leaf.clear = {{"kind", "resident"}};
  leaf.commitments = {{"account", std::string(32, 'c')}};
  return leaf;
}

std::string CauseOfReading(const Leaf& leaf) {
  const absl::StatusOr<Leaf> read = DecodeLeaf(EncodeRecord(leaf));
  EXPECT_THAT(read, RefusedWith(Reason::kStatementMalformed));
  return CauseOf(read.status());
}

TEST(LeafTest, IsReadBack) {
  ASSERT_OK_AND_ASSIGN(const Leaf read, DecodeLeaf(EncodeLeaf(Example())));
  EXPECT_EQ(read.type, "key.release");
  EXPECT_EQ(read.day, Example().day);
  EXPECT_EQ(read.region.name(), "us");
  EXPECT_EQ(read.clear, Example().clear);
  EXPECT_EQ(read.commitments, Example().commitments);
}

TEST(LeafTest, TimeIsRoundedDownToTheDayWhenEncoded) {
  Leaf leaf = Example();
  leaf.day += kDayMs - 1;
  EXPECT_EQ(EncodeLeaf(leaf), EncodeLeaf(Example()));
}

TEST(LeafTest, ReadingFailsWhenTheTimeIsNotADay) {
  Leaf leaf = Example();
  ++leaf.day;
  EXPECT_EQ(CauseOfReading(leaf), "the time of a leaf is not a day");
}

TEST(LeafTest, ReadingFailsWithoutType) {
  Leaf leaf = Example();
  leaf.type.clear();
  EXPECT_EQ(CauseOfReading(leaf), "leaf without a type");
}

TEST(LeafTest, ReadingFailsWhenAClearFieldIsNotAscii) {
  for (const auto& [name, value] :
       {std::pair<std::string, std::string>{"", "x"}, {"n\n", "x"}, {"n", "\x80"}}) {
    Leaf leaf = Example();
    leaf.clear[name] = value;
    EXPECT_EQ(CauseOfReading(leaf), "a clear field of a leaf is not ASCII");
  }
}

TEST(LeafTest, ReadingFailsWhenACommitmentHasAnotherLength) {
  for (const size_t size : {0, 31, 33}) {
    Leaf leaf = Example();
    leaf.commitments["account"] = std::string(size, 'c');
    EXPECT_EQ(CauseOfReading(leaf), "a commitment of a leaf has not 32 bytes");
  }
}

TEST(LeafTest, ReadingFailsWhenItIsTooLong) {
  EXPECT_EQ(CauseOf(DecodeLeaf(std::string(65'536, 'x')).status()), "leaf too long");
}

TEST(LeafTest, ReadingFailsWhenCutShortOrContinued) {
  const std::string bytes = EncodeLeaf(Example());
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THAT(DecodeLeaf(bytes.substr(0, size)), RefusedWith(Reason::kStatementMalformed));
  }
  EXPECT_THAT(DecodeLeaf(bytes + "x"), RefusedWith(Reason::kStatementMalformed));
}

TEST(LeafTest, CommitmentIsTheHashOfSaltDomainAndValue) {
  const std::string salt(32, 's');
  EXPECT_EQ(Commit(salt, "t/f", "value"), Sha256(salt + std::string("\0\0\0\3", 4) + "t/f" +
                                                 std::string("\0\0\0\5", 4) + "value"));
}

TEST(LeafTest, CommitmentTellsWhereDomainEndsAndValueBegins) {
  const std::string salt(32, 's');
  EXPECT_NE(Commit(salt, "ab", "c"), Commit(salt, "a", "bc"));
}

TEST(LeafDeathTest, CommitmentNeedsAWholeSalt) {
  EXPECT_DEATH((void)Commit("short", "t/f", "value"), "salt.size");
}

}  // namespace
}  // namespace comity
