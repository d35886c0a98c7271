#include "services/common/authorisation/authorisation.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/leaf.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

// Was refused with this reason, and the service's own log would name this cause.
MATCHER_P2(RefusedBecause, reason, cause, "") {
  *result_listener << DescribeStatus(arg.status());
  return ReasonOf(arg.status()) == reason &&
         ::testing::Matches(HasSubstr(cause))(CauseOf(arg.status()));
}

class AuthorisationTest : public ::testing::Test {
 protected:
  static constexpr UnixMillis kNow = TestDeployment::kHandover + 10 * kDayMs;

  static const TestDeployment& deployment() {
    static const auto* const shared = new TestDeployment();
    return *shared;
  }
  static TestAuthorisation Valid(std::string_view region = "cn") {
    return TestAuthorisation(deployment(), *AccountId::FromBytes(std::string(20, 'a')),
                             {RandomId<ContentId>(), RandomId<ContentId>()}, kNow, region);
  }
  static absl::StatusOr<VerifiedAuthorisation> Verify(const Authorisation& authorisation,
                                                      ServiceKind audience = ServiceKind::kCustody,
                                                      std::string_view region = "cn",
                                                      UnixMillis now = kNow) {
    return VerifyAuthorisation(authorisation, audience, TestDeployment::Region(region),
                               deployment().topology(), deployment().roster(region), now);
  }
  // Builds a valid one with one thing changed before anything is signed.
  static absl::StatusOr<VerifiedAuthorisation> VerifyAfter(
      const std::function<void(TestAuthorisation&)>& change) {
    TestAuthorisation authorisation = Valid();
    change(authorisation);
    return Verify(authorisation.Build());
  }
  static const PrivateKey& ReviewKey() {
    return deployment().service("cn", ServiceKind::kReview).statement_key;
  }
};

TEST_F(AuthorisationTest, ValidOneIsVerifiedForBothAudiences) {
  const TestAuthorisation valid = Valid();
  const Authorisation built = valid.Build();
  ASSERT_OK_AND_ASSIGN(const VerifiedAuthorisation verified, Verify(built));
  EXPECT_EQ(verified.digest(), Sha256Digest(built.core));
  EXPECT_EQ(verified.core().contents, valid.core.contents);
  EXPECT_EQ(verified.request().case_reference, "2018-17");
  EXPECT_EQ(verified.expiry(), kNow + 70 * kHourMs);
  EXPECT_THAT(Verify(built, ServiceKind::kStorage), IsOk());
}

TEST_F(AuthorisationTest, UsOneIsVerifiedByItsOwnRegion) {
  EXPECT_THAT(Verify(Valid("us").Build(), ServiceKind::kStorage, "us"), IsOk());
}

// ---- four signatures ----

TEST_F(AuthorisationTest, FailsWhenOneApprovalIsMissing) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals.pop_back(); }),
              RefusedBecause(Reason::kFourEyes, "two approvals"));
}

TEST_F(AuthorisationTest, FailsWhenThereAreNoApprovals) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals.clear(); }),
              RefusedBecause(Reason::kFourEyes, "two approvals"));
}

TEST_F(AuthorisationTest, FailsWhenThereAreThreeApprovals) {
  EXPECT_THAT(VerifyAfter([](auto& a) {
                a.approvals.push_back(a.approvals.front());
                a.approvals.back().person = "approver-zhao";
              }),
              RefusedBecause(Reason::kFourEyes, "two approvals"));
}

TEST_F(AuthorisationTest, FailsWhenTheAgentHasNotSigned) {
  Authorisation built = Valid().Build();
  built.request.signatures.clear();
  EXPECT_THAT(Verify(built),
              RefusedBecause(Reason::kAuthorisationInvalid, "request: no signature"));
}

TEST_F(AuthorisationTest, FailsWhenAnApproverHasNotSigned) {
  Authorisation built = Valid().Build();
  built.approvals[1].signatures[0].signature[3] ^= 1;
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "approval: the sig"));
}

