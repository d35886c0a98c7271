#include "client/cli/context.h"

#include <string>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "client/deployment/maker.h"
#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::internal::CaptureStderr;
using testing::internal::CaptureStdout;
using testing::internal::GetCapturedStderr;
using testing::internal::GetCapturedStdout;

class ContextTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("COMITY_HOME", home_.c_str(), 1);
    unsetenv("COMITY_DEPLOYMENT");
  }
  void TearDown() override {
    unsetenv("COMITY_HOME");
    unsetenv("COMITY_DEPLOYMENT");
  }
  TempDir dir_;
  const std::string home_ = dir_.path() + "/home";
  Context context_;
};

TEST_F(ContextTest, WithoutADeploymentTheUserIsToldHowToMakeOne) {
  const absl::Status status = context_.DeploymentFolder().status();
  EXPECT_THAT(status, RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(CauseOf(status), HasSubstr("comity up"));
}

TEST_F(ContextTest, TheOptionComesBeforeTheEnvironmentAndThatBeforeTheRememberedOne) {
  ASSERT_THAT(context_.RememberDeployment("/remembered"), IsOk());
  EXPECT_THAT(context_.DeploymentFolder(), IsOkAndHolds("/remembered"));
  setenv("COMITY_DEPLOYMENT", "/environment", 1);
  EXPECT_THAT(context_.DeploymentFolder(), IsOkAndHolds("/environment"));
  context_.deployment = "/option";
  EXPECT_THAT(context_.DeploymentFolder(), IsOkAndHolds("/option"));
}

TEST_F(ContextTest, ARelativeDeploymentIsRememberedAsAbsolute) {
  ASSERT_THAT(context_.RememberDeployment("some/../folder"), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string folder, context_.DeploymentFolder());
  EXPECT_EQ(folder.front(), '/');
  EXPECT_THAT(folder, testing::EndsWith("/folder"));
  EXPECT_THAT(folder, testing::Not(HasSubstr("..")));
}

TEST_F(ContextTest, AProfileIsAPlainName) {
  EXPECT_THAT(context_.ProfileFolder("mei"), IsOkAndHolds(home_ + "/profiles/mei"));
  for (const char* name : {"", "../other", "a/b", ".hidden", ".."}) {
    EXPECT_THAT(context_.ProfileFolder(name), RefusedWith(Reason::kFieldInvalid)) << name;
  }
}

TEST_F(ContextTest, AMissingProfileIsRefusedAndTellsHowToMakeOne) {
  context_.profile = "mei";
  const absl::Status status = context_.OpenDevice().status();
  EXPECT_THAT(status, RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(CauseOf(status), HasSubstr("comity account create"));
}

TEST_F(ContextTest, AProfileOfAnotherDeploymentIsRefused) {
  context_.deployment = dir_.path() + "/deployment";
  ASSERT_THAT(MakeDeployment({ReadTopologyTemplate(), context_.deployment, {}}), IsOk());
  ASSERT_THAT(
      Profile::Create(home_ + "/profiles/default", "other.test", TestDeployment::kStart).status(),
      IsOk());
  const absl::Status status = context_.OpenDevice().status();
  EXPECT_THAT(status, RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(CauseOf(status), HasSubstr("belongs to deployment other.test"));
}

TEST_F(ContextTest, ActingNeedsAName) {
  const absl::Status status = context_.OpenActor().status();
  EXPECT_THAT(status, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("--as"));
}

TEST_F(ContextTest, APersonOfTheDeploymentActsInItsRegion) {
  context_.deployment = dir_.path() + "/deployment";
  ASSERT_THAT(MakeDeployment({ReadTopologyTemplate(), context_.deployment, {}}), IsOk());
  context_.as = "cn/agent-lin";
  ASSERT_OK_AND_ASSIGN(const Context::Actor actor, context_.OpenActor());
  EXPECT_EQ(actor.person->region, "cn");
  EXPECT_EQ(actor.session->topology().deployment(), "icloud-cn-2018.comity.test");
  EXPECT_GE(actor.session->Now(), TestDeployment::kStart);
  const absl::Status unknown = actor.session->FindRegion("eu").status();
  EXPECT_THAT(unknown, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(unknown), HasSubstr("there are: cn us"));
}

TEST_F(ContextTest, ARefusalIsPrintedAsWhatWhyAndWhatNext) {
  context_.command = [] { return Refuse(Reason::kConsentMissing, "the cause"); };
  CaptureStdout();
  CaptureStderr();
  EXPECT_EQ(cli::Run(context_), kFailed);
  const std::string text = GetCapturedStderr();
  EXPECT_THAT(GetCapturedStdout(), IsEmpty());
  EXPECT_THAT(text, HasSubstr("comity: " + std::string(Describe(Reason::kConsentMissing).text)));
  EXPECT_THAT(text, HasSubstr("because:  the cause"));
  EXPECT_THAT(text, HasSubstr("reason:   CONSENT_MISSING"));
}

TEST_F(ContextTest, ACauseOfSeveralLinesIsIndentedAndMovesNoCursor) {
  context_.command = [] { return Refuse(Reason::kInternal, "its log ends:\nreason: \x1b[2J"); };
  CaptureStderr();
  EXPECT_EQ(cli::Run(context_), kFailed);
  EXPECT_THAT(GetCapturedStderr(),
              HasSubstr("  because:  its log ends:\n            reason: \\u{1b}[2J\n"));
}

TEST_F(ContextTest, WithJsonARefusalIsOneObjectOnStandardOutput) {
  context_.json = true;
  context_.command = [] { return Refuse(Reason::kAccountSuspended, "the cause"); };
  CaptureStdout();
  CaptureStderr();
  EXPECT_EQ(cli::Run(context_), kFailed);
  EXPECT_THAT(GetCapturedStderr(), IsEmpty());
  const nlohmann::json value = nlohmann::json::parse(GetCapturedStdout());
  EXPECT_EQ(value["error"]["reason"], "ACCOUNT_SUSPENDED");
  EXPECT_EQ(value["error"]["cause"], "the cause");
  EXPECT_EQ(value["error"]["text"], Describe(Reason::kAccountSuspended).text);
}

TEST_F(ContextTest, ACommandThatFoundABrokenPromiseExitsWithThree) {
  context_.command = [this] {
    context_.exit_code = kPromise;
    return absl::OkStatus();
  };
  EXPECT_EQ(cli::Run(context_), kPromise);
}

TEST_F(ContextTest, AResultIsTextOrOneLineOfJson) {
  CaptureStdout();
  context_.Print("text\n", {{"a", 1}});
  EXPECT_EQ(GetCapturedStdout(), "text\n");
  context_.json = true;
  CaptureStdout();
  context_.Print("text\n", {{"a", 1}});
  EXPECT_EQ(GetCapturedStdout(), "{\"a\":1}\n");
}

TEST_F(ContextTest, NotesGoToStandardErrorAndNeverWithJson) {
  CaptureStderr();
  context_.Note("a note");
  EXPECT_EQ(GetCapturedStderr(), "a note\n");
  context_.json = true;
  CaptureStderr();
  context_.Note("a note");
  EXPECT_THAT(GetCapturedStderr(), IsEmpty());
}

TEST(HumanBytesTest, UnitsChangeWhereTheRoundedTextWould) {
  EXPECT_EQ(HumanBytes(0), "0 B");
  EXPECT_EQ(HumanBytes(1023), "1023 B");
  EXPECT_EQ(HumanBytes(1024), "1.0 KiB");
  EXPECT_EQ(HumanBytes(1536), "1.5 KiB");
  EXPECT_EQ(HumanBytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(HumanBytes(12'897'485), "12.3 MiB");
  EXPECT_EQ(HumanBytes(uint64_t{5} << 40), "5.0 TiB");
  EXPECT_EQ(HumanBytes(~uint64_t{0}), "16.0 EiB");
}

}  // namespace
}  // namespace comity::cli
