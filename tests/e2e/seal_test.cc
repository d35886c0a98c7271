#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/deployment/paths.h"
#include "client/deployment/supervisor.h"
#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/e2e/program.h"
#include "tests/testing/deployment.h"
#include "tests/testing/soft_token.h"
#include "tests/testing/temp_dir.h"

// A custody whose root key is split among persons, as those persons and a user meet it: real
// processes, killed and started again.
namespace comity::testing {
namespace {

using nlohmann::json;

class SealTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        WriteFileDurably(home() + "/sealed.txtpb", SealedTopologyTemplate(), FileMode::kPublic)
            .ok());
    ASSERT_TRUE(WriteFileDurably(home() + "/letter", "a letter", FileMode::kPublic).ok());
  }
  void TearDown() override { Run({"down"}); }

  std::string home() const { return dir_.path(); }
  std::string world() const { return home() + "/world"; }

  // What the command printed; {} when it printed nothing.
  json Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--json");
    const ProgramResult result = RunComity(home(), arguments);
    exit_code_ = result.exit_code;
    return json::parse(result.output.empty() ? "{}" : result.output, nullptr, false);
  }
  json RunAs(const std::string& person, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--as", "us/" + person});
    return Run(std::move(arguments));
  }
  // The reason of a refusal; empty when there was none.
  std::string Refusal(const json& answer) {
    EXPECT_EQ(exit_code_, answer.contains("error") ? 1 : 0);
    return answer.contains("error") ? answer["error"]["reason"].get<std::string>() : "";
  }
  std::string Get() { return Refusal(Run({"get", "letter", "--output", home() + "/back"})); }
  void Up(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"up", home() + "/sealed.txtpb", "--dir", world()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    ASSERT_EQ(Refusal(Run(arguments)), "");
  }
  void KillCustody() {
    absl::StatusOr<Supervisor> supervisor = Supervisor::Open(world());
    ASSERT_TRUE(supervisor.ok());
    ASSERT_TRUE(supervisor->Kill("us", ServiceKind::kCustody).ok());
  }
  // Of custody us, in `comity status`.
  json Status() {
    const json status = Run({"status"});
    for (const json& service : status["services"]) {
      if (service["region"] == "us" && service["service"] == "custody") return service;
    }
    return json();
  }

  void ExpectRotated(const std::string& person) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (RunAs(person, {"custody", "status"})["rotation"]["stage"] != "none") {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
    }
  }

  const TempDir dir_;
  int exit_code_ = 0;
};

TEST_F(SealTest, CustodyOpensShareByShareAndIsSealedByOnePersonOrByDeath) {
  Up({"--sealed"});
  EXPECT_EQ(Status()["seal"], "shamir 2 of 3");
  EXPECT_EQ(Status()["sealed"], true);
  EXPECT_EQ(Refusal(Run({"account", "create", "--territory", "US"})), "SEALED");

  json seal = RunAs("ops-evans", {"custody", "unseal"});
  EXPECT_EQ(seal["sealed"], true);
  EXPECT_EQ(seal["shares_entered"], 1);
  EXPECT_EQ(seal["shares_needed"], 2);
  const std::string colleagues = DeploymentPaths(world()).SealShare("us", "ops-fox");
  EXPECT_EQ(Refusal(RunAs("ops-grant", {"custody", "unseal", "--share", colleagues})),
            "SHARE_INVALID");
  EXPECT_EQ(RunAs("ops-grant", {"custody", "status"})["shares_entered"], 1);
  seal = RunAs("ops-fox", {"custody", "unseal"});
  EXPECT_EQ(seal["sealed"], false);

  ASSERT_EQ(Refusal(Run({"account", "create", "--territory", "US"})), "");
  ASSERT_EQ(Refusal(Run({"put", home() + "/letter"})), "");
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(Run({"key", "where"})["seal"], "shamir 2 of 3");

  KillCustody();
  Up({"--sealed"});
  EXPECT_EQ(Get(), "SEALED");
  // Without --sealed, the shares that lie on this machine are entered as their holders.
  Up({});
  EXPECT_EQ(Status()["sealed"], false);
  EXPECT_EQ(Get(), "");

  seal = RunAs("ops-grant", {"custody", "seal"});
  EXPECT_EQ(seal["sealed"], true);
  EXPECT_EQ(Get(), "SEALED");
  EXPECT_EQ(RunAs("ops-grant", {"custody", "unseal"})["shares_entered"], 1);
  EXPECT_EQ(RunAs("ops-evans", {"custody", "unseal"})["sealed"], false);
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(ReadFile(home() + "/back").value_or(""), "a letter");
}

