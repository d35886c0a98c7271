#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/deployment/paths.h"
#include "client/deployment/supervisor.h"
#include "services/common/files/files.h"
#include "services/common/log/log_http.h"
#include "services/common/statement/leaf.h"
#include "tests/e2e/program.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/soft_token.h"
#include "tests/testing/temp_dir.h"

// A custody whose disk is lost, and what its backup brings back: real processes, killed.
namespace comity::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

class BackupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileDurably(home() + "/letter", "a letter", FileMode::kPublic).ok());
    ASSERT_TRUE(WriteFileDurably(home() + "/note", "a note", FileMode::kPublic).ok());
  }
  void TearDown() override { Run({"down"}); }

  std::string home() const { return dir_.path(); }
  std::string world() const { return home() + "/world"; }
  std::string backups() const { return home() + "/backups"; }
  std::string CustodyFolder(const std::string& region) const {
    return DeploymentPaths(world()).Service(region, ServiceKind::kCustody);
  }

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
  static std::string Refusal(const json& answer) {
    return answer.contains("error") ? answer["error"]["reason"].get<std::string>() : "";
  }
  void Expect(std::vector<std::string> arguments) {
    const json answer = Run(arguments);
    ASSERT_EQ(exit_code_, 0) << arguments[0] << ": " << answer.dump();
  }
  std::string Get(const std::string& name) {
    return Refusal(Run({"get", name, "--output", home() + "/back"}));
  }
  void Up(const std::string& topology, std::vector<std::string> more = {}) {
    ASSERT_TRUE(WriteFileDurably(home() + "/my.txtpb", topology, FileMode::kPublic).ok());
    more.insert(more.begin(), {"up", home() + "/my.txtpb", "--dir", world()});
    Expect(more);
  }
  void BeginLife() {
    Expect({"account", "create", "--territory", "US"});
    Expect({"put", home() + "/letter"});
  }
  void LoseCustody(const std::string& region) {
    absl::StatusOr<Supervisor> supervisor = Supervisor::Open(world());
    ASSERT_TRUE(supervisor.ok());
    ASSERT_TRUE(supervisor->Kill(region, ServiceKind::kCustody).ok());
    std::filesystem::remove_all(CustodyFolder(region));
  }
  // What `custody restore` said, its refusal included; exit_code_ is that of the command.
  std::string Restore(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"custody", "restore"});
    return Run(arguments).dump();
  }
  // The leaves of custody us, and its newest checkpoint in a file.
  VerifiedLog Log(const std::string& checkpoint_file = "") {
    const absl::StatusOr<Topology> topology = Topology::Load(DeploymentPaths(world()).Topology());
    EXPECT_TRUE(topology.ok());
    const RegionId us = *RegionId::Create("us");
    const ServiceInfo& custody = topology->FindRegion(us)->service(ServiceKind::kCustody);
    const LogFetcher fetch = HttpLogFetcher(custody.log_url);
    absl::StatusOr<VerifiedLog> log =
        FetchAndVerifyLog(fetch, topology->LogOrigin(us, ServiceKind::kCustody), *custody.log_key);
    EXPECT_THAT(log, IsOk());
    if (!checkpoint_file.empty()) {
      EXPECT_THAT(
          WriteFileDurably(checkpoint_file, fetch("checkpoint").value_or(""), FileMode::kPublic),
          IsOk());
    }
    return log.value_or(VerifiedLog{});
  }

  const TempDir dir_;
  int exit_code_ = 0;
};

