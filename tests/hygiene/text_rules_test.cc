#include "tests/hygiene/text_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace comity::hygiene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Rule = std::vector<std::string> (*)(const SourceFile&);

std::vector<std::string> CheckTree(Rule rule) {
  std::vector<std::string> findings;
  for (const SourceFile& file : Repository()) {
    for (std::string& finding : rule(file)) findings.push_back(std::move(finding));
  }
  return findings;
}

TEST(TextRulesTest, NoFileOfTheTreeIsTooLong) {
  const std::vector<std::string> findings = CheckTree(CheckLength);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(TextRulesTest, NoFileOfTheTreePromisesInsteadOfDoing) {
  const std::vector<std::string> findings = CheckTree(CheckWords);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(TextRulesTest, NoProductCodePrintsWholeMessages) {
  const std::vector<std::string> findings = CheckTree(CheckTokens);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(TextRulesTest, EveryProgramOfTheTreeEndsAsOneThatUsedGrpc) {
  const std::vector<std::string> findings = CheckTree(CheckMain);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(TextRulesTest, EveryHeaderOfTheTreeIsGuardedByItsPath) {
  const std::vector<std::string> findings = CheckTree(CheckGuard);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(TextRulesTest, EveryRuleOfTheTreeIsCitedInCodeAndInTests) {
  const std::vector<std::string> findings = CheckRuleCitations(Repository());
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(TextRulesTest, RepositoryIsReadWithItsSourcesAndWithoutBuildFolders) {
  size_t product = 0;
  for (const SourceFile& file : Repository()) {
    EXPECT_FALSE(file.path.starts_with("build/")) << file.path;
    EXPECT_FALSE(file.path.starts_with(".git/")) << file.path;
    if (IsProduct(file.path) && IsCpp(file.path)) ++product;
  }
  EXPECT_GT(product, 30u);
}

TEST(TextRulesTest, LongFileIsFound) {
  std::string text;
  for (int i = 0; i < 600; ++i) text += "\n";
  EXPECT_THAT(CheckLength(MakeFile("client/a.cc", text)), IsEmpty());
  EXPECT_THAT(CheckLength(MakeFile("client/a.cc", text + "x\n")),
              ElementsAre("client/a.cc:601: longer than 600 lines: look for a seam"));
  EXPECT_THAT(CheckLength(MakeFile("docs/a.md", text + "x\n")), IsEmpty());
}

TEST(TextRulesTest, LongLineIsCountedInCharacters) {
  EXPECT_THAT(CheckLength(MakeFile("client/a.cc", std::string(101, 'x'))),
              ElementsAre(HasSubstr("100 columns")));
  std::string wide;
  for (int i = 0; i < 100; ++i) wide += "\xC3\xA4";
  EXPECT_THAT(CheckLength(MakeFile("client/a.cc", wide)), IsEmpty());
}

TEST(TextRulesTest, PromisingWordIsFoundAnywhere) {
  for (const std::string word : {"TO"
                                 "DO",
                                 "FIX"
                                 "ME",
                                 "place"
                                 "holder",
                                 "dum"
                                 "my",
                                 "hard-"
                                 "coded",
                                 "for n"
                                 "ow",
                                 "in a re"
                                 "al"}) {
    EXPECT_THAT(CheckWords(MakeFile("docs/a.md", "text " + word + " more\n")),
                ElementsAre(HasSubstr("a.md:1")))
        << word;
    EXPECT_THAT(CheckWords(MakeFile("client/a.cc", "\n// " + word + "\n")),
                ElementsAre(HasSubstr("a.cc:2")))
        << word;
  }
}

TEST(TextRulesTest, ProxyObjectOfGrpcIsFoundInProseOnly) {
  const std::string word =
      "stu"
      "b";
  EXPECT_THAT(CheckWords(MakeFile("client/a.cc", "auto " + word + " = New();\n")), IsEmpty());
  EXPECT_THAT(CheckWords(MakeFile("client/a.cc", "int x;  // a " + word + "\n")),
              ElementsAre(HasSubstr("a.cc:1")));
  EXPECT_THAT(CheckWords(MakeFile("README.md", "a " + word + "\n")),
              ElementsAre(HasSubstr("README.md:1")));
}

TEST(TextRulesTest, PrintingAMessageIsFoundInProductCodeOnly) {
  const std::string line = "log(request.ShortDebugString());\n";
  EXPECT_THAT(CheckTokens(MakeFile("services/custody/a.cc", line)),
              ElementsAre(HasSubstr("a.cc:1")));
  EXPECT_THAT(CheckTokens(MakeFile("client/a.cc", "m.DebugString()")),
              ElementsAre(HasSubstr("a.cc:1")));
  EXPECT_THAT(CheckTokens(MakeFile("tests/unit/a.cc", line)), IsEmpty());
}

TEST(TextRulesTest, ProgramThatReturnsFromItsMainIsFound) {
  const std::string returns = "\nint main(int argc, char** argv) {\n  return Run(argc, argv);\n}\n";
  EXPECT_THAT(CheckMain(MakeFile("services/custody/main.cc", returns)),
              ElementsAre(HasSubstr("main.cc:2")));
  EXPECT_THAT(
      CheckMain(MakeFile("client/cli/main.cc", "int main() { comity::EndProcess(Run()); }")),
      IsEmpty());
  EXPECT_THAT(CheckMain(MakeFile("tests/bench/main.cc", returns)), IsEmpty());
}

TEST(TextRulesTest, WrongGuardIsFound) {
  const auto guarded = [](const std::string& guard) {
    return MakeFile("services/custody/key.h",
                    "#ifndef " + guard + "\n#define " + guard + "\n#endif  // " + guard + "\n");
  };
  EXPECT_THAT(CheckGuard(guarded("COMITY_CUSTODY_KEY_H_")), IsEmpty());
  EXPECT_THAT(CheckGuard(guarded("COMITY_STORAGE_KEY_H_")),
              ElementsAre(HasSubstr("COMITY_CUSTODY_KEY_H_")));
}

TEST(TextRulesTest, RuleCitedOnOneSideOnlyIsFound) {
  const SourceFile code = MakeFile("services/review/rules.cc", "// Rule: CN-NOTICE-1\n");
  const SourceFile test = MakeFile("tests/unit/review/rules_test.cc", "// Rule: CN-NOTICE-1\n");
  EXPECT_THAT(CheckRuleCitations({code, test}), IsEmpty());
  EXPECT_THAT(CheckRuleCitations({code}), ElementsAre(HasSubstr("is cited by no test")));
  EXPECT_THAT(CheckRuleCitations({test}), ElementsAre(HasSubstr("is cited by no product code")));
}

}  // namespace
}  // namespace comity::hygiene