TEST_F(AuthorisationTest, FailsWhenReviewHasNotSigned) {
  Authorisation built = Valid().Build();
  built.grant.signatures.clear();
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "grant: no signature"));
}

TEST_F(AuthorisationTest, FailsWhenOnePersonApprovesWithTwoKeys) {
  // The roster knows two keys of one person; each signs one approval.
  const PrivateKey second = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  RosterStatement body = deployment().RosterBody("cn");
  const auto moore = std::ranges::find(body.persons, "approver-moore", &RosterPerson::name);
  moore->keys.push_back(second.public_key().spki());
  ASSERT_OK_AND_ASSIGN(const Roster roster,
                       Roster::Verify(deployment().SignRoster("cn", body, {"gcbd", "apple"}),
                                      TestDeployment::Region("cn"), deployment().topology()));
  TestAuthorisation valid = Valid();
  valid.approvals[0].person = "approver-moore";
  Authorisation built = valid.Build();
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<Approval>(built.approvals[0]));
  built.approvals[0] = SignStatement(parsed.envelope, parsed.body, second);
  built.grant = valid.SignGrant(built, ReviewKey());
  valid.LogGrant(built);
  EXPECT_THAT(VerifyAuthorisation(built, ServiceKind::kCustody, TestDeployment::Region("cn"),
                                  deployment().topology(), roster, kNow),
              RefusedBecause(Reason::kFourEyes, "one person"));
}

TEST_F(AuthorisationTest, FailsWhenTheSameApprovalStandsTwice) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[0] = a.approvals[1]; }),
              RefusedBecause(Reason::kFourEyes, "one person"));
}

TEST_F(AuthorisationTest, FailsWhenTheAgentApproves) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[0].person = "agent-lin"; }),
              RefusedBecause(Reason::kFourEyes, "no approver"));
}

TEST_F(AuthorisationTest, FailsWhenAReviewerApproves) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[0].person = "reviewer-chen"; }),
              RefusedBecause(Reason::kFourEyes, "no approver"));
}

TEST_F(AuthorisationTest, FailsWhenAStrangerApproves) {
  const TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<Approval>(built.approvals[0]));
  built.approvals[0] = SignStatement(parsed.envelope, parsed.body,
                                     PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256));
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "not in the roster"));
}

TEST_F(AuthorisationTest, FailsWhenTheCoreNamesAnotherAgent) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.agent = "agent-wu"; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "another agent"));
}

TEST_F(AuthorisationTest, FailsWhenAnApproverDisagrees) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[1].body.approve = 0; }),
              RefusedBecause(Reason::kFourEyes, "disagrees"));
}

TEST_F(AuthorisationTest, FailsWhenAnApproverDeclaresNoAbsenceOfConflict) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[1].body.no_conflict = 0; }),
              RefusedBecause(Reason::kFourEyes, "conflict"));
}

TEST_F(AuthorisationTest, FailsWhenNoApproverIsOfCustodysOperator) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[1].person = "approver-zhao"; }),
              RefusedBecause(Reason::kFourEyes, "custody's operator"));
}

// ---- the approved list ----

TEST_F(AuthorisationTest, FailsWhenApprovalsAreOverAnotherList) {
  EXPECT_THAT(VerifyAfter([](auto& a) {
                for (auto& approval : a.approvals) {
                  approval.body.authorisations = {Sha256Digest("another")};
                }
              }),
              RefusedBecause(Reason::kAuthorisationInvalid, "does not hold"));
}

TEST_F(AuthorisationTest, FailsWhenApprovalsAreOverTwoLists) {
  const TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  TestApproval wider = valid.approvals[1];
  wider.body.authorisations = {built.digest(), Sha256Digest("another")};
  std::ranges::sort(wider.body.authorisations);
  built.approvals[1] = valid.SignApproval(wider, built.digest());
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "different lists"));
}

