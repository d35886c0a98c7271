#include "services/review/decisions.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/review/scope.h"
#include "tests/testing/matchers.h"
#include "tests/testing/review_world.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class DecisionsTest : public testing::Test {
 protected:
  // A case with one account of three objects, under review.
  std::string Received() { return world_.Submit(world_.Draft({&account_}))->id; }
  // Accepted, and the notice period over.
  std::string Ready() {
    const std::string id = Received();
    const Case decided = *world_.Decide(id);
    world_.Advance(decided.notice_end - world_.Now());
    return id;
  }
  std::string ApprovedOnce() {
    const std::string id = Ready();
    EXPECT_THAT(world_.Approve(id, "approver-wang"), IsOk());
    return id;
  }
  AuthorisationCore CoreOf(const Case& c, size_t index = 0) {
    return *DecodeRecord<AuthorisationCore>(c.cores.at(index));
  }
  Decisions& decisions() { return world_.review().decisions(); }

  const TestDeployment deployment_;
  ReviewWorld world_{deployment_};
  TestAccount account_ = world_.NewAccount(3);
};

// Whose case it is.

class AssignTest : public DecisionsTest {
 protected:
  absl::StatusOr<Case> Assign(const std::string& id, const std::string& reviewer,
                              std::string_view by = "reviewer-chen") {
    ASSIGN_OR_RETURN(const Case c, world_.Show(id, by));
    return AssignAt(c, reviewer, by);
  }
  absl::StatusOr<Case> AssignAt(const Case& c, const std::string& reviewer,
                                std::string_view by = "reviewer-chen",
                                RequestId request = RandomId<RequestId>()) {
    AssignCommand command;
    command.case_id = c.id;
    command.request_id = request;
    command.digest = Sha256Digest(reviewer);
    command.generation = c.generation;
    command.reviewer = reviewer;
    return decisions().Assign(world_.As(by), command);
  }
};

TEST_F(AssignTest, OnlyTheAssigneeDecides) {
  const std::string id = Received();
  ASSERT_OK_AND_ASSIGN(const Case assigned, Assign(id, "lawyer-sun"));
  EXPECT_EQ(assigned.assignee, "lawyer-sun");
  EXPECT_EQ(assigned.state, CaseState::kUnderReview);
  EXPECT_THAT(world_.Decide(id), RefusedWith(Reason::kStateNotReady));
  ASSERT_OK_AND_ASSIGN(const Case decided, world_.Decide(id, AcceptDecision{}, "lawyer-sun"));
  EXPECT_EQ(decided.state, CaseState::kNoticeRunning);
}

TEST_F(AssignTest, CaseIsHandedOnAndComesBackFromNoticeToItsReviewer) {
  const std::string id = Received();
  ASSERT_THAT(Assign(id, "lawyer-sun"), IsOk());
  ASSERT_THAT(Assign(id, "reviewer-chen"), IsOk());
  ASSERT_THAT(world_.Decide(id), IsOk());
  ASSERT_THAT(Assign(id, "lawyer-sun"), IsOk()) << "while the notice runs";
  ASSERT_THAT(world_.Object(account_, id), IsOk());
  EXPECT_THAT(world_.Decide(id), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(world_.Decide(id, AcceptDecision{}, "lawyer-sun"), IsOk());
}

TEST_F(AssignTest, AssignmentIsInTheLogBeforeItCounts) {
  const std::string id = Received();
  const size_t leaves = world_.log().encoded().size();
  world_.log().SetUnavailable(true);
  EXPECT_THAT(Assign(id, "lawyer-sun"), RefusedWith(Reason::kLogUnavailable));
  world_.log().SetUnavailable(false);
  EXPECT_EQ(world_.Show(id, "reviewer-chen")->assignee, "");
  ASSERT_OK_AND_ASSIGN(const Case assigned, Assign(id, "lawyer-sun"));
  EXPECT_EQ(world_.log().encoded().size(), leaves + 1);
  // The authority reads the history: no names of persons in it.
  EXPECT_EQ(assigned.history.back().text, "The case is given to a reviewer.");
}

TEST_F(AssignTest, AssignmentSurvivesARestart) {
  const std::string id = Received();
  ASSERT_THAT(Assign(id, "lawyer-sun"), IsOk());
  world_.Restart();
  world_.Tick();
  EXPECT_THAT(world_.Decide(id), RefusedWith(Reason::kStateNotReady));
}

TEST_F(AssignTest, RepeatedRequestChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const Case seen, world_.Show(Received(), "reviewer-chen"));
  const RequestId request = RandomId<RequestId>();
  ASSERT_OK_AND_ASSIGN(const Case first, AssignAt(seen, "lawyer-sun", "reviewer-chen", request));
  ASSERT_OK_AND_ASSIGN(const Case again, AssignAt(seen, "lawyer-sun", "reviewer-chen", request));
  EXPECT_EQ(again.generation, first.generation);
  // Nor does giving it to whom it is given already.
  ASSERT_OK_AND_ASSIGN(const Case same, AssignAt(again, "lawyer-sun"));
  EXPECT_EQ(same.generation, first.generation);
}

