#include "services/review/intake.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/report_fields.h"
#include "services/review/leaves.h"
#include "tests/testing/matchers.h"
#include "tests/testing/review_world.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class IntakeTest : public testing::Test {
 protected:
  // Types of the leaves since the last call.
  std::vector<std::string> NewLeaves() {
    std::vector<std::string> types;
    const std::vector<Leaf> leaves = world_.log().leaves();
    for (; seen_ < leaves.size(); ++seen_) types.push_back(leaves[seen_].type);
    return types;
  }

  const TestDeployment deployment_;
  ReviewWorld world_{deployment_};
  size_t seen_ = 0;
};

TEST_F(IntakeTest, GoodRequestIsUnderReviewAndDueInTenDays) {
  const TestAccount account = world_.NewAccount(1);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Submit(world_.Draft({&account})));
  EXPECT_EQ(c.state, CaseState::kUnderReview);
  EXPECT_EQ(c.agent, "agent-lin");
  EXPECT_EQ(c.authority, "guiyang-police");
  EXPECT_EQ(c.due, world_.Now() + 10 * kDayMs);
  EXPECT_TRUE(c.id.starts_with("cn-201803-")) << c.id;
  EXPECT_THAT(NewLeaves(), ElementsAre("legal.received", "legal.state"));
}

TEST_F(IntakeTest, ReceivedLeafTellsWhatTheReportPrintsAndNothingElse) {
  const TestAccount account = world_.NewAccount(1);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Submit(world_.Draft({&account})));
  const Leaf leaf = world_.log().leaves().at(0);
  EXPECT_THAT(leaf.clear, ElementsAre(Pair("case_tag", CaseTag(c)), Pair("classes", "C4,C5"),
                                      Pair("country", "CN"), Pair("identifiers", "1"),
                                      Pair("instrument", "WARRANT")));
  EXPECT_EQ(leaf.day % kDayMs, 0);
  for (const std::string& bytes : world_.log().encoded()) {
    for (const std::string& hidden : {c.id, account.id().ToString(), c.agent, c.authority,
                                      c.request.case_reference, c.request.ground}) {
      EXPECT_EQ(bytes.find(hidden), std::string::npos) << hidden;
    }
  }
}

TEST_F(IntakeTest, RefusedRequestIsClosedWithEveryReasonAndPublished) {
  LegalRequest request = world_.Draft({});
  request.targets = {"cn/*"};
  request.instrument = InstrumentType::kSubpoena;
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Submit(request));
  EXPECT_EQ(c.state, CaseState::kClosed);
  EXPECT_EQ(c.outcome, CaseOutcome::kRejected);
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kBulk, Rejection::kInstrumentTooWeak));
  EXPECT_EQ(world_.storage.scopes_asked(), 0U);
  const std::vector<Leaf> leaves = world_.log().leaves();
  ASSERT_GE(leaves.size(), 2U);
  EXPECT_EQ(leaves[1].type, "legal.outcome");
  EXPECT_THAT(leaves[1].clear, ElementsAre(Pair("accounts", "0"), Pair("case_tag", CaseTag(c)),
                                           Pair("outcome", "REJECTED"),
                                           Pair("reasons", "BULK,INSTRUMENT_TOO_WEAK")));
}

TEST_F(IntakeTest, RequestThatComesAgainIsTheSameCase) {
  const TestAccount account = world_.NewAccount(1);
  const Statement request = world_.Sign(world_.Draft({&account}));
  const Authorization agent = world_.As("agent-lin");
  ASSERT_OK_AND_ASSIGN(const Case first, world_.review().intake().Submit(agent, request));
  const size_t leaves = world_.log().leaves().size();
  ASSERT_OK_AND_ASSIGN(const Case again, world_.review().intake().Submit(agent, request));
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.generation, first.generation);
  EXPECT_EQ(world_.log().leaves().size(), leaves);
}

