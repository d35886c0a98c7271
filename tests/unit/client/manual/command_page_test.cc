#include "client/manual/command_page.h"

#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

#include "client/manual/help_formatter.h"

namespace comity::manual {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

enum class Colour : uint8_t { kRed, kBlue };

class CommandPageTest : public testing::Test {
 protected:
  CommandPageTest() : app_("ship: send things\n\nBy sea.", "ship") {
    app_.formatter(std::make_shared<HelpFormatter>());
    app_.footer("First steps:\n  ship send --to cn a.txt    send a file\n  ship ls\n\nThe end.");
    app_.add_flag("--json", json_, "For programs");
    CLI::App* send = app_.add_subcommand("send", "Send files.");
    send->add_option("--to", to_, "Where to")->required()->type_name("REGION");
    send->add_option("-c,--colour", colour_, "Its colour")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, Colour>{{"red", Colour::kRed}, {"blue", Colour::kBlue}}));
    send->add_option("--max", max_, "At most so many")->capture_default_str();
    send->add_option("file", files_, "Files")->required();
    send->footer(
        "Example: ship send a.txt \\\n  --to cn\nCome back soon.\nExits with 3 at low tide.");
    app_.add_subcommand("ls", "List");
    app_.add_subcommand("secret", "Not for everybody")->group("");
  }
  bool json_ = false;
  std::string to_;
  Colour colour_ = Colour::kRed;
  int max_ = 7;
  std::vector<std::string> files_;
  CLI::App app_;
};

TEST_F(CommandPageTest, ValuesChoicesAndDefaultsAreRead) {
  const CommandPage page = Describe(*app_.get_subcommand("send"));
  EXPECT_EQ(page.path, "ship send");
  EXPECT_EQ(page.purpose, "Send files");
  ASSERT_NE(page.FindOption("--to"), nullptr);
  EXPECT_EQ(page.FindOption("--to")->value, "REGION");
  EXPECT_TRUE(page.FindOption("--to")->required);
  EXPECT_THAT(page.FindOption("-c")->choices, ElementsAre("blue", "red"));
  EXPECT_EQ(page.FindOption("-c")->value, "blue|red");
  EXPECT_EQ(page.FindOption("--max")->value, "N");
  EXPECT_THAT(page.FindOption("--max")->text, HasSubstr("default: 7"));
  EXPECT_EQ(page.FindOption("--from"), nullptr);
  ASSERT_EQ(page.arguments.size(), 1u);
  EXPECT_EQ(Signature(page.arguments[0]), "FILE...");
  EXPECT_EQ(Synopsis(page), "ship send --to REGION [OPTIONS] FILE...");
}

TEST_F(CommandPageTest, FootersAreReadAsExamplesAndProse) {
  const CommandPage root = Describe(app_);
  ASSERT_EQ(root.examples.size(), 2u);
  EXPECT_EQ(root.examples[0].command, "ship send --to cn a.txt");
  EXPECT_EQ(root.examples[0].text, "send a file");
  EXPECT_EQ(root.examples[1].command, "ship ls");
  EXPECT_THAT(root.paragraphs, ElementsAre("By sea.", "The end."));
  const CommandPage send = Describe(*app_.get_subcommand("send"));
  ASSERT_EQ(send.examples.size(), 1u);
  EXPECT_EQ(send.examples[0].command, "ship send a.txt \\\n  --to cn");
  EXPECT_THAT(send.paragraphs, ElementsAre("Come back soon. Exits with 3 at low tide."));
}

TEST_F(CommandPageTest, FooterOfTheParentIsNotTheCommandsOwn) {
  const CommandPage page = Describe(*app_.get_subcommand("ls"));
  EXPECT_EQ(page.footer, "");
  EXPECT_THAT(page.examples, IsEmpty());
}

TEST_F(CommandPageTest, HiddenCommandsAreLeftOut) {
  const CommandPage root = Describe(app_);
  EXPECT_NE(root.Find("ls"), nullptr);
  EXPECT_EQ(root.Find("secret"), nullptr);
}

TEST_F(CommandPageTest, HelpShowsValuesInWordsAndFitsTheScreen) {
  const std::string help = app_.get_subcommand("send")->help();
  EXPECT_THAT(help, HasSubstr("Send files.\n\nUsage: ship send --to REGION [OPTIONS] FILE...\n"));
  EXPECT_THAT(help, HasSubstr("--to REGION"));
  EXPECT_THAT(help, HasSubstr("Where to (required)"));
  EXPECT_THAT(help, HasSubstr("-c, --colour blue|red"));
  EXPECT_THAT(help, HasSubstr("Exits with 3 at low tide."));
  EXPECT_THAT(help, Not(HasSubstr("First steps")));
  for (size_t begin = 0; begin < help.size();) {
    const size_t end = help.find('\n', begin);
    EXPECT_LE(end - begin, 100u) << help.substr(begin, end - begin);
    begin = end + 1;
  }
}

}  // namespace
}  // namespace comity::manual