TEST_F(AssignTest, OutdatedViewIsAConflict) {
  ASSERT_OK_AND_ASSIGN(const Case seen, world_.Show(Received(), "reviewer-chen"));
  ASSERT_THAT(AssignAt(seen, "lawyer-sun"), IsOk());
  EXPECT_THAT(AssignAt(seen, "reviewer-chen"), RefusedWith(Reason::kConflict));
}

TEST_F(AssignTest, OnlyReviewersAssignAndAreAssigned) {
  const std::string id = Received();
  EXPECT_THAT(Assign(id, "lawyer-sun", "approver-wang"), RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(Assign(id, "lawyer-sun", "agent-lin"), RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(Assign(id, "approver-wang"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Assign(id, "reviewer-adams"), RefusedWith(Reason::kFieldInvalid)) << "of \"us\"";
}

TEST_F(AssignTest, CaseThatIsReadyKeepsItsReviewer) {
  EXPECT_THAT(Assign(Ready(), "lawyer-sun"), RefusedWith(Reason::kStateNotReady));
}

// The reviewer.

TEST_F(DecisionsTest, AcceptedCaseHasACoreForEachAccountAndRunsNotice) {
  const TestAccount other = world_.NewAccount(1);
  LegalRequest request = world_.Draft({&account_, &other});
  const std::string id = world_.Submit(request)->id;
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(id));
  EXPECT_EQ(c.state, CaseState::kNoticeRunning);
  EXPECT_EQ(c.notice_end, world_.Now() + 7 * kDayMs);
  EXPECT_THAT(c.deciders, ElementsAre("reviewer-chen"));
  ASSERT_THAT(c.cores, SizeIs(2));
  const AuthorisationCore core = CoreOf(c);
  EXPECT_EQ(core.account, account_.id());
  EXPECT_THAT(core.contents, SizeIs(3));
  EXPECT_EQ(core.case_id, id);
  EXPECT_EQ(core.request, c.request_statement.digest());
  EXPECT_EQ(core.agent, "agent-lin");
  EXPECT_EQ(core.recipient_key, request.recipient_key);
  EXPECT_THAT(core.audiences, ElementsAre("storage", "custody"));
  EXPECT_THAT(core.classes, ElementsAre(DataClass::kC4, DataClass::kC5));
  EXPECT_EQ(core.lifetime_seconds, 72U * 3600);
  EXPECT_EQ(core.notice_not_before, 0);
  EXPECT_EQ(core.reason_code, "legal.warrant");
  EXPECT_EQ(c.targets[0].objects, 3U);
  EXPECT_EQ(c.targets[1].objects, 1U);
}

TEST_F(DecisionsTest, OnlyWhatLiesInTheTimeRangeIsInScope) {
  const ContentId before = world_.storage.AddObject(account_.id(), world_.Now() - 90 * kDayMs);
  const std::string id = Received();
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(id));
  const std::vector<ContentId> contents = CoreOf(c).contents;
  EXPECT_THAT(contents, SizeIs(3));
  EXPECT_EQ(std::ranges::count(contents, before), 0);
}

TEST_F(DecisionsTest, NarrowedScopeHoldsOnlyWhatTheReviewerNames) {
  const ContentId content = world_.storage.AddObject(account_.id(), world_.Now() - kDayMs);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(Received(), AcceptDecision{{content}}));
  EXPECT_THAT(CoreOf(c).contents, ElementsAre(content));
  EXPECT_TRUE(c.targets[0].truncated);
}