TEST_F(IntakeTest, NothingIsKeptOfARequestWhoseLeafCannotBeLogged) {
  const TestAccount account = world_.NewAccount(1);
  const Statement request = world_.Sign(world_.Draft({&account}));
  const Authorization agent = world_.As("agent-lin");
  world_.log().SetUnavailable(true);
  EXPECT_THAT(world_.review().intake().Submit(agent, request),
              RefusedWith(Reason::kLogUnavailable));
  ASSERT_OK_AND_ASSIGN(const CasePage page, world_.review().ListCases(agent, std::nullopt, "", 10));
  EXPECT_THAT(page.cases, IsEmpty());
  world_.log().SetUnavailable(false);
  EXPECT_THAT(world_.review().intake().Submit(agent, request), IsOk());
}

TEST_F(IntakeTest, RequestThatComesAgainAfterACrashIsCountedOnce) {
  const TestAccount account = world_.NewAccount(1);
  const Statement request = world_.Sign(world_.Draft({&account}));
  const Authorization agent = world_.As("agent-lin");
  // The leaves are durable, the record is not.
  world_.log().SetHook([&] { world_.records.SetUnavailable(true); });
  EXPECT_THAT(world_.review().intake().Submit(agent, request),
              RefusedWith(Reason::kStoreUnavailable));
  world_.records.SetUnavailable(false);
  world_.Restart();
  ASSERT_OK_AND_ASSIGN(const CasePage before,
                       world_.review().ListCases(agent, std::nullopt, "", 10));
  EXPECT_THAT(before.cases, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Case c, world_.review().intake().Submit(agent, request));
  const std::vector<Leaf> leaves = world_.log().leaves();
  size_t received = 0;
  for (const Leaf& leaf : leaves) {
    // The report counts a tag once.
    EXPECT_EQ(leaf.clear.at("case_tag"), CaseTag(c));
    if (leaf.type == report_fields::kReceived) ++received;
  }
  EXPECT_EQ(received, 2U);
}

TEST_F(IntakeTest, ForgedSignatureIsRefusedAndTellsNobody) {
  const TestAccount account = world_.NewAccount(1);
  Statement request = world_.Sign(world_.Draft({&account}));
  request.signatures[0].signature[5] ^= 1;
  ASSERT_OK_AND_ASSIGN(const Case c,
                       world_.review().intake().Submit(world_.As("agent-lin"), request));
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kAuthenticityFailed));
  EXPECT_THAT(world_.Notices(account), IsOkAndHolds(IsEmpty()));
}

TEST_F(IntakeTest, RequestOfAnotherAuthorityIsNotAuthentic) {
  const TestAccount account = world_.NewAccount(1);
  LegalRequest request = world_.Draft({&account});
  request.authority = "us-attorney";
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Submit(request));
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kAuthenticityFailed));
}

TEST_F(IntakeTest, RequestForAnotherRegionsReviewIsNotAuthentic) {
  const TestAccount account = world_.NewAccount(1);
  Envelope envelope = world_.EnvelopeFor("request");
  envelope.region = "us";
  const Statement request =
      SignStatement(envelope, world_.Draft({&account}), deployment_.person("cn", "agent-lin").key);
  ASSERT_OK_AND_ASSIGN(const Case c,
                       world_.review().intake().Submit(world_.As("agent-lin"), request));
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kAuthenticityFailed));
}

TEST_F(IntakeTest, CallerWhoIsNotInTheRosterIsUnknown) {
  const TestAccount account = world_.NewAccount(1);
  EXPECT_THAT(world_.review().intake().Submit(
                  UnsafeAuthorizationForTest::Agent("cn", "guiyang-police", "agent-lin",
                                                    account.device().key.public_key()),
                  world_.Sign(world_.Draft({&account}))),
              RefusedWith(Reason::kCallerUnknown));
}

TEST_F(IntakeTest, StatementOfAnotherTypeIsMalformed) {
  EXPECT_THAT(world_.review().intake().Submit(
                  world_.As("agent-lin"), SignStatement(world_.EnvelopeFor("request"), NoConflict{},
                                                        deployment_.person("cn", "agent-lin").key)),
              RefusedWith(Reason::kStatementMalformed));
}