TEST_F(AuthorisationTest, FailsWhenApprovedListDoesNotAscend) {
  const TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  TestApproval repeated = valid.approvals[1];
  repeated.body.authorisations = {built.digest(), built.digest()};
  built.approvals[1] = valid.SignApproval(repeated, built.digest());
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "ascend"));
}

TEST_F(AuthorisationTest, FailsWhenApprovalsAreOfTwoGenerations) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[1].body.generation = 2; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "different lists"));
}

TEST_F(AuthorisationTest, FailsWhenApprovalIsOfAnotherCase) {
  TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  valid.core.case_id = "cn-201803-0b-bbbbbbbbbbbbbbbb";
  built.approvals[0] = valid.SignApproval(valid.approvals[0], built.digest());
  EXPECT_THAT(Verify(built),
              RefusedBecause(Reason::kAuthorisationInvalid, "approval: for another"));
}

TEST_F(AuthorisationTest, FailsWhenAnApprovalComesFromTheFuture) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.approvals[1].time = kNow + kHourMs; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "approval: its time"));
}

TEST_F(AuthorisationTest, FailsWhenCoreIsEditedAfterApproval) {
  TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  ASSERT_OK_AND_ASSIGN(AuthorisationCore core, DecodeRecord<AuthorisationCore>(built.core));
  core.contents.push_back(RandomId<ContentId>());
  built.core = EncodeRecord(core);
  // Even with review's help.
  built.grant = valid.SignGrant(built, ReviewKey());
  valid.LogGrant(built);
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "does not hold"));
}

// ---- the request ----

TEST_F(AuthorisationTest, FailsWhenRequestIsNotTheOneOfTheCore) {
  TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  valid.request.ground = "another ground";
  built.request = valid.SignRequest("agent-lin");
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "not the one"));
}

TEST_F(AuthorisationTest, FailsWhenRequestIsSignedByAReviewer) {
  TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  built.request = valid.SignRequest("reviewer-chen");
  valid.core.request = built.request.digest();
  built.core = EncodeRecord(valid.core);
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "no agent"));
}

TEST_F(AuthorisationTest, FailsWhenAuthorityIsNotTheAgents) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.request.authority = "us-attorney"; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "another authority"));
}

TEST_F(AuthorisationTest, FailsWhenRecipientKeyIsNotTheAgents) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.recipient_key = GenerateX25519().public_key; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "recipient key"));
}

TEST_F(AuthorisationTest, FailsWhenRequestDoesNotNameTheAccount) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.request.targets = {"cn/*"}; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "does not name the account"));
}

TEST_F(AuthorisationTest, FailsWhenClassWasNotAskedFor) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.request.classes = {DataClass::kC4}; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "not asked for"));
}

// ---- the core ----

TEST_F(AuthorisationTest, FailsForAnotherRegion) {
  EXPECT_THAT(Verify(Valid("cn").Build(), ServiceKind::kCustody, "us"),
              RefusedBecause(Reason::kAuthorisationInvalid, "another region"));
}

TEST_F(AuthorisationTest, FailsForAnotherDeployment) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.deployment = "other.test"; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "another deployment"));
}

TEST_F(AuthorisationTest, FailsForAnotherAudience) {
  TestAuthorisation valid = Valid();
  valid.core.audiences = {"storage"};
  EXPECT_THAT(Verify(valid.Build()), RefusedBecause(Reason::kAuthorisationInvalid, "audience"));
  EXPECT_THAT(Verify(valid.Build(), ServiceKind::kStorage), IsOk());
}

TEST_F(AuthorisationTest, FailsWhenCaseIsOfAnotherRegion) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.case_id = "us-201803-0a-aaaaaaaaaaaaaaaa"; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "case"));
}

TEST_F(AuthorisationTest, FailsWhenScopeIsEmpty) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.contents.clear(); }),
              RefusedBecause(Reason::kAuthorisationInvalid, "scope"));
}