TEST_F(DecisionsTest, NarrowingToWhatIsNotThereIsRefused) {
  EXPECT_THAT(world_.Decide(Received(), AcceptDecision{{RandomId<ContentId>()}}),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(DecisionsTest, ScopeOfOneAccountIsBoundedAndSaysSo) {
  for (size_t i = 0; i < kMaxScopeOfAccount; ++i) {
    world_.storage.AddObject(account_.id(), world_.Now() - kDayMs);
  }
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(Received()));
  EXPECT_THAT(CoreOf(c).contents, SizeIs(kMaxScopeOfAccount));
  EXPECT_TRUE(c.targets[0].truncated);
}

TEST_F(DecisionsTest, AccountThatMovedAwaySinceLeavesTheScope) {
  const TestAccount other = world_.NewAccount(1);
  const std::string id = world_.Submit(world_.Draft({&account_, &other}))->id;
  world_.storage.RemoveAccount(other.id());
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(id));
  EXPECT_THAT(c.cores, SizeIs(1));
  EXPECT_THAT(c.targets[1].rejections, ElementsAre(Rejection::kDataNotHeld));
}

TEST_F(DecisionsTest, CaseIsRejectedWhenEveryAccountHasMovedAway) {
  const std::string id = Received();
  world_.storage.RemoveAccount(account_.id());
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kRejected);
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kDataNotHeld));
}

TEST_F(DecisionsTest, BarredNoticeMakesTheCaseReadyAtOnce) {
  LegalRequest request = world_.Draft({&account_});
  request.notice_barred_until = world_.Now() + 90 * kDayMs;
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(world_.Submit(request)->id));
  EXPECT_EQ(c.state, CaseState::kReady);
  EXPECT_EQ(CoreOf(c).notice_not_before, request.notice_barred_until);
}

