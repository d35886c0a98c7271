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

TEST_F(OperationsTest, LimitsInACustodysFolderHoldFromItsNextStart) {
  const ProgramResult result = RunScript(R"sh(
export COMITY_HOME="$PWD/home"
refused() { if "${@:2}" > out.txt 2> err.txt; then cat out.txt; exit 1; fi; grep -F "$1" err.txt; }
comity up --dir world > up.txt
trap 'comity down' EXIT
comity account create --territory HK > created.txt
comity down > down.txt
echo 'account-calls=often' > world/us/custody/limits
refused 'account-keys=20000/200000' comity up --dir world
printf 'use-legal=none\naccount-calls=1/2\n' > world/us/custody/limits
comity up --dir world > up.txt
for i in {1..50}; do if ! comity key where > where.txt 2> err.txt; then break; fi; done
grep -F 'RATE_LIMITED' err.txt
grep -E '^  wait:     [0-9]+ (ms|s)$' err.txt
curl --silent --fail "http://$(cat world/us/custody/metrics)/metrics" > metrics.txt
grep '^comity_limited_total{limit="account-calls"} [1-9]' metrics.txt
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(OperationsTest, VersionsOfAKeyAreTakenOutOfUse) {
  const ProgramResult result = RunScript(R"sh(
eval "$(comity up --ephemeral --env)"
trap 'comity down' EXIT
refused() { if "${@:2}" > out.txt 2> err.txt; then cat out.txt; exit 1; fi; grep -F "$1" err.txt; }
eventually() {
  for i in {1..500}; do if comity key versions | grep -F "$1"; then return; fi; done
  exit 1
}
comity account create --territory HK > created.txt
for file in one two; do echo $file > $file.txt; done
comity put one.txt
comity key rotate > rotated.txt
comity put two.txt

# Disabled: its objects have no names, and nobody takes theirs.
comity key disable 1 | grep -F 'Undo: comity key enable 1'
comity ls | grep -F '(cannot be opened: key version 1 is disabled)'
comity get two.txt -o two.back && cmp two.txt two.back
refused KEY_DISABLED comity get one.txt -o one.back
refused KEY_DISABLED comity put one.txt
comity key enable 1
comity get one.txt -o one.back && cmp one.txt one.back

refused '1 object is still wrapped' comity key destroy 1
refused '1 object is still wrapped' comity key min-version 2

# Rewrapped, nothing needs the first version any more.
comity key rewrap | grep -F 'Rewrapped 1 object; 1 was'
comity key rewrap | grep -F 'Rewrapped 0 objects; 2 were'
comity key min-version 2
comity key versions | grep -F 'No version before 2 opens anything.'
comity get one.txt -o one.again && cmp one.txt one.again
comity key min-version 1
comity key destroy 1 --days 7 | grep -F 'Undo: comity key cancel-destroy 1'
refused 'comity key cancel-destroy` first' comity key enable 1
refused 'comity key rotate` first' comity key destroy 2
comity key cancel-destroy 1 > kept.txt
comity key destroy 1 --days 7 > destroy.txt
comity key auto-rotate 30 > auto.txt
comity test clock advance 8d > clock.txt
eventually 'version 1  destroyed'
comity key versions | grep -F ', certified'
comity get one.txt -o one.end && cmp one.txt one.end

# Lost, because nobody rewrapped.
comity test clock advance 30d > clock.txt
eventually 'version 3  enabled'
comity key destroy 2 --days 7 --lose-objects > destroy.txt
comity test clock advance 8d > clock.txt
eventually 'version 2  destroyed'
test "$(comity ls | grep -cF '(cannot be opened: key version 2 is destroyed)')" = 2
code=0; comity --json key rewrap > rewrap.json || code=$?; test $code = 3
grep -F '"failed":{"KEY_DESTROYED":2}' rewrap.json
comity put one.txt
comity rm --lost | grep -F 'removed 2'
comity ls > ls.txt; test "$(wc -l < ls.txt)" = 1
comity get one.txt -o one.new && cmp one.txt one.new
comity check --restart
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(OperationsTest, WhatIsSaidAboutVersionsCrossesTheBorderWithTheKey) {
  const ProgramResult result = RunScript(R"sh(
eval "$(comity up --ephemeral --env)"
trap 'comity down' EXIT
comity account create --territory CN > created.txt
for name in one two three; do
  echo $name > $name.txt; comity put $name.txt; comity key rotate > rotated.txt
done
comity key destroy 1 --lose-objects > destroy.txt
comity key disable 2 > disable.txt
comity key auto-rotate 3650 > auto.txt
comity test clock advance 2018-01-15
comity account accept-terms > consent.txt
comity test clock advance 2018-03-01
comity --as us/ops-evans migrate run | grep -F '1 of 1 accounts moved'
comity account show | grep -F 'active in region cn'
comity key versions > versions.txt
grep -F 'version 2  disabled' versions.txt
grep -F 'A version makes itself every 3650 days' versions.txt
comity ls > ls.txt
grep -F '(cannot be opened: key version 1 is destroyed)' ls.txt
grep -F '(cannot be opened: key version 2 is disabled)' ls.txt
comity get three.txt -o three.back && cmp three.txt three.back
comity account confirm-move > certificates.txt 2> told.txt
grep -F '2 more are here, under key versions that open nothing.' told.txt
comity key enable 2 > enable.txt
comity get two.txt -o two.back && cmp two.txt two.back
comity rm --lost | grep -F 'removed 1'
comity key rewrap | grep -F 'Rewrapped 2 objects'
comity key min-version 4 > least.txt
comity get two.txt -o two.again && cmp two.txt two.again
comity check --restart
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
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
