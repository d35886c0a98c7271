#include <string>

#include <gtest/gtest.h>

#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

// Objects that nobody expects: names that look like paths, and contents without a byte.
namespace comity::testing {
namespace {

class NamesTest : public ::testing::Test {
 protected:
  // In a deployment of its own, with an account in CN, in a folder with nothing else.
  ProgramResult RunScript(const std::string& script) {
    return RunProgram(dir_.path() + "/unused",
                      {"/bin/bash", "-euo", "pipefail", "-c",
                       "cd '" + dir_.path() + "'; export TMPDIR=\"$PWD\" LC_ALL=C.UTF-8 \\\n" +
                           "  PATH=\"$COMITY_BIN_DIR:$PATH\"\n" + kBegin + script});
  }
  static constexpr char kBegin[] = R"sh(
eval "$(comity up --ephemeral --env)"
trap 'comity down > /dev/null' EXIT
comity account create --territory CN > created.txt
mkdir -p deep/here; cd deep/here
# A command that must be refused for this reason.
refused() {
  reason=$1; shift
  code=0; "$@" > refused.out 2> refused.err || code=$?
  cat refused.err >&2
  test $code = 1; grep -q "reason: *$reason" refused.err; grep -q 'do next:' refused.err
  rm refused.out refused.err
}
)sh";
  const TempDir dir_;
};

TEST_F(NamesTest, NamesThatLookLikePathsLeadNowhereElse) {
  const ProgramResult result = RunScript(R"sh(
names=('../../etc/passwd' /abs a/../b $'\u202egpj.exe' $'cafe\u0301' $'caf\u00e9')
for name in "${names[@]}"; do printf '%s' "of $name" | comity put - --name "$name"; done > put.txt
test "$(comity --json ls | grep -o '"name":"[^"]*"' | wc -l)" = ${#names[@]}
mkdir out
for name in "${names[@]}"; do
  comity get "$name" -o - | cmp - <(printf '%s' "of $name")
  comity get "$name" -o out > got.txt
  comity get "$name" > got.txt
done
# Under the last part of each name, here and in the folder, and nowhere else.
test "$(ls out | wc -l)" = ${#names[@]}
for file in passwd abs b $'\u202egpj.exe' $'cafe\u0301' $'caf\u00e9'; do
  cmp "out/$file" "$file"
done
test "$(cat out/passwd)" = 'of ../../etc/passwd'
test "$(cat out/$'caf\u00e9')" = $'of caf\u00e9'
test "$(ls ../.. | grep -v '^comity-' | tr '\n' ' ')" = 'created.txt deep '
test "$(ls ..)" = here
# What would turn the direction of writing is shown instead.
comity ls | grep -qF '\u{202e}gpj.exe'
for name in "${names[@]}"; do comity rm "$name"; done > removed.txt
comity ls | grep -q '^No objects'
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(NamesTest, NamesThatAreNoneAreRefused) {
  const ProgramResult result = RunScript(R"sh(
long=$(printf '%65536s' x)
for name in $'a\nb' $'\x1b[2J' $'\xff' $'\u0085' "$long"; do
  refused FIELD_INVALID comity put /dev/null --name "$name"
done
touch $'line\nbreak'
refused FIELD_INVALID comity put $'line\nbreak'
comity ls | grep -q '^No objects'
# Names that end in no file: nothing is written where nobody said.
for name in .. . a/.. a/ /; do
  comity put /dev/null --name "$name" > put.txt
  refused FIELD_INVALID comity get "$name"
  refused FIELD_INVALID comity get "$name" -o ..
  comity get "$name" -o given > got.txt && test ! -s given && rm given
done
test "$(ls .. | tr '\n' ' ')" = 'here '
# Bytes that are no UTF-8 come out of --json as JSON.
code=0; comity --json rm $'\xff' > rm.json || code=$?
test $code = 1; grep -q OBJECT_NOT_FOUND rm.json; iconv -f UTF-8 -t UTF-8 rm.json > /dev/null
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(NamesTest, AFileThatIsInTheWayIsNotFollowed) {
  const ProgramResult result = RunScript(R"sh(
printf mine > ../victim; ln -s ../victim letter; printf part > letter.part
printf yours | comity put - --name letter > put.txt
comity get letter > got.txt
test ! -L letter; test "$(cat letter)" = yours; test "$(cat ../victim)" = mine
test "$(cat letter.part)" = part
refused OBJECT_NOT_FOUND comity get nothing -o letter
test "$(cat letter)" = yours
test "$(ls | grep -c part)" = 1
refused STORE_UNAVAILABLE comity get letter -o no/such/folder
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

TEST_F(NamesTest, AnObjectWithoutAByteGoesWhereOthersGo) {
  const ProgramResult result = RunScript(R"sh(
touch empty; printf x > full
comity put empty full > put.txt
comity put empty > put.txt
comity --json ls | grep -q '"name":"empty"[^}]*"size":0,'
comity get empty -o back > got.txt && cmp empty back
# It moves with the others, and is read back by the device.
comity test clock advance 2018-01-11 > clock.txt
comity account accept-terms > terms.txt
comity test clock advance 2018-03-01 > clock.txt
comity --as us/ops-evans migrate run > run.txt
comity get empty -o back > got.txt && cmp empty back
comity account confirm-move > confirmed.txt
comity get empty -o - | cmp - empty
# An authority that may have it gets it.
account=$(comity --json account show | sed 's/.*"account":"\([^"]*\)".*/\1/')
echo warrant > warrant.txt
case=$(comity --json --as cn/agent-lin legal submit --target "cn/$account" --class names \
  --class content --from 2017-12-01 --to 2018-03-01 --instrument warrant \
  --instrument-file warrant.txt --reference 17 --basis 'Art. 141' --ground 'fraud, suspect named' |
  sed 's/.*"case":"\([^"]*\)".*/\1/')
comity --as cn/reviewer-chen legal decide "$case" accept > decided.txt
comity test clock advance 7d > clock.txt
comity --as cn/approver-wang legal approve "$case" > approved.txt
comity --as cn/approver-moore legal approve "$case" > approved.txt
comity --as cn/reviewer-chen legal execute "$case" > executed.txt
comity --as cn/agent-lin legal open "$case" -o package > opened.txt
test "$(ls package | wc -l)" = 2
test "$(find package -empty -name 'empty-*' | wc -l)" = 1
comity rm empty > removed.txt
refused OBJECT_NOT_FOUND comity get empty
comity log verify > verified.txt
)sh");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

}  // namespace
}  // namespace comity::testing
