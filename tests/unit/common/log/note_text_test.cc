#include "services/common/log/note_text.h"

#include <string>

#include <gtest/gtest.h>

namespace comity {
namespace {

TEST(NoteTextTest, TextMayHoldLineFeedsAndEveryPlaneOfUnicode) {
  EXPECT_TRUE(IsNoteText(""));
  EXPECT_TRUE(IsNoteText("a\n\nb ~\x7f"));
  EXPECT_TRUE(IsNoteText("\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
  EXPECT_TRUE(IsNoteText("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

TEST(NoteTextTest, ControlCharactersAreRefused) {
  for (char c = 0; c < 0x20; ++c) {
    EXPECT_EQ(IsNoteText(std::string("a") + c), c == '\n') << static_cast<int>(c);
  }
}

TEST(NoteTextTest, BrokenUtf8IsRefused) {
  EXPECT_FALSE(IsNoteText("\x80"));              // continuation without a start
  EXPECT_FALSE(IsNoteText("\xc0\xaf"));          // overlong, two bytes
  EXPECT_FALSE(IsNoteText("\xe0\x80\xaf"));      // overlong, three bytes
  EXPECT_FALSE(IsNoteText("\xf0\x80\x80\xaf"));  // overlong, four bytes
  EXPECT_FALSE(IsNoteText("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(IsNoteText("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(IsNoteText("\xf8\x88\x80\x80"));  // no such start
  EXPECT_FALSE(IsNoteText("\xe2\x80"));          // cut off
  EXPECT_FALSE(IsNoteText("\xe2\x41\x80"));      // continuation missing
}

TEST(NoteTextTest, KeyNamesHoldNoWhiteSpaceOrPlus) {
  EXPECT_TRUE(IsNoteKeyName("example.comity/us/custody"));
  EXPECT_TRUE(IsNoteKeyName("\xe4\xb8\xad"));
  EXPECT_FALSE(IsNoteKeyName(""));
  EXPECT_FALSE(IsNoteKeyName("a b"));
  EXPECT_FALSE(IsNoteKeyName("a+b"));
  EXPECT_FALSE(IsNoteKeyName("a\nb"));
  EXPECT_FALSE(IsNoteKeyName("a\tb"));
  EXPECT_FALSE(IsNoteKeyName("a\xc2\x85"));      // U+0085
  EXPECT_FALSE(IsNoteKeyName("a\xc2\xa0"));      // U+00A0
  EXPECT_FALSE(IsNoteKeyName("a\xe1\x9a\x80"));  // U+1680
  EXPECT_FALSE(IsNoteKeyName("a\xe2\x80\x8a"));  // U+200A
  EXPECT_FALSE(IsNoteKeyName("a\xe2\x80\xa8"));  // U+2028
  EXPECT_FALSE(IsNoteKeyName("a\xe2\x80\xa9"));  // U+2029
  EXPECT_FALSE(IsNoteKeyName("a\xe2\x80\xaf"));  // U+202F
  EXPECT_FALSE(IsNoteKeyName("a\xe2\x81\x9f"));  // U+205F
  EXPECT_FALSE(IsNoteKeyName("a\xe3\x80\x80"));  // U+3000
  EXPECT_FALSE(IsNoteKeyName("a\xff"));
}

TEST(NoteTextTest, DecimalsArePlainAndBounded) {
  EXPECT_EQ(ParseNoteDecimal("0"), 0u);
  EXPECT_EQ(ParseNoteDecimal("20852163"), 20852163u);
  EXPECT_EQ(ParseNoteDecimal("9223372036854775807"), 9223372036854775807u);
  EXPECT_EQ(ParseNoteDecimal("9223372036854775808"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("99999999999999999999"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal(""), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("00"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("01"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("+1"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("-1"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal(" 1"), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("1 "), std::nullopt);
  EXPECT_EQ(ParseNoteDecimal("1a"), std::nullopt);
}

TEST(NoteTextTest, DigestsAreExactly32Bytes) {
  EXPECT_TRUE(ParseNoteDigest("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").has_value());
  EXPECT_FALSE(ParseNoteDigest("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==").has_value());
  EXPECT_FALSE(ParseNoteDigest("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").has_value());
  EXPECT_FALSE(ParseNoteDigest("").has_value());
  EXPECT_FALSE(ParseNoteDigest("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=").has_value());
}

TEST(NoteTextTest, LinesAreTakenOneByOneAndTheUnfinishedOneIsLeft) {
  std::string_view rest = "a\n\nb";
  EXPECT_EQ(TakeLine(rest), "a");
  EXPECT_EQ(TakeLine(rest), "");
  EXPECT_EQ(TakeLine(rest), std::nullopt);
  EXPECT_EQ(rest, "b");
}

}  // namespace
}  // namespace comity
