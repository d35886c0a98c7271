#include "tests/hygiene/layering.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace comity::hygiene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

IncludeRules SampleRules() {
  return ParseIncludeRules(MakeFile("rules.txt",
                                    "# comment\n"
                                    "allow services/common/ids:\n"
                                    "allow services/common/store: services/common/ids\n"
                                    "allow services/custody: services/common/* proto\n"
                                    "allow tests: *\n"
                                    "only rocksdb/*: services/common/store/rocksdb_*.cc\n"
                                    "only *.pb.h: services/*/codec* tests/*\n"));
}

std::vector<std::string> Check(std::string path, std::string_view text, bool own_header = false) {
  return CheckIncludes(SampleRules(), MakeFile(std::move(path), text), own_header);
}

TEST(LayeringTest, RulesOfTheTreeAreWellFormedAndWithoutCircles) {
  for (const SourceFile& file : Repository()) {
    if (file.path != "tests/hygiene/allowed_includes.txt") continue;
    const IncludeRules rules = ParseIncludeRules(file);
    EXPECT_THAT(rules.errors, IsEmpty());
    EXPECT_FALSE(rules.allow.empty());
    EXPECT_FALSE(rules.only.empty());
    return;
  }
  FAIL() << "allowed_includes.txt was not found";
}

TEST(LayeringTest, EveryIncludeOfTheTreeIsAllowed) {
  std::set<std::string> paths;
  IncludeRules rules;
  for (const SourceFile& file : Repository()) {
    paths.insert(file.path);
    if (file.path == "tests/hygiene/allowed_includes.txt") rules = ParseIncludeRules(file);
  }
  std::vector<std::string> findings;
  size_t checked = 0;
  for (const SourceFile& file : Repository()) {
    if (!IsCpp(file.path)) continue;
    ++checked;
    const std::string stem = file.path.substr(0, file.path.rfind('.'));
    const bool own_header = file.path.ends_with(".cc") && paths.contains(stem + ".h");
    for (std::string& finding : CheckIncludes(rules, file, own_header)) {
      findings.push_back(std::move(finding));
    }
  }
  EXPECT_GT(checked, 50u);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(LayeringTest, AllowedEdgesPass) {
  EXPECT_THAT(Check("services/custody/codec.cc",
                    "#include <string>\n"
                    "#include \"services/common/ids/ids.h\"\n"
                    "#include \"services/custody/key.h\"\n"
                    "#include \"comity/custody/v1/custody.pb.h\"\n"),
              IsEmpty());
}

TEST(LayeringTest, ServiceIsRefusedAnotherServicesHeader) {
  EXPECT_THAT(Check("services/custody/key.cc", "#include \"services/storage/object.h\"\n"),
              ElementsAre(HasSubstr("key.cc:1: services/custody may not include")));
}

TEST(LayeringTest, LowerLayerIsRefusedAnUpperOne) {
  EXPECT_THAT(Check("services/common/ids/ids.h", "\n#include \"services/common/store/open.h\"\n"),
              ElementsAre(HasSubstr("ids.h:2:")));
}

TEST(LayeringTest, DriverHeaderIsRefusedOutsideItsDriver) {
  EXPECT_THAT(Check("services/common/store/open.cc", "#  include <rocksdb/db.h>\n"),
              ElementsAre(HasSubstr("rocksdb/db.h may not be included here")));
  EXPECT_THAT(Check("services/common/store/rocksdb_store.cc", "#include <rocksdb/db.h>\n"),
              IsEmpty());
}

TEST(LayeringTest, GeneratedHeaderIsRefusedInTheDomain) {
  EXPECT_THAT(Check("services/custody/key.h", "#include \"comity/custody/v1/custody.pb.h\"\n"),
              ElementsAre(HasSubstr("may not be included here")));
}

TEST(LayeringTest, FolderWithoutRuleIsRefused) {
  EXPECT_THAT(Check("services/newcomer/a.cc", ""), ElementsAre(HasSubstr("has no line")));
}

TEST(LayeringTest, SourceIsRefusedAnotherFirstIncludeThanItsHeader) {
  EXPECT_THAT(Check("services/custody/key.cc",
                    "#include <string>\n#include \"services/custody/key.h\"\n", true),
              ElementsAre(HasSubstr("key.cc:1: the first include")));
}

TEST(LayeringTest, IncludeRelativeToTheFileIsRefused) {
  EXPECT_THAT(Check("services/custody/key.cc", "#include \"key.h\"\n"),
              ElementsAre(HasSubstr("by its path from the root")));
}

TEST(LayeringTest, CircleBetweenCommonLibrariesIsRefused) {
  const IncludeRules rules =
      ParseIncludeRules(MakeFile("rules.txt",
                                 "allow services/common/a: services/common/b\n"
                                 "allow services/common/b: services/common/a\n"));
  EXPECT_THAT(rules.errors,
              ElementsAre(HasSubstr("a reaches itself"), HasSubstr("b reaches itself")));
}

TEST(LayeringTest, UnknownRuleIsRefused) {
  EXPECT_THAT(ParseIncludeRules(MakeFile("rules.txt", "permit client: *\nallow client\n")).errors,
              ElementsAre(HasSubstr("rules.txt:1"), HasSubstr("rules.txt:2")));
}

}  // namespace
}  // namespace comity::hygiene