TEST_F(AuthorisationTest, FailsWhenScopeIsLargerThanTheLimit) {
  const auto with = [](size_t count) {
    return VerifyAfter([&](auto& a) {
      a.core.contents.clear();
      for (size_t i = 0; i < count; ++i) a.core.contents.push_back(RandomId<ContentId>());
    });
  };
  EXPECT_THAT(with(4'096), IsOk());
  EXPECT_THAT(with(4'097), RefusedBecause(Reason::kAuthorisationInvalid, "scope"));
}

TEST_F(AuthorisationTest, FailsWhenScopeRepeatsAContent) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.contents.push_back(a.core.contents[0]); }),
              RefusedBecause(Reason::kAuthorisationInvalid, "repeats"));
}

TEST_F(AuthorisationTest, FailsWhenNamesAreAuthorisedAndContentIsPurposed) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.classes = {DataClass::kC4}; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "purpose content"));
}

TEST_F(AuthorisationTest, FailsWhenContentIsAuthorisedAndNamesArePurposed) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.classes = {DataClass::kC5}; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "purpose attributes"));
}

TEST_F(AuthorisationTest, FailsWhenThereIsNoPurpose) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.purposes.clear(); }),
              RefusedBecause(Reason::kAuthorisationInvalid, "purposes"));
}

TEST_F(AuthorisationTest, FailsWhenThereIsNoClass) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.classes.clear(); }),
              RefusedBecause(Reason::kAuthorisationInvalid, "classes"));
}

TEST_F(AuthorisationTest, FailsWhenReasonCodeIsNotLegal) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.reason_code = "owner"; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "reason code"));
}

TEST_F(AuthorisationTest, FailsWhenLifetimeIsLongerThanTheRules) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.lifetime_seconds = 72 * 3600 + 1; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "lives longer"));
}

TEST_F(AuthorisationTest, FailsWhenCoreDoesNotDecode) {
  Authorisation built = Valid().Build();
  built.core += '\0';
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "core"));
}

TEST_F(AuthorisationTest, FailsWhenCoreIsTooLong) {
  Authorisation built = Valid().Build();
  built.core.resize(kMaxAuthorisationCore + 1);
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "too long"));
}

TEST_F(AuthorisationTest, FailsWhenAccountIsZero) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.core.account = AccountId(); }),
              RefusedBecause(Reason::kAuthorisationInvalid, "no account"));
}

// ---- the grant ----

TEST_F(AuthorisationTest, FailsWhenExpired) {
  EXPECT_THAT(Verify(Valid().Build(), ServiceKind::kCustody, "cn", kNow + 70 * kHourMs),
              RefusedBecause(Reason::kAuthorisationInvalid, "grant: expired"));
}

TEST_F(AuthorisationTest, FailsBeforeItsTime) {
  TestAuthorisation valid = Valid();
  valid.grant_time = kNow + kMinuteMs;
  EXPECT_THAT(Verify(valid.Build()),
              RefusedBecause(Reason::kAuthorisationInvalid, "grant: its time"));
  EXPECT_THAT(Verify(valid.Build(), ServiceKind::kCustody, "cn", kNow + kMinuteMs), IsOk());
}

TEST_F(AuthorisationTest, FailsWhenGrantOutlivesTheSignedLifetime) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.grant_expiry = kNow + 71 * kHourMs + 1; }),
              RefusedBecause(Reason::kAuthorisationInvalid, "outlives"));
  EXPECT_THAT(VerifyAfter([](auto& a) { a.grant_expiry = kNow + 71 * kHourMs; }), IsOk());
}

TEST_F(AuthorisationTest, FailsWhenGrantIsForAnotherAuthorisation) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.grant.authorisation = Sha256Digest("another"); }),
              RefusedBecause(Reason::kAuthorisationInvalid, "another authorisation"));
}

