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

std::string TokenSeal(std::string_view token, std::string_view key) {
  return "kind: SERVICE_KIND_CUSTODY operator: \"apple\" pkcs11_seal { token_label: \"" +
         std::string(token) + "\" key_label: \"" + std::string(key) + "\" }";
}

absl::StatusOr<Topology> ParseTokenSeal(std::string_view token, std::string_view key) {
  return Parse(Replaced(ReadTopologyTemplate(), "kind: SERVICE_KIND_CUSTODY operator: \"apple\"",
                        TokenSeal(token, key)));
}

TEST(TopologySealTest, LabelsOfATokenAndItsKeyAreRead) {
  const std::string longest_token(32, 't');
  const std::string longest_key(64, 'k');
  ASSERT_OK_AND_ASSIGN(const Topology topology, ParseTokenSeal("custody us", "root wrapping"));
  const ServiceInfo& custody = topology.FindRegion("us")->service(ServiceKind::kCustody);
  EXPECT_EQ(custody.pkcs11_seal, (Pkcs11SealInfo{"custody us", "root wrapping"}));
  EXPECT_EQ(custody.pkcs11_seal->Description(), "pkcs11 token custody us");
  EXPECT_FALSE(custody.shamir_seal.has_value());
  EXPECT_FALSE(topology.FindRegion("cn")->service(ServiceKind::kCustody).pkcs11_seal.has_value());
  EXPECT_THAT(topology.CanCompel(TestDeployment::Region("us"), ServiceKind::kCustody),
              ElementsAre("US"));
  EXPECT_THAT(ParseTokenSeal(longest_token, longest_key), IsOk());
}

TEST(TopologySealTest, LabelsAreShortPrintableAndNotPadded) {
  const std::string why_token = "token_label has 1 to 32 printable ASCII characters, no space at";
  for (const std::string& label : {std::string(), std::string(33, 't'), std::string(" t"),
                                   std::string("t "), std::string("t\\nt"), std::string("t\\tt"),
                                   std::string("t\\177"), std::string("t\u00e9")}) {
    const absl::StatusOr<Topology> topology = ParseTokenSeal(label, "key");
    EXPECT_THAT(topology, RefusedWith(Reason::kTopologyInvalid)) << label;
    EXPECT_THAT(CauseOf(topology.status()), HasSubstr(why_token)) << label;
  }
  for (const std::string& label : {std::string(), std::string(65, 'k'), std::string("k\\001")}) {
    EXPECT_THAT(CauseOf(ParseTokenSeal("token", label).status()),
                HasSubstr("key_label has 1 to 64 printable ASCII characters"))
        << label;
  }
}

TEST(TopologySealTest, CustodyHasOneSeal) {
  EXPECT_THAT(WhyBroken("shamir_seal { threshold: 2",
                        "pkcs11_seal { token_label: \"t\" key_label: \"k\" } "
                        "shamir_seal { threshold: 2"),
              HasSubstr("another member of oneof \"seal\""));
}

TEST(TopologySealTest, OnlyCustodyHasASeal) {
  EXPECT_THAT(WhyBroken("services { kind: SERVICE_KIND_STORAGE operator: \"apple\" }",
                        "services { kind: SERVICE_KIND_STORAGE operator: \"apple\" "
                        "pkcs11_seal { token_label: \"t\" key_label: \"k\" } }"),
              HasSubstr("only custody has a seal"));
  EXPECT_THAT(WhyBroken("services { kind: SERVICE_KIND_STORAGE operator: \"apple\" }",
                        "services { kind: SERVICE_KIND_STORAGE operator: \"apple\" "
                        "shamir_seal { threshold: 2 } }"),
              HasSubstr("only custody has a seal"));
}

}  // namespace
}  // namespace comity
