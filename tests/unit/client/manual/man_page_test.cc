#include "client/manual/man_page.h"

#include <string>

#include <gmock/gmock.h>

namespace comity::manual {
namespace {

using testing::HasSubstr;
using testing::Not;

ManPage Small() {
  ManPage page;
  page.name = "ship-send";
  page.command.path = "ship send";
  page.command.purpose = "Send files";
  page.command.paragraphs = {"See `ls`. Nothing is lost.", ".secret is sent too"};
  page.command.options = {{{"-t", "--to"}, "REGION", {}, "Where to", true, false},
                          {{"--dry"}, "", {}, "Only look", false, false}};
  page.command.arguments = {{{}, "FILE", {}, "A file", true, true}};
  page.command.examples = {{"ship send --to 'cn' a\\b", "to China"}};
  page.exit_status = {{"0", "done"}};
  page.see_also = {{"ship", 1}};
  page.version = "1.2";
  page.date = "January 2, 2026";
  return page;
}

TEST(ManPageTest, PageHasTheSectionsOfAManual) {
  const std::string text = RenderMan(Small());
  size_t last = 0;
  for (const char* section :
       {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "EXAMPLES", "SEE ALSO"}) {
    const size_t at = text.find(std::string(".Sh ") + section + "\n");
    ASSERT_NE(at, std::string::npos) << section;
    EXPECT_GT(at, last) << section;
    last = at;
  }
  EXPECT_THAT(text, HasSubstr(".Dt SHIP-SEND 1\n"));
  EXPECT_THAT(text, HasSubstr(".Nd send files\n"));
}

TEST(ManPageTest, OptionsAreMacros) {
  const std::string text = RenderMan(Small());
  EXPECT_THAT(text,
              HasSubstr(".Nm ship\n.Cm send\n.Fl -to Ar REGION\n.Op Fl -dry\n.Ar FILE ...\n"));
  EXPECT_THAT(text, HasSubstr(".It Fl t , Fl -to Ar REGION\nWhere to.\nRequired.\n"));
}

TEST(ManPageTest, TextIsNeverARequest) {
  const std::string text = RenderMan(Small());
  EXPECT_THAT(text, HasSubstr("\n\\&.secret is sent too.\n"));
  EXPECT_THAT(text, HasSubstr("ship send \\-\\-to \\(aqcn\\(aq a\\eb\n"));
  EXPECT_THAT(text, Not(HasSubstr("\n.secret")));
}

TEST(ManPageTest, EachSentenceHasALine) {
  EXPECT_THAT(RenderMan(Small()), HasSubstr("See \\(lqls\\(rq.\nNothing is lost.\n"));
}

}  // namespace
}  // namespace comity::manual
