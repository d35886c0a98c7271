#include "client/scenario/scenario.h"

#include <fstream>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity::scenario {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string WithSteps(const std::string& steps) {
  return "{\"title\": \"t\", \"topology\": \"x\",\n\"steps\": [\n" + steps + "\n]}";
}

std::string CauseOfParsing(const std::string& text) {
  const absl::StatusOr<Scenario> scenario = ParseScenario(text);
  EXPECT_THAT(scenario, RefusedWith(Reason::kFieldInvalid));
  return CauseOf(scenario.status());
}

TEST(ScenarioTest, StepsComeInOrderWithTheirFieldsAndLines) {
  ASSERT_OK_AND_ASSIGN(const Scenario scenario, ParseScenario(WithSteps(R"(
    // a comment { with [ brackets
    {"do": "say", "text": "a { brace"},
    {
      "do": "create-accounts", "check": "made", "people": {"zoe": "CN", "amy": "HK"}
    },
    {"do": "store-files", "check": "refused-one", "who": ["zoe"], "refused": "ACCOUNT_CLOSING"},
    {"do": "report", "check": "report", "region": "cn", "period": "2018H1",
     "counts": {"requests": 4}})")));
  EXPECT_EQ(scenario.title, "t");
  EXPECT_EQ(scenario.topology, "x");
  ASSERT_EQ(scenario.steps.size(), 4U);
  EXPECT_EQ(scenario.steps[0].line, 5);
  EXPECT_EQ(scenario.steps[0].fields.Text("text"), "a { brace");
  EXPECT_EQ(scenario.steps[1].line, 6);
  EXPECT_THAT(scenario.steps[1].fields.TextPairs("people"),
              ElementsAre(Pair("zoe", "CN"), Pair("amy", "HK")));
  EXPECT_FALSE(scenario.steps[1].fields.Has("terms"));
  EXPECT_EQ(scenario.steps[1].fields.Text("terms"), "");
  EXPECT_EQ(scenario.steps[2].line, 9);
  EXPECT_EQ(scenario.steps[2].refused, "ACCOUNT_CLOSING");
  EXPECT_THAT(scenario.steps[2].fields.Texts("who"), ElementsAre("zoe"));
  EXPECT_THAT(scenario.steps[3].fields.Numbers("counts"), ElementsAre(Pair("requests", 4)));
}

TEST(ScenarioTest, ShippedScenariosParse) {
  for (const char* path : {"/deploy/scenarios/icloud-cn-2018", "/tests/e2e/kill-during-move"}) {
    std::ifstream in(COMITY_SOURCE_DIR + std::string(path));
    std::stringstream text;
    text << in.rdbuf();
    EXPECT_THAT(ParseScenario(text.str()), IsOk()) << path;
  }
}

TEST(ScenarioTest, UnknownVerbIsRefusedWithItsLine) {
  EXPECT_THAT(CauseOfParsing(WithSteps("{\"do\": \"say\", \"text\": \"x\"},\n{\"do\": \"fly\"}")),
              HasSubstr("line 4: there is no verb \"fly\""));
}

TEST(ScenarioTest, UnknownFieldIsRefusedWithItsLine) {
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "verify-logs", "check": "c", "who": ["x"]})")),
              HasSubstr("line 3: \"verify-logs\" has no field \"who\""));
}

TEST(ScenarioTest, MissingFieldIsRefused) {
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "read-back", "check": "c", "who": ["x"]})")),
              HasSubstr("\"read-back\" needs \"region\""));
}

TEST(ScenarioTest, FieldOfAnotherTypeIsRefused) {
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "clock-advance", "check": "c", "days": -1})")),
              HasSubstr("\"days\" takes a number"));
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "opt-out", "check": "c", "who": "x"})")),
              HasSubstr("\"who\" takes a list of texts"));
  EXPECT_THAT(
      CauseOfParsing(WithSteps(R"({"do": "create-accounts", "check": "c", "people": {"x": 1}})")),
      HasSubstr("\"people\" takes an object of texts"));
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "clock-to", "check": "c", "date": ""})")),
              HasSubstr("\"date\" takes a text"));
}

TEST(ScenarioTest, StepThatProvesNothingIsRefused) {
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "verify-logs"})")),
              HasSubstr("needs a \"check\""));
  EXPECT_THAT(CauseOfParsing(WithSteps(R"({"do": "say", "text": "x", "check": "c"})")),
              HasSubstr("\"say\" checks nothing"));
}

TEST(ScenarioTest, SameCheckTwiceIsRefused) {
  EXPECT_THAT(CauseOfParsing(WithSteps("{\"do\": \"verify-logs\", \"check\": \"c\"},\n"
                                       "{\"do\": \"verify-logs\", \"check\": \"c\"}")),
              HasSubstr("line 4: the check \"c\" is there twice"));
}

TEST(ScenarioTest, UnknownReasonIsRefused) {
  EXPECT_THAT(
      CauseOfParsing(WithSteps(R"({"do": "verify-logs", "check": "c", "refused": "BECAUSE"})")),
      HasSubstr("there is no reason \"BECAUSE\""));
}

TEST(ScenarioTest, WhatIsNoScenarioIsRefused) {
  EXPECT_THAT(CauseOfParsing("{\n\n\"title\": }"), HasSubstr("line 3: this is not JSON"));
  EXPECT_THAT(CauseOfParsing("[]"), HasSubstr("one JSON object"));
  EXPECT_THAT(CauseOfParsing("{\"title\": \"t\", \"topology\": \"x\"}"),
              HasSubstr("needs \"steps\""));
  EXPECT_THAT(CauseOfParsing("{\"title\": 1, \"topology\": \"x\", \"steps\": []}"),
              HasSubstr("\"title\" takes a text"));
  EXPECT_THAT(CauseOfParsing("{\"titel\": \"t\"}"), HasSubstr("no field \"titel\""));
  EXPECT_THAT(CauseOfParsing(WithSteps("{\"check\": \"c\"}")), HasSubstr("what is done"));
  EXPECT_THAT(CauseOfParsing(WithSteps("1")), HasSubstr("a step is a JSON object"));
}

}  // namespace
}  // namespace comity::scenario
