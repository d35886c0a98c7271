#include "client/cli/shell_exports.h"

#include <array>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "tests/testing/deployment.h"

namespace comity::cli {
namespace {

TEST(ShellExportsTest, EveryServiceHasItsAddress) {
  const TestDeployment deployment;
  const Topology& topology = deployment.topology();
  const auto variables = DeploymentVariables(topology, "/world", "");
  EXPECT_EQ(variables.at("COMITY_DEPLOYMENT"), "/world");
  EXPECT_EQ(variables.at("COMITY_BUNDLE"), "/world/bundle");
  EXPECT_EQ(variables.at("COMITY_CN_CUSTODY"),
            topology.FindRegion("cn")->service(ServiceKind::kCustody).address);
  EXPECT_EQ(variables.count("COMITY_HOME"), 0u);
  EXPECT_EQ(DeploymentVariables(topology, "/world", "/home").at("COMITY_HOME"), "/home");
}

TEST(ShellExportsTest, ShellReadsBackWhatWasWritten) {
  const std::string awkward = "it's $HOME `pwd` \"quoted\" \\ back\nline";
  const std::string script =
      ShellExports({{"COMITY_DEPLOYMENT", awkward}}) + "printf %s \"$COMITY_DEPLOYMENT\"";
  FILE* shell = popen(script.c_str(), "r");
  ASSERT_NE(shell, nullptr);
  std::array<char, 256> buffer{};
  std::string read;
  while (const size_t got = fread(buffer.data(), 1, buffer.size(), shell)) {
    read.append(buffer.data(), got);
  }
  EXPECT_EQ(pclose(shell), 0);
  EXPECT_EQ(read, awkward);
}

}  // namespace
}  // namespace comity::cli
