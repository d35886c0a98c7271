#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <CLI/CLI.hpp>
#include <gmock/gmock.h>

#include "client/cli/command_tree.h"
#include "client/cli/context.h"
#include "client/cli/manual_pages.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStdout;

class ManualTest : public testing::Test {
 protected:
  ManualTest() {
    DeclareCommands(app_, context_);
    root_ = manual::Describe(app_);
  }
  absl::Status Run(std::vector<const char*> words) {
    words.insert(words.begin(), "comity");
    app_.parse(static_cast<int>(words.size()), words.data());
    CaptureStdout();
    absl::Status status = context_.command();
    printed_ = GetCapturedStdout();
    return status;
  }
  Context context_;
  CLI::App app_;
  manual::CommandPage root_;
  std::string printed_;
};

TEST_F(ManualTest, EveryCommandAndServiceHasAPage) {
  std::set<std::string> names;
  for (const manual::ManPage& page : ManPages(root_)) {
    names.insert(page.name + "." + std::to_string(page.section));
  }
  for (const manual::CommandPage& command : root_.commands) {
    EXPECT_THAT(names, Contains("comity-" + std::string(command.name()) + ".1"));
  }
  for (const char* service : {"comity-storage.8", "comity-custody.8", "comity-review.8"}) {
    EXPECT_THAT(names, Contains(service));
  }
}

TEST_F(ManualTest, PagesSeeOnlyPagesThatThereAre) {
  std::set<std::string> names = {"systemd.service.5"};
  for (const manual::ManPage& page : ManPages(root_)) {
    names.insert(page.name + "." + std::to_string(page.section));
  }
  for (const manual::ManPage& page : ManPages(root_)) {
    EXPECT_FALSE(page.see_also.empty()) << page.name;
    for (const manual::PageReference& other : page.see_also) {
      EXPECT_THAT(names, Contains(other.name + "." + std::to_string(other.section))) << page.name;
      EXPECT_NE(other.name, page.name);
    }
  }
}

TEST_F(ManualTest, VariablesOfThePageAreThoseOfTheReference) {
  std::ifstream in(COMITY_CLI_REFERENCE);
  const std::string reference{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const manual::ManPage page = ManPages(root_).front();
  ASSERT_FALSE(page.environment.empty());
  for (const manual::Topic& variable : page.environment) {
    EXPECT_THAT(reference, HasSubstr("`" + variable.term + "`"));
  }
}

TEST_F(ManualTest, ManPrintsThePageOfACommandsGroup) {
  ASSERT_THAT(Run({"man", "account", "create"}), IsOk());
  EXPECT_THAT(printed_, HasSubstr(".Dt COMITY-ACCOUNT 1"));
}

TEST_F(ManualTest, ManKnowsTheServices) {
  ASSERT_THAT(Run({"man", "comity-custody"}), IsOk());
  EXPECT_THAT(printed_, HasSubstr(".Dt COMITY-CUSTODY 8"));
  EXPECT_THAT(printed_, HasSubstr(".Fl -topology"));
}

TEST_F(ManualTest, UnknownPageIsRefusedWithThoseThereAre) {
  const absl::Status status = Run({"man", "nonsense"});
  EXPECT_EQ(ReasonOf(status), Reason::kFieldInvalid);
  EXPECT_THAT(CauseOf(status), HasSubstr("comity-review"));
}

TEST_F(ManualTest, PagesAreWrittenWhereManLooksForThem) {
  const TempDir dir;
  ASSERT_THAT(Run({"man", "--man-dir", dir.path().c_str()}), IsOk());
  for (const char* path : {"/man1/comity.1", "/man1/comity-put.1", "/man8/comity-review.8"}) {
    EXPECT_TRUE(std::ifstream(dir.path() + path).good()) << path;
  }
}

TEST_F(ManualTest, FolderThatCannotBeMadeIsRefused) {
  const TempDir dir;
  const std::string file = dir.path() + "/file";
  std::ofstream(file) << "x";
  EXPECT_EQ(ReasonOf(Run({"man", "--man-dir", file.c_str()})), Reason::kStoreUnavailable);
}

TEST_F(ManualTest, CompletionPrintsTheScriptOfThatShell) {
  ASSERT_THAT(Run({"completion", "fish"}), IsOk());
  EXPECT_THAT(printed_, HasSubstr("complete -c comity"));
}

}  // namespace
}  // namespace comity::cli
