#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

namespace comity::testing {
namespace {

// The block of README.md that begins with "```sh quickstart".
std::string QuickstartBlock() {
  std::ifstream in(COMITY_SOURCE_DIR "/README.md");
  std::string block;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && line == "```") return block;
    if (inside) block += line + "\n";
    if (line == "```sh quickstart") inside = true;
  }
  return {};
}

TEST(ReadmeTest, CommandsOfTheReadmeWorkAsTheyStand) {
  const std::string block = QuickstartBlock();
  ASSERT_FALSE(block.empty()) << "README.md has no block \"```sh quickstart\"";
  const TempDir dir;
  const std::string home = dir.path() + "/home";
  std::filesystem::copy(COMITY_SOURCE_DIR "/README.md", dir.path());
  std::filesystem::copy(COMITY_SOURCE_DIR "/docs", dir.path() + "/docs",
                        std::filesystem::copy_options::recursive);
  const ProgramResult result =
      RunProgram(home, {"/bin/bash", "-euo", "pipefail", "-c",
                        "cd '" + dir.path() + "'; PATH=\"$COMITY_BIN_DIR:$PATH\"\n" + block});
  EXPECT_EQ(result.exit_code, 0) << result.output;
  // In case that it did not come to the end.
  RunComity(home, {"--deployment", dir.path() + "/world", "down"});
}

}  // namespace
}  // namespace comity::testing