TEST_F(IntakeTest, SecondRequestWithTheSameInstrumentIsADuplicate) {
  const TestAccount account = world_.NewAccount(1);
  LegalRequest request = world_.Draft({&account});
  ASSERT_THAT(world_.Submit(request), IsOk());
  request.case_reference = "another docket";
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Submit(request));
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kDuplicate));
}

TEST_F(IntakeTest, InstrumentOfARequestRefusedAtOnceMayComeAgainMended) {
  const TestAccount account = world_.NewAccount(1);
  LegalRequest request = world_.Draft({&account});
  const std::string ground = request.ground;
  request.ground.clear();
  ASSERT_OK_AND_ASSIGN(const Case refused, world_.Submit(request));
  EXPECT_THAT(refused.rejections, ElementsAre(Rejection::kIncomplete));
  request.ground = ground;
  ASSERT_OK_AND_ASSIGN(const Case mended, world_.Submit(request));
  EXPECT_EQ(mended.state, CaseState::kUnderReview);
}

TEST_F(IntakeTest, UnknownAccountAndAccountOfAnotherRegionAreToldApart) {
  LegalRequest request = world_.Draft({});
  request.targets = {"cn/" + RandomId<AccountId>().ToString()};
  ASSERT_OK_AND_ASSIGN(const Case unknown, world_.Submit(request));
  EXPECT_THAT(unknown.rejections, ElementsAre(Rejection::kDataNotHeld));
  EXPECT_EQ(world_.storage.scopes_asked(), 1U);
  request = world_.Draft({});
  request.targets = {"us/" + RandomId<AccountId>().ToString()};
  ASSERT_OK_AND_ASSIGN(const Case elsewhere, world_.Submit(request));
  EXPECT_THAT(elsewhere.rejections, ElementsAre(Rejection::kWrongJurisdiction));
  EXPECT_EQ(world_.storage.scopes_asked(), 1U);
}

TEST_F(IntakeTest, RequestIsNotTakenWhileStorageDoesNotAnswer) {
  const TestAccount account = world_.NewAccount(1);
  world_.storage.RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(world_.Submit(world_.Draft({&account})), RefusedWith(Reason::kPeerUnavailable));
}

TEST_F(IntakeTest, NothingIsTakenWhileTheRecordKeyIsNotOpen) {
  const TestAccount account = world_.NewAccount(1);
  world_.custody.RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(world_.Submit(world_.Draft({&account})), RefusedWith(Reason::kPeerUnavailable));
  EXPECT_THAT(world_.log().leaves(), IsEmpty());
  world_.custody.RefuseAll(Reason::kUnspecified);
  EXPECT_THAT(world_.Submit(world_.Draft({&account})), IsOk());
}

// Rule 6: what would be bulk in one request is bulk in twelve.
TEST_F(IntakeTest, SixtyTargetsInTwelveRequestsAreCaught) {
  std::vector<TestAccount> accounts;
  for (int i = 0; i < 60; ++i) accounts.push_back(world_.NewAccount(0));
  std::vector<std::string> ids;
  for (int part = 0; part < 12; ++part) {
    std::vector<const TestAccount*> targets;
    for (int i = 0; i < 5; ++i) targets.push_back(&accounts[static_cast<size_t>(part * 5 + i)]);
    LegalRequest request = world_.Draft(targets);
    request.ground = part % 2 == 0 ? "The same ground." : "the  same GROUND.";
    ASSERT_OK_AND_ASSIGN(const Case c, world_.Submit(request));
    EXPECT_EQ(c.state, part == 0 ? CaseState::kUnderReview : CaseState::kHeld) << part;
    ids.push_back(c.id);
    world_.clock.Advance(kDayMs);
  }
  // The first one is held with the others, and none can be accepted.
  for (const std::string& id : ids) {
    EXPECT_EQ(world_.Show(id)->state, CaseState::kHeld);
    EXPECT_THAT(world_.Decide(id), RefusedWith(Reason::kRulesForbid));
  }
  // Once enough of them are refused, the rest is no bulk any more.
  for (size_t i = 1; i < ids.size(); ++i) {
    ASSERT_THAT(world_.Decide(ids[i], RejectDecision{{Rejection::kBulk}}), IsOk());
  }
  EXPECT_EQ(world_.Decide(ids[0])->state, CaseState::kNoticeRunning);
}

