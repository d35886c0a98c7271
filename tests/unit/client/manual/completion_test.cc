#include "client/manual/completion.h"

#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

namespace comity::manual {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class CompletionTest : public testing::Test {
 protected:
  CompletionTest() : app_("ship: send things", "ship") {
    app_.add_option("--profile", text_, "Who")->type_name("PROFILE");
    app_.add_flag("--json", flag_, "For programs");
    CLI::App* send = app_.add_subcommand("send", "Send files");
    send->add_option("--to", text_, "Where to")->type_name("REGION");
    send->add_option("--class", texts_, "Kinds")->check(CLI::IsMember({"air", "sea"}));
    send->add_option("file", texts_, "Files")->type_name("FILE")->required();
    CLI::App* show = app_.add_subcommand("show", "Show one");
    show->add_option("case", text_, "Which")->type_name("CASE")->required();
    show->add_option("-o,--output", text_, "Where")->type_name("DIR");
    CLI::App* group = app_.add_subcommand("clock", "Time");
    group->add_subcommand("advance", "Forward");
    group->add_subcommand("show", "Now");
  }

  Completion Do(const std::vector<std::string>& words) {
    return Complete(Describe(app_), words,
                    [this](const std::string& kind, const GivenOptions& given) {
                      given_ = given;
                      if (kind == "REGION") return std::vector<Candidate>{{"us", ""}, {"cn", ""}};
                      if (kind == "CASE") return std::vector<Candidate>{{"cn-1", "READY"}};
                      return std::vector<Candidate>{};
                    });
  }
  std::vector<std::string> Values(const std::vector<std::string>& words) {
    std::vector<std::string> values;
    for (const Candidate& candidate : Do(words).candidates) values.push_back(candidate.value);
    return values;
  }

  CLI::App app_;
  std::string text_;
  std::vector<std::string> texts_;
  bool flag_ = false;
  GivenOptions given_;
};

TEST_F(CompletionTest, CommandsAreOfferedWithWhatTheyDo) {
  EXPECT_THAT(Values({""}), ElementsAre("clock", "send", "show"));
  EXPECT_THAT(Values({"s"}), ElementsAre("send", "show"));
  EXPECT_EQ(Do({"sen"}).candidates.at(0).text, "Send files");
  EXPECT_THAT(Values({"clock", ""}), ElementsAre("advance", "show"));
  EXPECT_THAT(Values({"--json", "clock", "a"}), ElementsAre("advance"));
}

TEST_F(CompletionTest, OptionsOfTheCommandAndGlobalOnesAreOffered) {
  EXPECT_THAT(Values({"send", "--"}),
              ElementsAre("--class", "--help", "--json", "--profile", "--to"));
  EXPECT_THAT(Values({"send", "--t"}), ElementsAre("--to"));
}

TEST_F(CompletionTest, OptionThatWasGivenIsOfferedAgainOnlyWhenItRepeats) {
  EXPECT_THAT(Values({"send", "--to", "cn", "--class", "air", "--"}),
              testing::AllOf(Contains("--class"), Not(Contains("--to"))));
}

TEST_F(CompletionTest, ValuesComeFromTheirSourceWithWhatWasGiven) {
  EXPECT_THAT(Values({"--profile", "mei", "send", "--to", ""}), ElementsAre("cn", "us"));
  EXPECT_EQ(given_.at("--profile"), "mei");
  EXPECT_THAT(Values({"send", "--to", "u"}), ElementsAre("us"));
  EXPECT_THAT(Values({"show", "c"}), ElementsAre("cn-1"));
}

TEST_F(CompletionTest, ChoicesAreOffered) {
  EXPECT_THAT(Values({"send", "--class", ""}), ElementsAre("air", "sea"));
}

TEST_F(CompletionTest, ValueAfterAnEqualsSignIsCompletedInBothSpellings) {
  EXPECT_THAT(Values({"send", "--to=c"}), ElementsAre("--to=cn"));
  EXPECT_THAT(Values({"send", "--to", "=", "c"}), ElementsAre("cn"));
  EXPECT_THAT(Values({"send", "--to", "="}), ElementsAre("cn", "us"));
}

TEST_F(CompletionTest, FilesAndFoldersAreLeftToTheShell) {
  EXPECT_TRUE(Do({"send", "a"}).files);
  EXPECT_TRUE(Do({"send", "a", "b"}).files) << "files may repeat";
  EXPECT_TRUE(Do({"show", "cn-1", "-o", ""}).folders);
  EXPECT_FALSE(Do({"show", "cn-1", "-o", ""}).files);
}

TEST_F(CompletionTest, NothingIsOfferedAfterTheLastArgument) {
  EXPECT_THAT(Values({"show", "cn-1", ""}), IsEmpty());
  EXPECT_THAT(Values({"nonsense", "x", ""}), testing::Not(Contains("x")));
}

TEST_F(CompletionTest, WordsAfterTwoHyphensAreArguments) {
  EXPECT_THAT(Values({"show", "--", "c"}), ElementsAre("cn-1"));
}

TEST_F(CompletionTest, CandidatesThatDoNotFitOnALineAreNotPrinted) {
  Completion completion;
  completion.candidates = {{"a", "first\nsecond"}, {"b\nc", ""}, {"d", ""}};
  completion.files = true;
  EXPECT_EQ(FormatCompletion(completion), "a\tfirst\nd\n:files\n");
}

}  // namespace
}  // namespace comity::manual