TEST_F(DecisionsTest, DecisionNeedsAReviewer) {
  const std::string id = Received();
  const Case c = *world_.Show(id);
  DecideCommand command = world_.DecideCommandFor(c, "approver-wang");
  EXPECT_THAT(decisions().Decide(world_.As("approver-wang"), command),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(DecisionsTest, DecisionNeedsTheReviewersOwnDeclaration) {
  const std::string id = Received();
  const Case c = *world_.Show(id);
  DecideCommand command = world_.DecideCommandFor(c, "reviewer-chen");
  command.no_conflict = world_.DecideCommandFor(c, "lawyer-sun").no_conflict;
  EXPECT_THAT(decisions().Decide(world_.As("reviewer-chen"), command),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DecisionsTest, DeclarationForAnotherCaseIsRefused) {
  const Case other = *world_.Show(Received());
  const Case c = *world_.Show(Received());
  DecideCommand command = world_.DecideCommandFor(c, "reviewer-chen");
  command.no_conflict = world_.DecideCommandFor(other, "reviewer-chen").no_conflict;
  EXPECT_THAT(decisions().Decide(world_.As("reviewer-chen"), command),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DecisionsTest, DeclarationForAnotherGenerationIsAConflictOfInterest) {
  const Case c = *world_.Show(Received());
  DecideCommand command = world_.DecideCommandFor(c, "reviewer-chen");
  command.no_conflict = SignStatement(world_.EnvelopeFor(c.id), NoConflict{c.generation + 1},
                                      deployment_.person("cn", "reviewer-chen").key);
  EXPECT_THAT(decisions().Decide(world_.As("reviewer-chen"), command),
              RefusedWith(Reason::kConflictOfInterest));
}

TEST_F(DecisionsTest, ExpiredOrEarlyDeclarationIsRefused) {
  const Case c = *world_.Show(Received());
  DecideCommand command = world_.DecideCommandFor(c, "reviewer-chen");
  for (const bool early : {true, false}) {
    Envelope envelope = world_.EnvelopeFor(c.id);
    if (early) {
      envelope.time += kAllowedClockSkew + 1;
    } else {
      envelope.expiry = world_.Now();
    }
    command.no_conflict = SignStatement(envelope, NoConflict{c.generation},
                                        deployment_.person("cn", "reviewer-chen").key);
    EXPECT_THAT(decisions().Decide(world_.As("reviewer-chen"), command),
                RefusedWith(Reason::kSignatureInvalid));
  }
}

TEST_F(DecisionsTest, DecisionOnACaseThatHasChangedIsAConflict) {
  const std::string id = Received();
  const Case c = *world_.Show(id);
  DecideCommand late = world_.DecideCommandFor(c, "lawyer-sun");
  ASSERT_THAT(world_.Decide(id, ClarifyDecision{"which account?"}), IsOk());
  EXPECT_THAT(decisions().Decide(world_.As("lawyer-sun"), late), RefusedWith(Reason::kConflict));
}

TEST_F(DecisionsTest, RepeatedDecisionIsAnsweredAndNotDoneAgain) {
  const Case c = *world_.Show(Received());
  const DecideCommand command = world_.DecideCommandFor(c, "reviewer-chen");
  const Authorization reviewer = world_.As("reviewer-chen");
  ASSERT_OK_AND_ASSIGN(const Case first, decisions().Decide(reviewer, command));
  world_.Restart();
  ASSERT_OK_AND_ASSIGN(const Case again, world_.review().decisions().Decide(reviewer, command));
  EXPECT_EQ(again.generation, first.generation);
  EXPECT_EQ(again.history.size(), first.history.size());
}

TEST_F(DecisionsTest, RequestIdOfAnotherRequestIsRefused) {
  const Case c = *world_.Show(Received());
  DecideCommand command = world_.DecideCommandFor(c, "reviewer-chen");
  ASSERT_THAT(decisions().Decide(world_.As("reviewer-chen"), command), IsOk());
  command.digest = Sha256Digest("another request");
  EXPECT_THAT(decisions().Decide(world_.As("reviewer-chen"), command),
              RefusedWith(Reason::kRequestIdReused));
}

TEST_F(DecisionsTest, ReasonThatNeedsALawyerIsGivenByALawyerOnly) {
  const std::string id = Received();
  const RejectDecision decision{{Rejection::kOverBroad, Rejection::kConflictOfLaw}};
  EXPECT_THAT(world_.Decide(id, decision), RefusedWith(Reason::kCallerNotAllowed));
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Decide(id, decision, "lawyer-sun"));
  EXPECT_EQ(c.outcome, CaseOutcome::kRejected);
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kOverBroad, Rejection::kConflictOfLaw));
}

TEST_F(DecisionsTest, DecisionWhileNoticeRunsIsRefused) {
  const std::string id = Received();
  ASSERT_THAT(world_.Decide(id), IsOk());
  EXPECT_THAT(world_.Decide(id), RefusedWith(Reason::kStateNotReady));
}

TEST_F(DecisionsTest, HeldCaseIsTakenUpByAcceptingOrAsking) {
  for (const bool accept : {true, false}) {
    const std::string id = Received();
    ASSERT_OK_AND_ASSIGN(const Case held, world_.Decide(id, HoldDecision{"a court decides"}));
    EXPECT_EQ(held.state, CaseState::kHeld);
    const auto after = accept ? world_.Decide(id) : world_.Decide(id, ClarifyDecision{"what?"});
    ASSERT_THAT(after, IsOk());
    EXPECT_EQ(after->state, accept ? CaseState::kNoticeRunning : CaseState::kWaiting);
  }
}

// The authority.

TEST_F(DecisionsTest, AnsweredQuestionGoesBackToReview) {
  const std::string id = Received();
  ASSERT_OK_AND_ASSIGN(const Case waiting, world_.Decide(id, ClarifyDecision{"which account?"}));
  EXPECT_EQ(waiting.state, CaseState::kWaiting);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Answer(id, "the first one"));
  EXPECT_EQ(c.state, CaseState::kUnderReview);
  EXPECT_THAT(c.history.back().text, testing::HasSubstr("the first one"));
}

