#include "services/review/case_id.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

namespace comity::review {
namespace {

constexpr UnixMillis kMarch = 1'520'640'000'000;  // 2018-03-10

RegionId Region(const char* name) { return *RegionId::Create(name); }

TEST(CaseIdTest, NewIdNamesRegionMonthAndBucketAndIsFoundAgain) {
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) {
    const std::string id = NewCaseId(Region("cn-north"), kMarch);
    EXPECT_TRUE(id.starts_with("cn-north-201803-")) << id;
    const auto place = ParseCaseId(Region("cn-north"), id);
    ASSERT_TRUE(place.has_value()) << id;
    EXPECT_EQ(place->month, "201803");
    EXPECT_EQ(place->bucket, id.substr(16, 2));
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 100U);
}

TEST(CaseIdTest, AnythingElseIsNoId) {
  const std::string good = "cn-201803-0a-aaaaaaaaaaaaaaaa";
  EXPECT_TRUE(ParseCaseId(Region("cn"), good).has_value());
  EXPECT_FALSE(ParseCaseId(Region("us"), good).has_value());
  for (const std::string& bad :
       {std::string(), std::string("cn"), good + "a", good.substr(1),
        std::string("cn-2018o3-0a-aaaaaaaaaaaaaaaa"), std::string("cn-201803-0A-aaaaaaaaaaaaaaaa"),
        std::string("cn-201803-0g-aaaaaaaaaaaaaaaa"), std::string("cn-201803-0a-aaaaaaaaaaaaaaa1"),
        std::string("cn-201803-0a_aaaaaaaaaaaaaaaa"), std::string("cn/201803-0a-aaaaaaaaaaaaaaaa"),
        std::string("cn-201803/0a-aaaaaaaaaaaaaaaa")}) {
    EXPECT_FALSE(ParseCaseId(Region("cn"), bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace comity::review
