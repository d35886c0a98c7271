#include "tests/hygiene/doc_links.h"

#include <filesystem>
#include <set>

#include <gmock/gmock.h>

namespace comity::hygiene {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Check(const std::string& path, std::string_view text) {
  const std::set<std::string> there = {"README.md", "docs/cli.md", "docs/adr/0001-a.md"};
  return CheckLinks(MakeFile(path, text), [&](const std::string& p) { return there.contains(p); });
}

TEST(DocLinksTest, EveryLinkOfTheTreeLeadsSomewhere) {
  std::vector<std::string> findings;
  size_t pages = 0;
  for (const SourceFile& file : Repository()) {
    pages += file.path.ends_with(".md") ? 1 : 0;
    for (std::string& finding : CheckLinks(file, [](const std::string& path) {
           return std::filesystem::exists(std::string(COMITY_SOURCE_DIR) + "/" + path);
         })) {
      findings.push_back(std::move(finding));
    }
  }
  EXPECT_GT(pages, 10u);
  EXPECT_TRUE(findings.empty()) << Listing(findings);
}

TEST(DocLinksTest, TheReadmeIsShortEnoughToBeRead) {
  for (const SourceFile& file : Repository()) {
    if (file.path == "README.md") {
      EXPECT_LE(file.lines.size(), 200u);
    }
  }
}

TEST(DocLinksTest, ALinkIsFollowedFromThePagesOwnFolder) {
  EXPECT_THAT(Check("docs/a.md", "see [cli](cli.md) and [home](../README.md)"), IsEmpty());
  EXPECT_THAT(Check("docs/adr/0002-b.md", "[1](0001-a.md) [cli](../cli.md)"), IsEmpty());
  EXPECT_THAT(Check("a.md", "one [cli](docs/cli.md)\ntwo [cli](cli.md)"),
              ElementsAre(HasSubstr("a.md:2: leads nowhere: cli.md")));
}

TEST(DocLinksTest, EachLinkOfALineIsChecked) {
  EXPECT_THAT(Check("a.md", "[x](README.md) [y](no.md) [z](never.md)"),
              ElementsAre(HasSubstr("no.md"), HasSubstr("never.md")));
}

TEST(DocLinksTest, AHeadingOfAPageNeedsThePage) {
  EXPECT_THAT(Check("a.md", "[x](docs/cli.md#files) [y](#here)"), IsEmpty());
  EXPECT_THAT(Check("a.md", "[x](no.md#files)"), ElementsAre(HasSubstr("no.md")));
}

TEST(DocLinksTest, WebAddressesCodeAndOtherFilesArePassedOver) {
  EXPECT_THAT(Check("a.md", "[x](https://c2sp.org/signed-note)"), IsEmpty());
  EXPECT_THAT(Check("a.md", "`a[0](no)`\n```cpp\nf[i](no);\n```\n"), IsEmpty());
  EXPECT_THAT(Check("a.cc", "f[i](no);"), IsEmpty());
}

}  // namespace
}  // namespace comity::hygiene
