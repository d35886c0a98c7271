#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

// Everyday operation by command, in deployments that go when they are not needed any more.
namespace comity::testing {
namespace {

using ::testing::HasSubstr;

class OperationsTest : public ::testing::Test {
 protected:
  ProgramResult RunScript(const std::string& script) {
    return RunProgram(dir_.path() + "/unused",
                      {"/bin/bash", "-euo", "pipefail", "-c",
                       "cd '" + dir_.path() + "'; export TMPDIR='" + dir_.path() +
                           "' PATH=\"$COMITY_BIN_DIR:$PATH\"\n" + script});
  }
  // Folders of ephemeral deployments that are there.
  size_t Deployments() const {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
      count += entry.path().filename().string().starts_with("comity-") ? 1 : 0;
    }
    return count;
  }
  const TempDir dir_;
};

TEST_F(OperationsTest, KeyIsRotatedWatchedAndToldInADeploymentOfOneShell) {
  const ProgramResult result = RunScript(R"sh(
eval "$(comity up --ephemeral --env)"
trap 'comity down' EXIT
test "$COMITY_HOME" = "$COMITY_DEPLOYMENT/home"
comity account create --territory CN > created.txt
echo one > one.txt; echo two > two.txt
comity put one.txt
comity key rotate | grep -F 'Version 2 of your key was made in region us.'
comity put two.txt
comity get one.txt -o one.back && cmp one.txt one.back
comity get two.txt -o two.back && cmp two.txt two.back
comity key where | grep -F 'Versions of the key: 2 wraps; 1 opens what it wrapped.'
comity --json key where > where.json
comity key verify-attestation where.json > verified.txt
comity bundle -o bundle && cmp bundle/bundle.json "$COMITY_BUNDLE/bundle.json"
comity bundle cn -o cn.json && grep -q '"cn"' cn.json
grep -q "\"$COMITY_US_CUSTODY\"" bundle/bundle.json
comity --json logs us/custody --since 10m > logs.json
grep -q '"event":"ready"' logs.json
comity logs review -n 3 > logs.txt; test "$(wc -l < logs.txt)" -le 3
comity --json status > status.json
url=$(sed 's/.*"metrics_url":"\([^"]*\)".*/\1/' status.json)
curl --silent --fail "$url" > metrics.txt
grep -q '^comity_info{' metrics.txt
grep -q '^comity_calls_total{' metrics.txt
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_THAT(result.output, HasSubstr("is removed"));
  EXPECT_EQ(Deployments(), 0u);
}

TEST_F(OperationsTest, EphemeralDeploymentGoesWithItsShell) {
  const ProgramResult result = RunScript(
      "eval \"$(comity up --ephemeral --env)\"\n"
      "comity --json status > status.json && cp \"$COMITY_DEPLOYMENT\"/us/custody/pid pid\n");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Deployments() != 0) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << "the guard did not take it down";
    std::this_thread::yield();
  }
  std::string pid;
  std::ifstream(dir_.path() + "/pid") >> pid;
  ASSERT_FALSE(pid.empty());
  EXPECT_FALSE(std::filesystem::exists("/proc/" + pid + "/exe"));
}

TEST_F(OperationsTest, CaseIsGivenToOneReviewer) {
  const ProgramResult result = RunScript(R"sh(
eval "$(comity up --ephemeral --env)"
trap 'comity down' EXIT
comity test clock advance 2018-03-01
comity account create --territory CN --accept-terms cn-2018-02 > created.txt
comity --json account show > account.json
account=$(sed 's/.*"account":"\([^"]*\)".*/\1/' account.json)
echo warrant > warrant.txt
comity --json --as cn/agent-lin legal submit --target "cn/$account" --class names \
  --from 2018-02-01 --to 2018-03-01 --instrument warrant --instrument-file warrant.txt \
  --reference 17 --basis 'Art. 36' --ground 'fraud, suspect named' > case.json
case=$(sed 's/.*"case":"\([^"]*\)".*/\1/' case.json)
comity --as cn/reviewer-chen legal assign "$case" lawyer-sun | grep -F 'given to   lawyer-sun'
if comity --as cn/reviewer-chen legal decide "$case" accept 2> refused.txt; then exit 1; fi
grep -q STATE_NOT_READY refused.txt
comity --as cn/reviewer-chen legal assign "$case" > taken.txt
comity --as cn/reviewer-chen legal decide "$case" accept > decided.txt
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

}  // namespace
}  // namespace comity::testing
