#include "client/deployment/bundle.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/deployment/paths.h"
#include "client/deployment/templates.h"
#include "services/common/crypto/signing.h"
#include "services/common/files/files.h"
#include "services/common/log/base64.h"
#include "services/common/status/reason.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kShipped[] = COMITY_SOURCE_DIR "/deploy/topologies/icloud-cn-2018.txtpb";

// One deployment as `comity up` makes it, bundle included.
class BundleTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TempDir();
    ASSERT_THAT(MakeFromTemplate(kShipped, folder_->path(), nullptr), IsOk());
  }
  static void TearDownTestSuite() {
    delete folder_;
    folder_ = nullptr;
  }
  static std::string File() { return DeploymentPaths(folder_->path()).Topology(); }
  static Topology Load() { return Topology::Load(File()).value(); }
  static json Parsed(const std::optional<std::string>& region = std::nullopt) {
    return json::parse(BundleJson(Load(), region).value());
  }
  static TempDir* folder_;
};
TempDir* BundleTest::folder_ = nullptr;

TEST_F(BundleTest, NamesDeploymentAndTopology) {
  const json bundle = Parsed();
  EXPECT_EQ(bundle["format"], "comity client bundle v1");
  EXPECT_EQ(bundle["deployment"], Load().deployment());
  EXPECT_EQ(bundle["development"], true);
  EXPECT_EQ(bundle["clock"], "test");
  EXPECT_EQ(bundle["topology"]["serial"], 1);
  EXPECT_EQ(bundle["topology"]["sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(bundle["jurisdictions"]["CN"], "People's Republic of China");
}

TEST_F(BundleTest, EveryServiceHasEndpointIdentityAndLog) {
  const json bundle = Parsed();
  const Topology topology = Load();
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind :
         {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
      const ServiceInfo& service = region.service(kind);
      const json& told = bundle["regions"][id.name()]["services"][std::string(Name(kind))];
      EXPECT_EQ(told["endpoint"], service.address);
      EXPECT_EQ(told["operator"], service.operator_name);
      EXPECT_EQ(told["certificate_uri"], "spiffe://" + id.name() + "." + topology.deployment() +
                                             "/operator/" + service.operator_name + "/" +
                                             std::string(Name(kind)) + "/0");
      EXPECT_EQ(told["can_compel"].get<std::vector<std::string>>(), topology.CanCompel(id, kind));
      EXPECT_EQ(told["log"]["url"], service.log_url);
      EXPECT_EQ(told["log"]["origin"], topology.LogOrigin(id, kind));
      EXPECT_EQ(Base64Decode(told["log"]["public_key"].get<std::string>()),
                service.log_key->spki());
      EXPECT_THAT(told["log"]["verifier_key"].get<std::string>(),
                  StartsWith(topology.LogOrigin(id, kind) + "+"));
    }
    EXPECT_EQ(bundle["regions"][id.name()]["root_certificate"], region.root_certificate);
  }
}

TEST_F(BundleTest, OperatorsComeWithTheKeysThatEndorse) {
  const json bundle = Parsed();
  const Topology topology = Load();
  for (const auto& [name, info] : topology.operators()) {
    EXPECT_EQ(Base64Decode(bundle["operators"][name]["public_key"].get<std::string>()),
              info.key->spki());
  }
}

TEST_F(BundleTest, TerritoriesSayWhichPolicyTheirHomesTake) {
  const json homes = Parsed()["territories"]["CN"]["homes"];
  ASSERT_EQ(homes.size(), 2u);
  EXPECT_EQ(homes[0]["region"], "us");
  EXPECT_EQ(homes[0]["from_ms"], 0);
  EXPECT_EQ(homes[1]["region"], "cn");
  EXPECT_EQ(homes[1]["from_ms"], 1'519'776'000'000);
  EXPECT_EQ(homes[1]["terms"], "cn-2018-02");
  EXPECT_EQ(homes[1]["custody_policy"]["mode"], 1);
  EXPECT_THAT(homes[1]["custody_policy"]["regions"].get<std::vector<std::string>>(),
              ElementsAre("cn"));
  EXPECT_TRUE(Parsed()["terms"].contains("cn-2018-02"));
}

TEST_F(BundleTest, HomesWithKeysElsewhereSayWhoseCustody) {
  const TestDeployment before(ReadTopologyTemplate("icloud-2017"));
  const json home = json::parse(
      BundleJson(before.topology(), std::nullopt).value())["territories"]["DE"]["homes"][0];
  EXPECT_EQ(home["region"], "eu");
  EXPECT_EQ(home["custody_policy"]["mode"], 2);
  EXPECT_EQ(home["custody_policy"]["mode_name"], "exclave");
  EXPECT_THAT(home["custody_policy"]["regions"].get<std::vector<std::string>>(), ElementsAre("us"));
  // Whoever looks at the region of the keys alone sees the home as well.
  EXPECT_TRUE(
      json::parse(BundleJson(before.topology(), "us").value())["territories"].contains("DE"));
}

TEST_F(BundleTest, OneRegionLeavesOutTheOthers) {
  const json bundle = Parsed("cn");
  EXPECT_TRUE(bundle["regions"].contains("cn"));
  EXPECT_FALSE(bundle["regions"].contains("us"));
  EXPECT_EQ(bundle["territories"]["CN"]["homes"].size(), 1u);
  EXPECT_FALSE(bundle["territories"].contains("*"));
}

TEST_F(BundleTest, UnknownRegionIsRefusedWithTheOnesThereAre) {
  const absl::Status status = BundleJson(Load(), "eu").status();
  EXPECT_THAT(status, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(status), HasSubstr("cn, us"));
  EXPECT_THAT(WriteBundle(Load(), File(), "eu", folder_->path() + "/eu"),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_FALSE(FileExists(folder_->path() + "/eu"));
}

TEST_F(BundleTest, DeploymentIsMadeWithItsBundle) {
  const std::string bundle = folder_->path() + "/bundle";
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFile(bundle + "/bundle.json"));
  EXPECT_EQ(text, BundleJson(Load(), std::nullopt).value());
  ASSERT_OK_AND_ASSIGN(const std::string root, ReadFile(bundle + "/roots/cn.pem"));
  EXPECT_EQ(root, Load().FindRegion("cn")->root_certificate);
  // The copy verifies as the original does.
  ASSERT_OK_AND_ASSIGN(const Topology copy, Topology::Load(bundle + "/topology.txtpb"));
  EXPECT_EQ(copy.digest(), Load().digest());
  for (const char* file : {"/operators/apple.pem", "/logs/us-storage.pem", "/logs/cn-review.pem"}) {
    ASSERT_OK_AND_ASSIGN(const std::string pem, ReadFile(bundle + file));
    EXPECT_THAT(pem, StartsWith("-----BEGIN PUBLIC KEY-----\n")) << file;
  }
}

TEST_F(BundleTest, NothingInItIsSecret) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder_->path() + "/bundle")) {
    if (!entry.is_regular_file()) continue;
    ASSERT_OK_AND_ASSIGN(const std::string bytes, ReadFile(entry.path().string()));
    EXPECT_THAT(bytes, testing::Not(HasSubstr("PRIVATE"))) << entry.path();
  }
}

TEST_F(BundleTest, FilesThatAreRightAreLeftAlone) {
  const std::string file = folder_->path() + "/bundle/bundle.json";
  const auto before = std::filesystem::last_write_time(file);
  ASSERT_THAT(WriteBundle(Load(), File(), std::nullopt, folder_->path() + "/bundle"), IsOk());
  EXPECT_EQ(std::filesystem::last_write_time(file), before);
  ASSERT_THAT(WriteFileDurably(file, "spoilt", FileMode::kPublic), IsOk());
  ASSERT_THAT(WriteBundle(Load(), File(), std::nullopt, folder_->path() + "/bundle"), IsOk());
  EXPECT_EQ(ReadFile(file).value(), BundleJson(Load(), std::nullopt).value());
}

}  // namespace
}  // namespace comity
