#include "client/cli/completion_values.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <stdlib.h>

#include "client/cli/command_tree.h"
#include "client/cli/context.h"
#include "client/deployment/maker.h"
#include "client/profile/profile.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CompletionValuesTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("COMITY_HOME", home_.c_str(), 1);
    setenv("COMITY_DEPLOYMENT", deployment_.c_str(), 1);
    setenv("COMITY_SHARE_DIR", COMITY_SOURCE_DIR "/deploy", 1);
  }
  void TearDown() override {
    for (const char* name : {"COMITY_HOME", "COMITY_DEPLOYMENT", "COMITY_SHARE_DIR"}) {
      unsetenv(name);
    }
  }

  void MakeWorld() {
    ASSERT_THAT(MakeDeployment({ReadTopologyTemplate(), deployment_, {}}), IsOk());
  }
  static std::vector<std::string> Values(const std::string& kind,
                                         const manual::GivenOptions& given = {}) {
    std::vector<std::string> values;
    for (const manual::Candidate& candidate : CompletionValues(kind, given)) {
      values.push_back(candidate.value);
    }
    return values;
  }
  static std::string Answer(const std::vector<std::string>& words) {
    Context context;
    CLI::App app;
    DeclareCommands(app, context);
    return AnswerCompletion(app, words);
  }

  TempDir dir_;
  const std::string home_ = dir_.path() + "/home";
  const std::string deployment_ = dir_.path() + "/world";
};

TEST_F(CompletionValuesTest, RegionsTerritoriesAndPeopleComeFromTheDeployment) {
  MakeWorld();
  EXPECT_THAT(Values("REGION"), ElementsAre("cn", "us"));
  EXPECT_THAT(Values("TERRITORY"), Contains("HK"));
  EXPECT_THAT(Values("TERRITORY"), testing::Not(Contains("*")));
  EXPECT_THAT(Values("PERSON"), Contains("cn/agent-lin"));
  EXPECT_THAT(Values("TERMS"), testing::Not(IsEmpty()));
}

TEST_F(CompletionValuesTest, TheDeploymentOfTheLineCounts) {
  MakeWorld();
  setenv("COMITY_DEPLOYMENT", "/nowhere", 1);
  EXPECT_THAT(Values("REGION"), IsEmpty());
  EXPECT_THAT(Values("REGION", {{"--deployment", deployment_}}), ElementsAre("cn", "us"));
}

TEST_F(CompletionValuesTest, ProfilesGiveTheirAccounts) {
  ASSERT_OK_AND_ASSIGN(const Profile profile,
                       Profile::Create(home_ + "/profiles/mei", "world", TestDeployment::kStart));
  EXPECT_THAT(Values("PROFILE"), ElementsAre("mei"));
  EXPECT_THAT(Values("ACCOUNT"), ElementsAre(profile.account().ToString()));
  EXPECT_THAT(Values("TARGET"), IsEmpty()) << "it has no region yet";
}

TEST_F(CompletionValuesTest, WhatShipsIsNamed) {
  EXPECT_THAT(Values("TEMPLATE"), Contains("icloud-cn-2018"));
  EXPECT_THAT(Values("SCENARIO"), Contains("icloud-cn-2018"));
}

TEST_F(CompletionValuesTest, WhatCannotBeAskedHasNoValues) {
  for (const char* kind : {"REGION", "PROFILE", "PERSON", "OBJECT", "CASE", "NONSENSE"}) {
    EXPECT_THAT(Values(kind), IsEmpty()) << kind;
  }
}

TEST_F(CompletionValuesTest, AnswerIsWhatTheShellsRead) {
  MakeWorld();
  EXPECT_THAT(Answer({"account", "set-territory", "H"}), HasSubstr("HK\t"));
  EXPECT_EQ(Answer({"log", "verify", "--service", "c"}), "custody\n");
  EXPECT_EQ(Answer({"put", ""}), ":files\n");
  EXPECT_THAT(Answer({"man", "comity-"}), HasSubstr("comity-custody\n"));
}

}  // namespace
}  // namespace comity::cli
