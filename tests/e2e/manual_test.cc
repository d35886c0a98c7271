// What the command says about itself, read by the programs that people read it with: man, mandoc
// and three shells.

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "client/deployment/maker.h"
#include "tests/e2e/program.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ManualFilesTest : public ::testing::Test {
 protected:
  // Runs a line of bash with `comity` in its PATH.
  ProgramResult Bash(const std::string& line) {
    return RunProgram(home_, {"/bin/bash", "--noprofile", "--norc", "-c",
                              "PATH=\"$COMITY_BIN_DIR:$PATH\"; cd '" + dir_.path() + "'\n" + line});
  }
  // What a script in that shell prints; it gets the folder of a deployment.
  std::string Shell(const std::string& shell, const std::string& script) {
    const std::string world = dir_.path() + "/world";
    if (!std::filesystem::exists(world)) {
      EXPECT_THAT(MakeDeployment({ReadTopologyTemplate(), world, {}}), IsOk());
    }
    const ProgramResult result = Bash("export COMITY_DEPLOYMENT='" + world + "'\n" + shell +
                                      " <<'SCRIPT' 2>&1\n" + script + "\nSCRIPT");
    EXPECT_EQ(result.exit_code, 0) << result.output;
    return result.output;
  }
  TempDir dir_;
  const std::string home_ = dir_.path() + "/home";
};

TEST_F(ManualFilesTest, MandocHasNothingToSayAboutAnyPage) {
  const ProgramResult made = Bash("comity man --man-dir man");
  ASSERT_EQ(made.exit_code, 0) << made.output;
  // Style is left out: it says that pages are not installed on this machine.
  const ProgramResult lint = Bash("mandoc -T lint -W warning man/man?/* 2>&1");
  EXPECT_EQ(lint.output, "");
}

TEST_F(ManualFilesTest, ManShowsThePages) {
  ASSERT_EQ(Bash("comity man --man-dir man").exit_code, 0);
  // One of each kind: formatting takes man its time, and mandoc has read them all.
  const ProgramResult shown = Bash(
      "man --warnings -E UTF-8 -l man/man1/comity.1 man/man1/comity-account.1 "
      "man/man8/comity-custody.8 2>&1");
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.output, Not(HasSubstr("warning:")));
  for (const char* section : {"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS",
                              "EXAMPLES", "SEE ALSO", "ENVIRONMENT", "FILES"}) {
    EXPECT_THAT(shown.output, HasSubstr(section));
  }
  EXPECT_THAT(shown.output, HasSubstr("comity account create --territory"));
}

// Completes a line as bash does, and prints each reply in brackets.
std::string BashScript(const std::string& words, const std::string& last) {
  return "source <(comity completion bash)\n"
         "COMP_WORDS=(comity " +
         words + " '" + last +
         "')\n"
         "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
         "_comity comity '" +
         last +
         "' x\n"
         "printf '[%s]\\n' \"${COMPREPLY[@]}\"";
}

TEST_F(ManualFilesTest, BashCompletesCommands) {
  EXPECT_EQ(Shell("bash", BashScript("account", "acc")), "[accept-terms]\n");
}

TEST_F(ManualFilesTest, BashCompletesOptionsAndValues) {
  EXPECT_EQ(Shell("bash", BashScript("log verify", "--se")), "[--service]\n");
  EXPECT_EQ(Shell("bash", BashScript("log verify --region", "")), "[cn]\n[us]\n");
  EXPECT_THAT(Shell("bash", BashScript("--as", "cn/agent")), HasSubstr("[cn/agent-lin]\n"));
}

TEST_F(ManualFilesTest, BashCompletesFilesWithSpaces) {
  ASSERT_EQ(Bash("touch 'a letter.pdf' another").exit_code, 0);
  EXPECT_THAT(Shell("bash", BashScript("put", "a")),
              AllOf(HasSubstr("[a letter.pdf]\n"), HasSubstr("[another]\n")));
}

TEST_F(ManualFilesTest, ZshCompletesCommandsAndValues) {
  // _describe and _files show menus of a terminal: here they print what they were given.
  const std::string prelude =
      "compdef() { }\nsource <(comity completion zsh)\n"
      "_describe() { print -l -- \"${(@P)2}\" }\n_files() { print FILES }\n";
  EXPECT_THAT(Shell("zsh -f", prelude + "words=(comity account acc) CURRENT=3\n_comity"),
              HasSubstr("accept-terms:Sign your consent"));
  EXPECT_THAT(Shell("zsh -f", prelude + "words=(comity log verify --region '') CURRENT=5\n_comity"),
              AllOf(HasSubstr("cn:"), HasSubstr("us:")));
  EXPECT_THAT(Shell("zsh -f", prelude + "words=(comity put '') CURRENT=3\n_comity"),
              HasSubstr("FILES"));
}

TEST_F(ManualFilesTest, FishCompletesCommandsAndValues) {
  const std::string prelude = "comity completion fish | source\n";
  EXPECT_THAT(Shell("fish --no-config", prelude + "complete -C 'comity account acc'"),
              HasSubstr("accept-terms\tSign your consent"));
  EXPECT_THAT(Shell("fish --no-config", prelude + "complete -C 'comity log verify --region '"),
              AllOf(HasSubstr("cn\t"), HasSubstr("us\t")));
}

}  // namespace
}  // namespace comity::testing