TEST_F(IntakeTest, SiblingBeyondTheWindowDoesNotCount) {
  std::vector<TestAccount> accounts;
  for (int i = 0; i < 6; ++i) accounts.push_back(world_.NewAccount(0));
  LegalRequest first = world_.Draft({&accounts[0], &accounts[1], &accounts[2]});
  ASSERT_THAT(world_.Submit(first), IsOk());
  world_.clock.Advance(30 * kDayMs + 1);
  LegalRequest second = world_.Draft({&accounts[3], &accounts[4], &accounts[5]});
  second.case_reference = first.case_reference;
  EXPECT_EQ(world_.Submit(second)->state, CaseState::kUnderReview);
}

TEST_F(IntakeTest, SameTargetsAgainAddNothing) {
  std::vector<TestAccount> accounts;
  for (int i = 0; i < 3; ++i) accounts.push_back(world_.NewAccount(0));
  LegalRequest first = world_.Draft({&accounts[0], &accounts[1], &accounts[2]});
  ASSERT_THAT(world_.Submit(first), IsOk());
  LegalRequest second = world_.Draft({&accounts[0], &accounts[1], &accounts[2]});
  second.case_reference = first.case_reference;
  EXPECT_EQ(world_.Submit(second)->state, CaseState::kUnderReview);
}

TEST_F(IntakeTest, SumOverAllOfAnAuthorityHoldsTheNewestAloneAndAReviewerMayTakeItUp) {
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    const TestAccount account = world_.NewAccount(1);
    ids.push_back(world_.Submit(world_.Draft({&account}))->id);
  }
  EXPECT_EQ(world_.Show(ids[4])->state, CaseState::kUnderReview);
  EXPECT_EQ(world_.Show(ids[5])->state, CaseState::kHeld);
  ASSERT_OK_AND_ASSIGN(const Case accepted, world_.Decide(ids[5]));
  EXPECT_EQ(accepted.state, CaseState::kNoticeRunning);
  EXPECT_EQ(accepted.history[accepted.history.size() - 2].state, CaseState::kUnderReview);
}

TEST_F(IntakeTest, AgentSeesItsOwnCasesNewestFirstByPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    const TestAccount account = world_.NewAccount(0);
    ids.push_back(world_.Submit(world_.Draft({&account}))->id);
    world_.clock.Advance(20 * kDayMs);  // into other months
  }
  std::ranges::reverse(ids);
  std::vector<std::string> listed;
  std::string cursor;
  do {
    ASSERT_OK_AND_ASSIGN(const CasePage page, world_.review().ListCases(world_.As("agent-lin"),
                                                                        std::nullopt, cursor, 2));
    EXPECT_LE(page.cases.size(), 2U);
    for (const Case& c : page.cases) listed.push_back(c.id);
    cursor = page.next_cursor;
  } while (!cursor.empty());
  EXPECT_EQ(listed, ids);
  ASSERT_OK_AND_ASSIGN(const CasePage held, world_.review().ListCases(world_.As("reviewer-chen"),
                                                                      CaseState::kHeld, "", 10));
  EXPECT_THAT(held.cases, IsEmpty());
}

TEST_F(IntakeTest, PageTokenThatIsNoneIsRefused) {
  for (const std::string& token : {std::string("x"), std::string("2018030key")}) {
    EXPECT_THAT(world_.review().ListCases(world_.As("agent-lin"), std::nullopt, token, 2),
                RefusedWith(Reason::kPageTokenInvalid));
  }
}

TEST_F(IntakeTest, CaseThatDoesNotExistIsNotFound) {
  EXPECT_THAT(world_.Show("cn-201803-0a-aaaaaaaaaaaaaaaa"), RefusedWith(Reason::kCaseNotFound));
  EXPECT_THAT(world_.Show("case"), RefusedWith(Reason::kCaseNotFound));
}

}  // namespace
}  // namespace comity::review
