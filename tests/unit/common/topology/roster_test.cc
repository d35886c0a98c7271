#include "services/common/topology/roster.h"

#include <algorithm>

#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

class RosterTest : public ::testing::Test {
 protected:
  static const TestDeployment& deployment() {
    static const auto* const shared = new TestDeployment();
    return *shared;
  }
  static absl::StatusOr<Roster> Verify(const Statement& statement, std::string_view region = "cn") {
    return Roster::Verify(statement, TestDeployment::Region(region), deployment().topology());
  }
  RosterPerson& Person(std::string_view name) {
    return *std::ranges::find(body_.persons, name, &RosterPerson::name);
  }
  void ExpectRefused(const std::string& cause) const { ExpectRefused(Sign(), cause); }
  static void ExpectRefused(const Statement& statement, const std::string& cause) {
    const absl::StatusOr<Roster> roster = Verify(statement);
    EXPECT_THAT(roster, RefusedWith(Reason::kSignatureInvalid));
    EXPECT_THAT(CauseOf(roster.status()), HasSubstr(cause));
  }
  Statement Sign(uint64_t number = 1) const {
    return deployment().SignRoster("cn", body_, {"gcbd", "apple"}, number);
  }
  static std::string NewKey() {
    return PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key().spki();
  }

  RosterStatement body_ = deployment().RosterBody("cn");
};

TEST_F(RosterTest, PersonsAreFoundByKeyAndName) {
  Person("approver-wang").keys.push_back(NewKey());
  ASSERT_OK_AND_ASSIGN(const Roster roster, Verify(Sign()));
  const RosterPerson* wang = roster.FindByName("approver-wang");
  ASSERT_NE(wang, nullptr);
  for (const std::string& key : Person("approver-wang").keys) {
    EXPECT_EQ(roster.FindByKey(PublicKey::FromSpki(key)->id()), wang);
  }
  EXPECT_TRUE(HasRole(*wang, PersonRole::kApprover));
  EXPECT_FALSE(HasRole(*wang, PersonRole::kReviewer));
  EXPECT_EQ(roster.FindByName("nobody"), nullptr);
  EXPECT_EQ(roster.FindByKey(PublicKey::FromSpki(NewKey())->id()), nullptr);
}

TEST_F(RosterTest, FirstCountsAtOnceAndLaterOnesAfterThreeDays) {
  EXPECT_EQ(Verify(Sign(1))->effective_time(), 0);
  EXPECT_EQ(Verify(Sign(2))->effective_time(), TestDeployment::kNotBefore + 72 * kHourMs);
  EXPECT_EQ(Verify(Sign(2))->number(), 2U);
}

TEST_F(RosterTest, FailsWithoutCustodysOperator) {
  ExpectRefused(deployment().SignRoster("cn", body_, {"gcbd"}), "signature of operator apple");
}

TEST_F(RosterTest, FailsWithoutReviewsOperator) {
  ExpectRefused(deployment().SignRoster("cn", body_, {"apple"}), "signature of operator gcbd");
}

TEST_F(RosterTest, FailsInAnotherRegion) {
  EXPECT_THAT(Verify(Sign(), "us"), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(Verify(Sign(), "uk"), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(RosterTest, FailsWithoutNumber) { ExpectRefused(Sign(0), "without number"); }

TEST_F(RosterTest, FailsForAnotherDeployment) {
  Envelope envelope;
  envelope.deployment = "other.test";
  envelope.region = "cn";
  envelope.subject = "roster";
  envelope.number = 1;
  Statement statement = SignStatement(envelope, body_, deployment().operator_key("gcbd"));
  AddSignature(statement, deployment().operator_key("apple"));
  ExpectRefused(statement, "another deployment");
}

TEST_F(RosterTest, FailsForAnotherKindOfStatement) {
  EXPECT_THAT(Verify(deployment().topology_signature()), RefusedWith(Reason::kStatementMalformed));
}

TEST_F(RosterTest, FailsWhenTwoPersonsShareAName) {
  Person("approver-wang").name = "approver-zhao";
  ExpectRefused("share a name");
}

TEST_F(RosterTest, FailsWhenAPersonHasNoName) {
  Person("approver-wang").name.clear();
  ExpectRefused("share a name");
}

TEST_F(RosterTest, FailsWhenTwoPersonsShareAKey) {
  Person("approver-wang").keys = Person("approver-zhao").keys;
  ExpectRefused("stands twice");
}

TEST_F(RosterTest, FailsWhenOnePersonHasAKeyTwice) {
  Person("approver-wang").keys.push_back(Person("approver-wang").keys[0]);
  ExpectRefused("stands twice");
}

TEST_F(RosterTest, FailsWhenAPersonHasNoKey) {
  Person("approver-wang").keys.clear();
  ExpectRefused("no key");
}

TEST_F(RosterTest, FailsWhenAPersonHasTooManyKeys) {
  while (Person("approver-wang").keys.size() < 17) Person("approver-wang").keys.push_back(NewKey());
  ExpectRefused("too many");
}

TEST_F(RosterTest, FailsWhenAKeyIsOfAnotherKind) {
  Person("approver-wang").keys = {
      PrivateKey::Generate(SignatureAlgorithm::kEd25519).public_key().spki()};
  ExpectRefused("not a P-256 key");
}

TEST_F(RosterTest, FailsWhenAPersonHasNoRole) {
  Person("approver-wang").roles.clear();
  ExpectRefused("no role");
}

TEST_F(RosterTest, FailsWhenAPersonHasARoleTwice) {
  Person("approver-wang").roles = {PersonRole::kApprover, PersonRole::kApprover};
  ExpectRefused("role twice");
}

TEST_F(RosterTest, FailsWhenAnAgentMayDecide) {
  Person("agent-lin").roles.push_back(PersonRole::kApprover);
  ExpectRefused("another role");
}

TEST_F(RosterTest, FailsWhenAnOperatorPersonMayDecide) {
  Person("ops-huang").roles.push_back(PersonRole::kReviewer);
  ExpectRefused("another role");
}

TEST_F(RosterTest, FailsWhenAnAgentHasNoAuthority) {
  Person("agent-lin").organisation.clear();
  ExpectRefused("without an authority");
}

TEST_F(RosterTest, FailsWhenAnOperatorPersonIsOfNoOperatorOfTheRegion) {
  Person("ops-huang").organisation = "other";
  ExpectRefused("of no operator");
}

TEST_F(RosterTest, FailsWhenAnApproverIsEnrolledByAStranger) {
  Person("approver-wang").enrolled_by = "other";
  ExpectRefused("enrolled by no operator");
}

}  // namespace
}  // namespace comity