TEST_F(DecisionsTest, UnansweredQuestionEndsTheCaseAsIncomplete) {
  const std::string id = Received();
  ASSERT_THAT(world_.Decide(id, ClarifyDecision{"which account?"}), IsOk());
  world_.Advance(5 * kDayMs - 1);
  EXPECT_EQ(world_.Show(id)->state, CaseState::kWaiting);
  world_.Advance(1);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Show(id));
  EXPECT_EQ(c.state, CaseState::kClosed);
  EXPECT_THAT(c.rejections, ElementsAre(Rejection::kIncomplete));
  EXPECT_THAT(world_.Answer(id, "too late"), RefusedWith(Reason::kStateNotReady));
}

TEST_F(DecisionsTest, AnswerToAnEarlierQuestionIsAConflict) {
  const std::string id = Received();
  ASSERT_THAT(world_.Decide(id, ClarifyDecision{"which account?"}), IsOk());
  const AnswerCommand answer = world_.AnswerCommandFor(id, false, "the first", "agent-lin");
  AnswerCommand replayed = answer;
  replayed.request_id = RandomId<RequestId>();
  ASSERT_THAT(decisions().Answer(world_.As("agent-lin"), answer), IsOk());
  world_.clock.Advance(kHourMs);
  ASSERT_THAT(world_.Decide(id, ClarifyDecision{"and when?"}), IsOk());
  EXPECT_THAT(decisions().Answer(world_.As("agent-lin"), replayed), RefusedWith(Reason::kConflict));
}

TEST_F(DecisionsTest, AnswerWhenNothingWasAskedIsRefused) {
  EXPECT_THAT(world_.Answer(Received(), "by the way"), RefusedWith(Reason::kStateNotReady));
}

TEST_F(DecisionsTest, WithdrawnCaseIsClosed) {
  for (const std::string& id : {Received(), Ready(), ApprovedOnce()}) {
    ASSERT_OK_AND_ASSIGN(const Case c, world_.Withdraw(id));
    EXPECT_EQ(c.state, CaseState::kClosed);
    EXPECT_EQ(c.outcome, CaseOutcome::kWithdrawn);
    EXPECT_THAT(world_.Withdraw(id), RefusedWith(Reason::kStateNotReady));
  }
}

TEST_F(DecisionsTest, OnlyTheAgentOfTheCaseAnswersIt) {
  const std::string id = Received();
  const AnswerCommand command = world_.AnswerCommandFor(id, true, "", "reviewer-chen");
  EXPECT_THAT(decisions().Answer(world_.As("reviewer-chen"), command),
              RefusedWith(Reason::kCaseNotFound));
  EXPECT_THAT(decisions().Answer(world_.As("agent-lin"), command),
              RefusedWith(Reason::kSignatureInvalid));
}

// The approvers.