TEST_F(SealTest, CustodyWithALeaseSealsItselfUnlessItsHoldersRenew) {
  std::string topology = SealedTopologyTemplate();
  const std::string threshold = "threshold: 2";
  topology.replace(topology.find(threshold), threshold.size(), threshold + " lease_days: 30");
  ASSERT_TRUE(WriteFileDurably(home() + "/sealed.txtpb", topology, FileMode::kPublic).ok());
  Up({});
  ASSERT_EQ(Refusal(Run({"account", "create", "--territory", "US"})), "");
  ASSERT_EQ(Refusal(Run({"put", home() + "/letter"})), "");
  const std::string first = RunAs("ops-evans", {"custody", "status"})["lease_end"];

  ASSERT_EQ(Refusal(Run({"test", "clock", "advance", "20d"})), "");
  EXPECT_EQ(RunAs("ops-evans", {"custody", "unseal"})["lease_end"], first);
  const json renewed = RunAs("ops-grant", {"custody", "unseal"});
  EXPECT_GT(renewed["lease_end"].get<std::string>(), first);
  ASSERT_EQ(Refusal(Run({"test", "clock", "advance", "29d"})), "");
  EXPECT_EQ(Get(), "");

  ASSERT_EQ(Refusal(Run({"test", "clock", "advance", "2d"})), "");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Get() != "SEALED") ASSERT_LT(std::chrono::steady_clock::now(), end);
  EXPECT_EQ(Status()["sealed"], true);
  EXPECT_EQ(RunAs("ops-fox", {"custody", "unseal"})["sealed"], true);
  EXPECT_EQ(RunAs("ops-evans", {"custody", "unseal"})["sealed"], false);
  EXPECT_EQ(Get(), "");
}

// Another root key, with deaths before and after it is in force.
TEST_F(SealTest, HoldersPutAnotherRootKeyInThePlaceOfASplitOne) {
  Up({});
  ASSERT_EQ(Refusal(Run({"account", "create", "--territory", "US"})), "");
  ASSERT_EQ(Refusal(Run({"put", home() + "/letter"})), "");
  const std::string share = DeploymentPaths(world()).SealShare("us", "ops-evans");
  const std::string before = home() + "/share-before";
  std::filesystem::copy_file(share, before);
  EXPECT_EQ(Refusal(RunAs("ops-evans", {"custody", "take-share"})), "STATE_NOT_READY");

  const auto deal = [this] {
    EXPECT_EQ(RunAs("ops-evans", {"custody", "rotate-root"})["rotation"]["shares_entered"], 1);
    EXPECT_EQ(RunAs("ops-fox", {"custody", "rotate-root"})["rotation"]["stage"], "dealing");
    EXPECT_EQ(RunAs("ops-evans", {"custody", "take-share"})["rotation"]["stage"], "dealing");
    EXPECT_EQ(RunAs("ops-fox", {"custody", "take-share"})["rotation"]["stage"], "dealing");
  };
  deal();
  KillCustody();
  Up({});
  EXPECT_EQ(Get(), "") << "the shares before are in force";
  deal();
  EXPECT_EQ(RunAs("ops-grant", {"custody", "take-share"})["root_generation"], 2);
  KillCustody();
  Up({"--sealed"});
  EXPECT_EQ(Refusal(RunAs("ops-evans", {"custody", "unseal", "--share", before})), "SHARE_INVALID");
  EXPECT_EQ(RunAs("ops-evans", {"custody", "unseal"})["shares_entered"], 1);
  EXPECT_EQ(RunAs("ops-grant", {"custody", "unseal"})["sealed"], false);
  EXPECT_NE(ReadFile(share).value_or(""), ReadFile(before).value_or(""));
  EXPECT_FALSE(FileExists(share + ".next"));
  ExpectRotated("ops-fox");
  EXPECT_EQ(Get(), "");
  KillCustody();
  Up({});
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(RunAs("ops-fox", {"custody", "status"})["root_generation"], 2);
}

