#include "client/deployment/templates.h"

#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "client/deployment/paths.h"
#include "services/common/files/files.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

constexpr char kShipped[] = COMITY_SOURCE_DIR "/deploy/topologies/icloud-cn-2018.txtpb";

TEST(TemplatesTest, BareNameIsFoundInTheTreeThatTheProgramWasBuiltIn) {
  ASSERT_OK_AND_ASSIGN(const std::string path, FindTemplate("icloud-cn-2018"));
  EXPECT_EQ(path, kShipped);
}

TEST(TemplatesTest, PathIsTakenAsItIs) {
  ASSERT_OK_AND_ASSIGN(const std::string path, FindTemplate(kShipped));
  EXPECT_EQ(path, kShipped);
}

TEST(TemplatesTest, UnknownNameIsRefused) {
  EXPECT_THAT(FindTemplate("atlantis"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(FindTemplate("/absent/atlantis"), RefusedWith(Reason::kStoreUnavailable));
}

TEST(TemplatesTest, DeploymentIsCompletedFromTheTemplateItWasMadeOf) {
  const TempDir dir;
  ASSERT_THAT(MakeFromTemplate(kShipped, dir.path(), nullptr), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string topology,
                       ReadFile(DeploymentPaths(dir.path()).Topology()));
  // The name is not looked for again.
  ASSERT_THAT(MakeFromTemplate("atlantis", dir.path(), nullptr), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string again, ReadFile(DeploymentPaths(dir.path()).Topology()));
  EXPECT_EQ(topology, again);
}

TEST(TemplatesTest, WhatIsNoTemplateLeavesNothingBehind) {
  const TempDir dir;
  const std::string file = dir.path() + "/wrong.txtpb";
  std::ofstream(file) << "serial: 0\n";
  EXPECT_THAT(MakeFromTemplate(file, dir.path() + "/world", nullptr),
              RefusedWith(Reason::kTopologyInvalid));
  EXPECT_FALSE(FileExists(dir.path() + "/world"));
}

}  // namespace
}  // namespace comity