TEST_F(DecisionsTest, TwoApproversAuthorise) {
  const std::string id = ApprovedOnce();
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Approve(id, "approver-moore"));
  EXPECT_EQ(c.state, CaseState::kAuthorised);
  EXPECT_EQ(c.expiry, world_.Now() + 72 * kHourMs);
  ASSERT_THAT(c.grants, SizeIs(1));
  EXPECT_FALSE(c.grants[0].receipt.empty());
  ASSERT_OK_AND_ASSIGN(
      const Parsed<Grant> grant,
      VerifyStatement<Grant>(
          c.grants[0].statement,
          deployment_.service("cn", ServiceKind::kReview).statement_key.public_key()));
  EXPECT_EQ(grant.body.authorisation, Sha256Digest(c.cores[0]));
  EXPECT_EQ(grant.envelope.expiry, c.expiry);
  EXPECT_EQ(world_.log().leaves().back().type, "legal.grant");
}

TEST_F(DecisionsTest, ApprovalBeforeTheNoticePeriodIsOverIsRefused) {
  const std::string id = Received();
  const Case c = *world_.Decide(id);
  world_.clock.Advance(c.notice_end - world_.Now() - 1);
  EXPECT_THAT(world_.Approve(id, "approver-wang"), RefusedWith(Reason::kStateNotReady));
  world_.clock.Advance(1);
  // No tick is needed: the timer is part of the case.
  EXPECT_EQ(world_.Approve(id, "approver-wang")->state, CaseState::kApprovedOnce);
}

TEST_F(DecisionsTest, ApprovalNeedsAnApprover) {
  const std::string id = Ready();
  const ApproveCommand command = world_.ApproveCommandFor(*world_.Show(id), "reviewer-chen");
  EXPECT_THAT(decisions().Approve(world_.As("reviewer-chen"), command),
              RefusedWith(Reason::kCallerNotAllowed));
}

TEST_F(DecisionsTest, OneApproverCannotApproveTwice) {
  const std::string id = ApprovedOnce();
  EXPECT_THAT(world_.Approve(id, "approver-wang"), RefusedWith(Reason::kFourEyes));
}

// Rule 7: one person is one roster entry, however many certificates.
TEST_F(DecisionsTest, SamePersonWithTwoCertificatesIsOnePairOfEyes) {
  const PrivateKey second = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  RosterStatement body = deployment_.RosterBody("cn");
  for (RosterPerson& person : body.persons) {
    if (person.name == "approver-moore") person.keys.push_back(second.public_key().spki());
  }
  const auto& region = deployment_.topology().FindRegion("cn")->services;
  world_.SetRoster(
      *Roster::Verify(deployment_.SignRoster("cn", body,
                                             {region.at(ServiceKind::kReview).operator_name,
                                              region.at(ServiceKind::kCustody).operator_name}),
                      TestDeployment::Region("cn"), deployment_.topology()));
  world_.Restart();
  const std::string id = Ready();
  ASSERT_THAT(world_.Approve(id, "approver-moore"), IsOk());
  const ApproveCommand command =
      world_.ApproveCommandFor(*world_.Show(id), "approver-moore", &second);
  EXPECT_THAT(world_.review().decisions().Approve(
                  UnsafeAuthorizationForTest::Reviewer("cn", "approver-moore", second.public_key()),
                  command),
              RefusedWith(Reason::kFourEyes));
}

TEST_F(DecisionsTest, PairWithoutAnApproverOfCustodysOperatorIsRefused) {
  const std::string id = ApprovedOnce();
  EXPECT_THAT(world_.Approve(id, "approver-zhao"), RefusedWith(Reason::kFourEyes));
  EXPECT_THAT(world_.Approve(id, "approver-moore"), IsOk());
}

TEST_F(DecisionsTest, ApprovalOfOtherAuthorisationsIsRefused) {
  const std::string id = Ready();
  Case c = *world_.Show(id);
  c.cores.push_back("another core");
  EXPECT_THAT(
      decisions().Approve(world_.As("approver-wang"), world_.ApproveCommandFor(c, "approver-wang")),
      RefusedWith(Reason::kAuthorisationInvalid));
}