TEST_F(BackupTest, ALostCustodyComesBackWithEverythingThatItAcknowledged) {
  Up(SealedTopologyTemplate(), {"--backup", backups()});
  BeginLife();
  EXPECT_THAT(Restore({"us", "--test"}), HasSubstr("is running"));
  EXPECT_THAT(Restore({"us", "--test", "--restart"}), HasSubstr("Everything in it was checked"));
  EXPECT_EQ(exit_code_, 0);
  EXPECT_FALSE(FileExists(CustodyFolder("us") + ".restore-test"));

  Expect({"put", home() + "/note"});
  Expect({"key", "rotate"});
  const std::string checkpoint = home() + "/checkpoint";
  const size_t leaves = Log(checkpoint).leaves.size();
  LoseCustody("us");
  // Half of what a restore makes is no custody.
  ASSERT_THAT(MakePrivateFolders(CustodyFolder("us")), IsOk());
  ASSERT_THAT(
      WriteFileDurably(CustodyFolder("us") + "/restore-unfinished", "1\n", FileMode::kPrivate),
      IsOk());
  EXPECT_THAT(Restore({"us", "--checkpoint", checkpoint}), HasSubstr("Done: "));
  ASSERT_EQ(exit_code_, 0);

  Expect({"up", world()});
  EXPECT_EQ(Get("letter"), "");
  EXPECT_EQ(Get("note"), "");
  EXPECT_EQ(ReadFile(home() + "/back").value_or(""), "a note");
  EXPECT_EQ(Run({"key", "where"})["key_version"], 2);
  // It told of it in its log, which goes on where it was.
  const VerifiedLog after = Log();
  ASSERT_GT(after.leaves.size(), leaves);
  ASSERT_OK_AND_ASSIGN(const Leaf started, DecodeLeaf(after.leaves[leaves]));
  EXPECT_EQ(started.type, "service.started");
  EXPECT_EQ(started.clear.at("restored"), std::to_string(leaves));
  // Its audit log is whole, and the deployment as well.
  EXPECT_THAT(RunComity(home(), {"--as", "us/ops-evans", "custody", "audit"}).output,
              HasSubstr("RotateAccountKey"));
  Expect({"check", "--restart"});
  // And once more, from the backup that went on.
  Expect({"put", home() + "/note"});
  LoseCustody("us");
  EXPECT_THAT(Restore({"us"}), HasSubstr("No checkpoint was given"));
  ASSERT_EQ(exit_code_, 0);
  Expect({"up", world()});
  EXPECT_EQ(Get("note"), "");
  const VerifiedLog again = Log();
  int told = 0;
  for (const std::string& leaf : again.leaves) {
    told += DecodeLeaf(leaf).value().clear.contains("restored") ? 1 : 0;
  }
  EXPECT_EQ(told, 2) << "each restore is told of once";
}

