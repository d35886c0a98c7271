#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/topology/topology.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

// The seal of a custody's root key: who holds it, and who can therefore be made to open it.
namespace comity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

absl::StatusOr<Topology> Parse(const std::string& text) {
  return Topology::Parse(text, /*as_template=*/true);
}

std::vector<std::string> CompelUs(const std::string& text) {
  return Parse(text)->CanCompel(TestDeployment::Region("us"), ServiceKind::kCustody);
}

std::string WhyBroken(std::string_view from, std::string_view to) {
  const absl::StatusOr<Topology> topology = Parse(Replaced(SealedTopologyTemplate(), from, to));
  EXPECT_THAT(topology, RefusedWith(Reason::kTopologyInvalid));
  return CauseOf(topology.status());
}

TEST(TopologySealTest, HoldersAndThresholdAreRead) {
  ASSERT_OK_AND_ASSIGN(const Topology topology, Parse(SealedTopologyTemplate()));
  const ServiceInfo& custody = topology.FindRegion("us")->service(ServiceKind::kCustody);
  ASSERT_TRUE(custody.shamir_seal.has_value());
  EXPECT_EQ(custody.shamir_seal->Description(), "shamir 2 of 3");
  EXPECT_EQ(custody.shamir_seal->holders.at(2), (SealHolderInfo{"ops-grant", "CN"}));
  EXPECT_FALSE(topology.FindRegion("cn")->service(ServiceKind::kCustody).shamir_seal.has_value());
}

TEST(TopologySealTest, LeaseHasDaysOrThereIsNone) {
  const auto days = [](std::string_view to) {
    return Parse(Replaced(SealedTopologyTemplate(), "threshold: 2", to));
  };
  ASSERT_OK_AND_ASSIGN(const Topology leased, days("threshold: 2 lease_days: 30"));
  const ServiceInfo& custody = leased.FindRegion("us")->service(ServiceKind::kCustody);
  EXPECT_EQ(custody.shamir_seal->lease_days, 30u);
  EXPECT_EQ(custody.shamir_seal->Description(), "shamir 2 of 3");
  EXPECT_THAT(days("threshold: 2 lease_days: 3650"), IsOk());
  EXPECT_THAT(WhyBroken("threshold: 2", "threshold: 2 lease_days: 3651"),
              HasSubstr("a lease has at most 3650 days"));
}

TEST(TopologySealTest, JurisdictionOfTooFewHoldersCannotCompel) {
  EXPECT_THAT(CompelUs(SealedTopologyTemplate()), ElementsAre("US"));
}

TEST(TopologySealTest, JurisdictionOfEnoughHoldersCanCompel) {
  const std::string text = Replaced(SealedTopologyTemplate(), "\"ops-fox\" residence: \"US\"",
                                    "\"ops-fox\" residence: \"CN\"");
  EXPECT_THAT(CompelUs(text), ElementsAre("CN", "US"));
}

TEST(TopologySealTest, ThresholdIsTwoAtLeastAndAllAtMost) {
  const std::string why = "a seal is opened by 2 or more of at most 16 holders";
  EXPECT_THAT(WhyBroken("threshold: 2", "threshold: 1"), HasSubstr(why));
  EXPECT_THAT(WhyBroken("threshold: 2", "threshold: 4"), HasSubstr(why));
  EXPECT_THAT(WhyBroken("threshold: 2", ""), HasSubstr(why));
}

TEST(TopologySealTest, PersonHoldsOneShare) {
  EXPECT_THAT(WhyBroken("person: \"ops-fox\"", "person: \"ops-evans\""),
              HasSubstr("\"ops-evans\" holds two shares"));
}

TEST(TopologySealTest, ResidenceIsAJurisdictionOfTheFile) {
  EXPECT_THAT(WhyBroken("residence: \"CN\"", "residence: \"XX\""),
              HasSubstr("no such jurisdiction \"XX\""));
}

TEST(TopologySealTest, HolderIsAnOperatorPersonOfCustodysOperatorThere) {
  for (const std::string_view other : {"nobody", "approver-baker", "ops-kelly"}) {
    EXPECT_THAT(WhyBroken("person: \"ops-fox\"", "person: \"" + std::string(other) + "\""),
                HasSubstr("is no operator person of \"apple\" there"));
  }
}

TEST(TopologySealTest, OnlyCustodyHasASeal) {
  EXPECT_THAT(WhyBroken("services { kind: SERVICE_KIND_STORAGE operator: \"apple\" }",
                        "services { kind: SERVICE_KIND_STORAGE operator: \"apple\" "
                        "shamir_seal { threshold: 2 } }"),
              HasSubstr("only custody has a seal"));
}

}  // namespace
}  // namespace comity