TEST_F(DecisionsTest, ApprovalWithoutADeclarationIsAConflictOfInterest) {
  const std::string id = Ready();
  ApproveCommand command = world_.ApproveCommandFor(*world_.Show(id), "approver-wang");
  Parsed<Approval> approval = *ParseStatement<Approval>(command.approval);
  approval.body.no_conflict = 0;
  command.approval = SignStatement(world_.EnvelopeFor(id), approval.body,
                                   deployment_.person("cn", "approver-wang").key);
  EXPECT_THAT(decisions().Approve(world_.As("approver-wang"), command),
              RefusedWith(Reason::kConflictOfInterest));
}

TEST_F(DecisionsTest, ApprovalSignedForAnotherGenerationIsAConflict) {
  const std::string id = Ready();
  Case c = *world_.Show(id);
  ApproveCommand command = world_.ApproveCommandFor(c, "approver-wang");
  ++c.generation;
  command.approval = world_.ApproveCommandFor(c, "approver-wang").approval;
  EXPECT_THAT(decisions().Approve(world_.As("approver-wang"), command),
              RefusedWith(Reason::kConflict));
}

TEST_F(DecisionsTest, SignatureOfAnotherThanTheCallerIsRefused) {
  const std::string id = Ready();
  const ApproveCommand command = world_.ApproveCommandFor(*world_.Show(id), "approver-moore");
  EXPECT_THAT(decisions().Approve(world_.As("approver-wang"), command),
              RefusedWith(Reason::kSignatureInvalid));
}

// Rule 1: an edit after the first approval voids it.
TEST_F(DecisionsTest, EditAfterTheFirstApprovalVoidsIt) {
  const std::string id = ApprovedOnce();
  ASSERT_OK_AND_ASSIGN(const Case back, world_.Approve(id, "approver-moore", false));
  EXPECT_EQ(back.state, CaseState::kUnderReview);
  EXPECT_THAT(back.approvals, IsEmpty());
  ASSERT_OK_AND_ASSIGN(const Case again, world_.Decide(id));
  world_.Advance(again.notice_end - world_.Now());
  EXPECT_EQ(world_.Approve(id, "approver-moore")->state, CaseState::kApprovedOnce);
}

TEST_F(DecisionsTest, ApprovalLapsesAfterThreeDays) {
  const std::string id = ApprovedOnce();
  const ApproveCommand late = world_.ApproveCommandFor(*world_.Show(id), "approver-moore");
  world_.clock.Advance(72 * kHourMs);
  EXPECT_THAT(decisions().Approve(world_.As("approver-moore"), late),
              RefusedWith(Reason::kConflict));
  EXPECT_EQ(world_.Show(id)->state, CaseState::kReady);
}

TEST_F(DecisionsTest, NothingIsAuthorisedWhenItCannotBeLogged) {
  const std::string id = ApprovedOnce();
  world_.log().SetUnavailable(true);
  EXPECT_THAT(world_.Approve(id, "approver-moore"), RefusedWith(Reason::kLogUnavailable));
  world_.log().SetUnavailable(false);
  EXPECT_EQ(world_.Show(id)->state, CaseState::kApprovedOnce);
}

TEST_F(DecisionsTest, CaseFileOnDiskTellsNothing) {
  LegalRequest request = world_.Draft({&account_});
  request.case_reference = "DOCKET-NUMBER-17";
  request.ground = "GROUND-THAT-NOBODY-READS";
  ASSERT_THAT(world_.Submit(request), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> partitions,
                       world_.records.Partitions("", "", 1000));
  size_t values = 0;
  for (const std::string& partition : partitions) {
    if (partition.starts_with("log/")) continue;
    ASSERT_OK_AND_ASSIGN(const ScanPage page, world_.records.Scan(partition, "!", "", 1000));
    for (const auto& [key, value] : page.items) {
      ++values;
      for (const std::string& hidden : {request.case_reference, request.ground,
                                        std::string("agent-lin"), account_.id().ToString()}) {
        EXPECT_EQ((partition + key + value).find(hidden), std::string::npos) << partition << key;
      }
    }
  }
  EXPECT_GT(values, 5U);
}

}  // namespace
}  // namespace comity::review
