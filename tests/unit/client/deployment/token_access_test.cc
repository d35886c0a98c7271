#include "client/deployment/token_access.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/deployment/maker.h"
#include "services/common/files/files.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TokenAccessTest : public testing::Test {
 protected:
  Topology Make(const std::string& text) {
    EXPECT_THAT(MakeDeployment({.template_text = text, .directory = dir_.path(), .progress = {}}),
                IsOk());
    return Topology::Load(paths_.Topology()).value();
  }
  std::vector<std::string> Flags(std::string_view region) const {
    return TokenFlags(paths_, TestDeployment::Region(region));
  }

  const TempDir dir_;
  const DeploymentPaths paths_{dir_.path()};
};

TEST_F(TokenAccessTest, IsKeptForThoseCustodiesThatATokenGuards) {
  const Topology topology = Make(TokenTopologyTemplate());
  EXPECT_THAT(Flags("us"), IsEmpty());
  ASSERT_THAT(KeepTokenAccess(paths_, topology, "/lib/m.so", "pin"), IsOk());
  EXPECT_THAT(Flags("us"), ElementsAre("--pkcs11-module", "/lib/m.so", "--pkcs11-pin-file",
                                       std::filesystem::current_path().string() + "/pin"));
  EXPECT_THAT(Flags("cn"), IsEmpty());
  ASSERT_THAT(KeepTokenAccess(paths_, topology, "/lib/other.so", "/etc/pin"), IsOk());
  EXPECT_THAT(Flags("us"),
              ElementsAre("--pkcs11-module", "/lib/other.so", "--pkcs11-pin-file", "/etc/pin"));
}

TEST_F(TokenAccessTest, IsRefusedWhereNoTokenGuardsAnything) {
  const Topology topology = Make(ReadTopologyTemplate());
  const absl::Status refused = KeepTokenAccess(paths_, topology, "/lib/m.so", "/etc/pin");
  EXPECT_THAT(refused, RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(CauseOf(refused), HasSubstr("no custody of this deployment"));
}

// The root key of such a custody is made by itself.
TEST_F(TokenAccessTest, BirthMakesNoRootKeyForATokenToGuard) {
  Make(TokenTopologyTemplate());
  const std::string us = paths_.Identity("us", ServiceKind::kCustody);
  EXPECT_FALSE(FileExists(us + "/root.key"));
  EXPECT_FALSE(FileExists(us + "/seal"));
  EXPECT_TRUE(FileExists(paths_.Identity("cn", ServiceKind::kCustody) + "/root.key"));
}

}  // namespace
}  // namespace comity
