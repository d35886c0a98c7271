#include "client/objects/object_name.h"

#include <string>

#include <gmock/gmock.h>

#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::HasSubstr;
using testing::Optional;

TEST(ObjectNameTest, NamesOfAnyScriptAndFormAreAccepted) {
  for (const std::string name :
       {"a", "letter.pdf", "photos/cat.jpg", "../../etc/passwd", "/abs", "a/../b", ".", "..", "a/",
        "写真/猫.jpg", "\u202egpj.exe", "\U0001F600", " ", "-rf", "e\u0301", "\u00e9", "\\"}) {
    EXPECT_THAT(CheckObjectName(name), IsOk()) << name;
  }
  EXPECT_THAT(CheckObjectName(std::string(kMaxObjectName, 'n')), IsOk());
}

TEST(ObjectNameTest, EmptyAndLongNamesAreRefused) {
  for (const size_t size : {size_t{0}, kMaxObjectName + 1, size_t{64} << 10}) {
    const absl::Status refused = CheckObjectName(std::string(size, 'n'));
    EXPECT_THAT(refused, RefusedWith(Reason::kFieldInvalid)) << size;
    EXPECT_THAT(refused.message(), HasSubstr("1 to 1,024 bytes"));
  }
}

TEST(ObjectNameTest, ControlCharactersAreRefused) {
  for (const std::string& name :
       {std::string("a\0b", 3), std::string("a\nb"), std::string("\x1b[2J"), std::string("\x7f"),
        std::string("\u0085"), std::string("\r")}) {
    const absl::Status refused = CheckObjectName(name);
    EXPECT_THAT(refused, RefusedWith(Reason::kFieldInvalid)) << PrintableName(name);
    EXPECT_THAT(refused.message(), HasSubstr("control character"));
  }
}

TEST(ObjectNameTest, BytesThatAreNoUtf8AreRefused) {
  for (const std::string name :
       {"\xff", "a\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xc3(", "\xfe\xff"}) {
    const absl::Status refused = CheckObjectName(name);
    EXPECT_THAT(refused, RefusedWith(Reason::kFieldInvalid)) << PrintableName(name);
    EXPECT_THAT(refused.message(), HasSubstr("not UTF-8"));
  }
}

TEST(ObjectNameTest, TheLastPartOfANameIsItsFile) {
  EXPECT_THAT(FileNameOf("letter.pdf"), Optional(std::string("letter.pdf")));
  EXPECT_THAT(FileNameOf("photos/cat.jpg"), Optional(std::string("cat.jpg")));
  EXPECT_THAT(FileNameOf("../../etc/passwd"), Optional(std::string("passwd")));
  EXPECT_THAT(FileNameOf("/abs"), Optional(std::string("abs")));
  EXPECT_THAT(FileNameOf("..."), Optional(std::string("...")));
}

TEST(ObjectNameTest, NamesThatEndInNoFileHaveNone) {
  for (const std::string& name :
       {std::string(), std::string("a/"), std::string("/"), std::string("."), std::string(".."),
        std::string("a/.."), std::string("a/."), std::string("x\0.pdf", 6), std::string("a/x\ny"),
        std::string("\xff"), "a/" + std::string(201, 'n')}) {
    EXPECT_FALSE(FileNameOf(name).has_value()) << PrintableName(name);
  }
}

TEST(ObjectNameTest, WhatATerminalWouldActOnIsShownInstead) {
  EXPECT_EQ(PrintableName("写真/猫 1.jpg"), "写真/猫 1.jpg");
  EXPECT_EQ(PrintableName("a\nb\x1b[2J"), "a\\u{a}b\\u{1b}[2J");
  EXPECT_EQ(PrintableName(std::string("a\0b", 3)), "a\\u{0}b");
  EXPECT_EQ(PrintableName("\u202egpj.exe"), "\\u{202e}gpj.exe");
  EXPECT_EQ(PrintableName("a\u2028b\u200b"), "a\\u{2028}b\\u{200b}");
  EXPECT_EQ(PrintableName("\xff\xc3"), "\\xff\\xc3");
}

}  // namespace
}  // namespace comity