TEST_F(BackupTest, WhatWasDestroyedDoesNotComeBack) {
  Up(SealedTopologyTemplate(), {"--backup", backups()});
  BeginLife();
  Expect({"key", "rotate"});
  Expect({"key", "rewrap"});
  Expect({"key", "destroy", "1", "--days", "7"});
  Expect({"test", "clock", "advance", "8d"});
  const auto state_of_first = [this] {
    const json versions = Run({"key", "versions"});
    for (const json& version : versions["versions"]) {
      if (version["version"] == 1) return version["state"].get<std::string>();
    }
    return versions.dump();
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (state_of_first() != "destroyed") ASSERT_LT(std::chrono::steady_clock::now(), end);
  LoseCustody("us");
  EXPECT_THAT(Restore({"us"}), HasSubstr("Done: "));
  Expect({"up", world()});
  EXPECT_EQ(state_of_first(), "destroyed");
  EXPECT_EQ(Get("letter"), "");
  Expect({"check", "--restart"});
}

TEST_F(BackupTest, ACopyThatIsBehindTheLogIsRefused) {
  Up(SealedTopologyTemplate(), {"--backup", backups()});
  BeginLife();
  Expect({"down"});
  const std::string copy = home() + "/copy";
  std::filesystem::copy(backups() + "/us", copy, std::filesystem::copy_options::recursive);
  Expect({"up", world()});
  Expect({"key", "rotate"});
  const std::string checkpoint = home() + "/checkpoint";
  Log(checkpoint);
  LoseCustody("us");
  EXPECT_THAT(Restore({"us", "--from", copy, "--checkpoint", checkpoint}),
              HasSubstr("goes back behind the log"));
  EXPECT_NE(exit_code_, 0);
  EXPECT_FALSE(FileExists(CustodyFolder("us"))) << "nothing is left that would start";
  ASSERT_THAT(WriteFileDurably(home() + "/forged", "not a checkpoint\n", FileMode::kPublic),
              IsOk());
  EXPECT_THAT(Restore({"us", "--checkpoint", home() + "/forged"}), HasSubstr("forged"));
  EXPECT_NE(exit_code_, 0);
  EXPECT_THAT(Restore({"us", "--checkpoint", checkpoint}), HasSubstr("Done: "));
  Expect({"up", world()});
  EXPECT_EQ(Get("letter"), "");
}

// A disk that came back empty, and a backup in what it is the backup of.
TEST_F(BackupTest, WhatWouldLoseTheBackupDoesNotStart) {
  Up(SealedTopologyTemplate(), {"--backup", backups()});
  BeginLife();
  Expect({"down"});
  const std::string custody =
      ComityProgram().substr(0, ComityProgram().rfind('/')) + "/comity-custody";
  const auto start_with_backup_in = [&](const std::string& folder) {
    return RunProgram(home(), {custody, "--topology", DeploymentPaths(world()).Topology(),
                               "--region", "us", "--dir", CustodyFolder("us"), "--test-clock",
                               DeploymentPaths(world()).Clock(), "--backup", folder})
        .exit_code;
  };
  EXPECT_EQ(start_with_backup_in(CustodyFolder("us") + "/store"), 1);
  EXPECT_EQ(start_with_backup_in(world()), 1);
  std::filesystem::remove_all(CustodyFolder("us") + "/store");
  EXPECT_EQ(start_with_backup_in(backups() + "/us"), 1);
  EXPECT_THAT(Restore({"us"}), HasSubstr("is not empty")) << "somebody has to say what goes";
  std::filesystem::remove_all(CustodyFolder("us"));
  EXPECT_THAT(Restore({"us"}), HasSubstr("Done: "));
  Expect({"up", world()});
  EXPECT_EQ(Get("letter"), "");
}

TEST_F(BackupTest, TheSharesInForceOpenItAndNoOthers) {
  Up(SealedTopologyTemplate(), {"--backup", backups()});
  BeginLife();
  const std::string before = home() + "/share-before";
  std::filesystem::copy_file(DeploymentPaths(world()).SealShare("us", "ops-evans"), before);
  for (const char* person : {"ops-evans", "ops-fox"}) {
    RunAs(person, {"custody", "rotate-root"});
  }
  for (const char* person : {"ops-evans", "ops-fox", "ops-grant"}) {
    RunAs(person, {"custody", "take-share"});
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (RunAs("ops-evans", {"custody", "status"})["rotation"]["stage"] != "none") {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  // Whoever holds a share puts the new one in its place with the next thing that he does.
  RunAs("ops-evans", {"custody", "unseal"});
  RunAs("ops-fox", {"custody", "unseal"});
  LoseCustody("us");
  EXPECT_THAT(Restore({"us", "--share", before, "--share",
                       DeploymentPaths(world()).SealShare("us", "ops-fox")}),
              HasSubstr("not of this backup's root key"));
  EXPECT_THAT(Restore({"us", "--share", DeploymentPaths(world()).SealShare("us", "ops-fox")}),
              HasSubstr("2 of ops-evans, ops-fox (given), ops-grant"));
  EXPECT_FALSE(FileExists(CustodyFolder("us")));
  EXPECT_THAT(Restore({"us"}), HasSubstr("Done: "));
  Expect({"up", world()});
  EXPECT_EQ(Get("letter"), "");
}

TEST_F(BackupTest, AKeyFileIsInNoBackup) {
  Up(SealedTopologyTemplate(), {"--backup", backups()});
  Expect({"account", "create", "--territory", "CN"});
  Expect({"put", home() + "/letter"});
  const std::string kept = home() + "/root.key";
  std::filesystem::copy_file(CustodyFolder("cn") + "/identity/root.key", kept);
  // Custody cn is not where this account is yet; its own accounts come with the move.
  LoseCustody("cn");
  EXPECT_THAT(Restore({"cn"}), Not(HasSubstr("Done: ")));
  EXPECT_NE(exit_code_, 0);
  EXPECT_THAT(Restore({"cn", "--root-key", kept}), HasSubstr("Done: "));
  Expect({"up", world()});
  EXPECT_EQ(Get("letter"), "");
  Expect({"check", "--restart"});
}

TEST_F(BackupTest, ATokenOpensTheBackupOfItsCustody) {
  const SoftToken soft;
  Up(TokenTopologyTemplate(), {"--pkcs11-module", SoftToken::Module(), "--pkcs11-pin-file",
                               soft.pin_file(), "--backup", backups()});
  BeginLife();
  LoseCustody("us");
  EXPECT_THAT(Restore({"us"}), HasSubstr("--pkcs11-module")) << "where it is is lost as well";
  EXPECT_THAT(
      Restore({"us", "--pkcs11-module", SoftToken::Module(), "--pkcs11-pin-file", soft.pin_file()}),
      HasSubstr("Done: "));
  Up(TokenTopologyTemplate(),
     {"--pkcs11-module", SoftToken::Module(), "--pkcs11-pin-file", soft.pin_file()});
  EXPECT_EQ(Get("letter"), "");
  EXPECT_EQ(soft.CountKeys("root-wrapping"), 1u);
}

}  // namespace
}  // namespace comity::testing