TEST_F(SealTest, AKeyFileIsReplacedWhileCustodyServes) {
  Up({});
  ASSERT_EQ(Refusal(Run({"account", "create", "--territory", "US"})), "");
  const std::string file =
      DeploymentPaths(world()).Identity("cn", ServiceKind::kCustody) + "/root.key";
  const std::string before = ReadFile(file).value_or("");
  ASSERT_EQ(before.size(), 65u);
  const auto rotate = [this] {
    return Run({"--as", "cn/ops-kelly", "custody", "rotate-root"})["root_generation"];
  };
  EXPECT_EQ(rotate(), 2);
  absl::StatusOr<Supervisor> supervisor = Supervisor::Open(world());
  ASSERT_TRUE(supervisor.ok());
  ASSERT_TRUE(supervisor->Kill("cn", ServiceKind::kCustody).ok());
  Up({});
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Run({"--as", "cn/ops-kelly", "custody", "status"})["rotation"]["stage"] != "none") {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  EXPECT_EQ(rotate(), 3);
  EXPECT_NE(ReadFile(file).value_or("").substr(0, 65), before);
}

// A token guards the root key: it opens custody by itself at every start, and whatever is wrong
// with it leaves custody sealed and running.
TEST_F(SealTest, ATokenOpensCustodyByItselfAndSealedItSaysWhatIsWrong) {
  const SoftToken soft;
  ASSERT_TRUE(
      WriteFileDurably(home() + "/sealed.txtpb", TokenTopologyTemplate(), FileMode::kPublic).ok());
  const auto custody = [this](const std::string& act) {
    return RunAs("ops-evans", {"custody", act});
  };
  // Whoever has not said where the token is is told to.
  EXPECT_EQ(Refusal(Run({"up", home() + "/sealed.txtpb", "--dir", world()})), "STATE_NOT_READY");
  Up({"--pkcs11-module", SoftToken::Module(), "--pkcs11-pin-file", soft.pin_file()});
  EXPECT_EQ(soft.CountKeys("root-wrapping"), 1u);
  ASSERT_EQ(Refusal(Run({"account", "create", "--territory", "US"})), "");
  ASSERT_EQ(Refusal(Run({"put", home() + "/letter"})), "");
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(Run({"key", "where"})["seal"], "pkcs11 token custody-us");

  KillCustody();
  Up({});
  EXPECT_EQ(Status()["sealed"], false);
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(custody("seal")["sealed"], true);
  EXPECT_EQ(Get(), "SEALED");
  EXPECT_EQ(custody("unseal")["sealed"], false);
  EXPECT_EQ(Get(), "");

  soft.TakeOut();
  EXPECT_EQ(Get(), "") << "an open custody does not need its token";
  KillCustody();
  Up({});
  EXPECT_EQ(Status()["sealed"], true);
  EXPECT_EQ(custody("status")["trouble"], "token-absent");
  EXPECT_EQ(Get(), "SEALED");
  EXPECT_EQ(Refusal(custody("unseal")), "SEALED");
  soft.PutBack();
  EXPECT_EQ(custody("unseal")["sealed"], false);
  EXPECT_FALSE(custody("status").contains("trouble"));
  EXPECT_EQ(Get(), "");

  soft.WritePin("of another token");
  for (int i = 0; i < 2; ++i) {
    KillCustody();
    Up({});
    EXPECT_EQ(custody("status")["trouble"], "pin-refused");
  }
  soft.WritePin(SoftToken::kPin);
  EXPECT_EQ(custody("unseal")["sealed"], false);
  EXPECT_EQ(Get(), "");

  EXPECT_EQ(custody("rotate-root")["root_generation"], 2);
  ExpectRotated("ops-evans");
  KillCustody();
  Up({});
  EXPECT_EQ(custody("status")["root_generation"], 2);
  EXPECT_EQ(Get(), "");
  EXPECT_EQ(ReadFile(home() + "/back").value_or(""), "a letter");
}

}  // namespace
}  // namespace comity::testing