TEST_F(AuthorisationTest, FailsWhenGrantIsForOtherApprovals) {
  EXPECT_THAT(VerifyAfter([](auto& a) {
                a.grant.approvals = {Sha256Digest("a"), Sha256Digest("b")};
              }),
              RefusedBecause(Reason::kAuthorisationInvalid, "other approvals"));
}

TEST_F(AuthorisationTest, FailsWhenReviewsKeyIsNotEndorsed) {
  const TestAuthorisation valid = Valid();
  const PrivateKey stranger = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  Authorisation built = valid.Build();
  built.grant = valid.SignGrant(built, stranger);
  valid.LogGrant(built);
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "grant: no signature"));
  // Endorsed by an operator who does not run review.
  built.endorsement =
      deployment().Endorse("cn", ServiceKind::kReview, stranger.public_key(), "apple");
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kEndorsementMissing, ""));
}

TEST_F(AuthorisationTest, FailsWhenGrantIsSignedByCustody) {
  const TestAuthorisation valid = Valid();
  const TestService& custody = deployment().service("cn", ServiceKind::kCustody);
  Authorisation built = valid.Build();
  built.grant = valid.SignGrant(built, custody.statement_key);
  built.endorsement = custody.endorsement;
  valid.LogGrant(built);
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kEndorsementMissing, ""));
}

// ---- the log ----

TEST_F(AuthorisationTest, FailsWhenReceiptIsOfAnotherLog) {
  Authorisation built = Valid().Build();
  TestAuthorisation::Prove(
      built, deployment().topology().LogOrigin(TestDeployment::Region("cn"), ServiceKind::kCustody),
      deployment().service("cn", ServiceKind::kCustody).log_key);
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "receipt"));
}

TEST_F(AuthorisationTest, FailsWhenReceiptIsSignedByAnotherKey) {
  Authorisation built = Valid().Build();
  TestAuthorisation::Prove(
      built, deployment().topology().LogOrigin(TestDeployment::Region("cn"), ServiceKind::kReview),
      PrivateKey::Generate(SignatureAlgorithm::kEd25519));
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "receipt"));
}

TEST_F(AuthorisationTest, FailsWhenReceiptProvesAnotherLeaf) {
  const TestAuthorisation valid = Valid();
  Authorisation built = valid.Build();
  built.grant_receipt = Valid().Build().grant_receipt;
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "receipt"));
}

TEST_F(AuthorisationTest, FailsWhenReceiptDoesNotParse) {
  Authorisation built = Valid().Build();
  built.grant_receipt = "nothing";
  EXPECT_THAT(Verify(built), RefusedBecause(Reason::kAuthorisationInvalid, "receipt"));
}

// Puts `leaf` where the grant's leaf stands, truly logged.
Authorisation WithLeaf(const TestDeployment& deployment, Authorisation built, const Leaf& leaf) {
  built.grant_leaf = EncodeLeaf(leaf);
  TestAuthorisation::Prove(
      built, deployment.topology().LogOrigin(TestDeployment::Region("cn"), ServiceKind::kReview),
      deployment.service("cn", ServiceKind::kReview).log_key);
  return built;
}

TEST_F(AuthorisationTest, FailsWhenLeafCommitsToAnotherGrant) {
  const Authorisation built = Valid().Build();
  ASSERT_OK_AND_ASSIGN(Leaf leaf, DecodeLeaf(built.grant_leaf));
  leaf.commitments["grant"] =
      Commit(built.digest().bytes(), "legal.grant/grant", Sha256Digest("another grant").bytes());
  EXPECT_THAT(Verify(WithLeaf(deployment(), built, leaf)),
              RefusedBecause(Reason::kAuthorisationInvalid, "commits to another"));
}

TEST_F(AuthorisationTest, FailsWhenLeafCommitsToNothing) {
  const Authorisation built = Valid().Build();
  ASSERT_OK_AND_ASSIGN(Leaf leaf, DecodeLeaf(built.grant_leaf));
  leaf.commitments.clear();
  EXPECT_THAT(Verify(WithLeaf(deployment(), built, leaf)),
              RefusedBecause(Reason::kAuthorisationInvalid, "commits to another"));
}

TEST_F(AuthorisationTest, FailsWhenLeafIsOfAnotherType) {
  const Authorisation built = Valid().Build();
  ASSERT_OK_AND_ASSIGN(Leaf leaf, DecodeLeaf(built.grant_leaf));
  leaf.type = "legal.received";
  EXPECT_THAT(Verify(WithLeaf(deployment(), built, leaf)),
              RefusedBecause(Reason::kAuthorisationInvalid, "leaf: another kind"));
}

TEST_F(AuthorisationTest, FailsWhenLeafNamesAPerson) {
  const Authorisation built = Valid().Build();
  ASSERT_OK_AND_ASSIGN(Leaf leaf, DecodeLeaf(built.grant_leaf));
  leaf.clear["case_tag"] = "abc";
  EXPECT_THAT(Verify(WithLeaf(deployment(), built, leaf)), IsOk());
  leaf.clear["agent"] = "agent-lin";
  EXPECT_THAT(Verify(WithLeaf(deployment(), built, leaf)),
              RefusedBecause(Reason::kAuthorisationInvalid, "more than it may"));
}

// ---- the rules ----

TEST_F(AuthorisationTest, ForbiddenWhenKeyMaterialIsAskedFor) {
  EXPECT_THAT(VerifyAfter([](auto& a) {
                a.request.classes.push_back(DataClass::kC6);
                a.core.classes.push_back(DataClass::kC6);
              }),
              RefusedBecause(Reason::kRulesForbid, "C6"));
}

TEST_F(AuthorisationTest, ForbiddenWhenInstrumentIsTooWeak) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.request.instrument = InstrumentType::kCourtOrder; }),
              RefusedBecause(Reason::kRulesForbid, "too weak"));
}

TEST_F(AuthorisationTest, ForbiddenWithoutClosedTimeRange) {
  EXPECT_THAT(VerifyAfter([](auto& a) { a.request.end_time = 0; }),
              RefusedBecause(Reason::kRulesForbid, "closed time range"));
}

TEST_F(AuthorisationTest, ForbiddenWhenTimeRangeIsTooLong) {
  EXPECT_THAT(
      VerifyAfter([](auto& a) { a.request.begin_time = a.request.end_time - 366 * kDayMs - 1; }),
      RefusedBecause(Reason::kRulesForbid, "too long"));
}

TEST_F(AuthorisationTest, ForbiddenWhenMoreAccountsAreTargetedThanTheCap) {
  const auto with = [](int others) {
    return VerifyAfter([&](auto& a) {
      for (int i = 0; i < others; ++i) {
        a.request.targets.push_back("cn/" + RandomId<AccountId>().ToString());
      }
    });
  };
  EXPECT_THAT(with(4), IsOk());
  EXPECT_THAT(with(5), RefusedBecause(Reason::kRulesForbid, "cap"));
}

TEST_F(AuthorisationTest, ForbiddenWhenMoreAccountsAreApprovedThanTheCap) {
  TestAuthorisation valid = Valid();
  valid.core.request = valid.SignRequest("agent-lin").digest();
  // ECDSA signatures differ each time and bodies do not: the request keeps its digest.
  const Digest digest = Sha256Digest(EncodeRecord(valid.core));
  for (TestApproval& approval : valid.approvals) {
    approval.body.authorisations = {digest};
    for (int i = 0; i < 5; ++i) {
      approval.body.authorisations.push_back(Sha256Digest(std::to_string(i)));
    }
    std::ranges::sort(approval.body.authorisations);
  }
  EXPECT_THAT(Verify(valid.Build()), RefusedBecause(Reason::kRulesForbid, "cap"));
}

}  // namespace
}  // namespace comity
