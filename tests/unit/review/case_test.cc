#include "services/review/case.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/review/timers.h"
#include "tests/testing/matchers.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Kind = Event::Kind;

constexpr UnixMillis kTime = 1'520'640'000'000;

CaseApproval ApprovalBy(const std::string& person) { return {person, "gcbd", {}, kTime}; }

Event EventOf(Kind kind) {
  Event event{kind, kTime, "what happened"};
  event.until = kTime + kDayMs;
  event.rejections = {Rejection::kOverBroad};
  event.outcome = CaseOutcome::kFull;
  event.cores = {"core"};
  event.targets = {{"cn/account", {}, 3, false, false, true}};
  event.approval = {ApprovalBy("approver-wang")};
  event.grants = {{}};
  return event;
}

Case CaseIn(CaseState state) {
  Case c;
  c.id = "case";
  c.agent = "agent-lin";
  c.state = state;
  c.generation = 7;
  c.received = kTime - kDayMs;
  c.due = kTime + kDayMs;
  c.targets = {{"cn/account", {}, 3, true, false, true}};
  c.cores = {"core"};
  c.history = {{kTime - kDayMs, state, "before", 0}};
  if (state == CaseState::kApprovedOnce) c.approvals = {ApprovalBy("approver-moore")};
  if (state == CaseState::kAuthorised) c.grants = {{}};
  return c;
}

// Rule 1: the whole table. What does not stand here is refused.
const std::map<Kind, std::map<CaseState, CaseState>>& Table() {
  using S = CaseState;
  static const auto* const kTable = new std::map<Kind, std::map<S, S>>{
      {Kind::kPassIntake, {{S::kReceived, S::kUnderReview}}},
      {Kind::kReject,
       {{S::kReceived, S::kClosed},
        {S::kUnderReview, S::kClosed},
        {S::kWaiting, S::kClosed},
        {S::kHeld, S::kClosed},
        {S::kNoticeRunning, S::kClosed},
        {S::kReady, S::kClosed},
        {S::kApprovedOnce, S::kClosed},
        {S::kAuthorised, S::kClosed}}},
      {Kind::kAsk, {{S::kUnderReview, S::kWaiting}}},
      {Kind::kAnswer, {{S::kWaiting, S::kUnderReview}}},
      {Kind::kHold, {{S::kUnderReview, S::kHeld}}},
      {Kind::kHoldTogether,
       {{S::kUnderReview, S::kHeld},
        {S::kWaiting, S::kHeld},
        {S::kNoticeRunning, S::kHeld},
        {S::kReady, S::kHeld},
        {S::kApprovedOnce, S::kHeld}}},
      {Kind::kRelease, {{S::kHeld, S::kUnderReview}}},
      {Kind::kAcceptWithNotice, {{S::kUnderReview, S::kNoticeRunning}}},
      {Kind::kAcceptBarred, {{S::kUnderReview, S::kReady}}},
      {Kind::kObject, {{S::kNoticeRunning, S::kUnderReview}}},
      {Kind::kNoticeOver, {{S::kNoticeRunning, S::kReady}}},
      {Kind::kApprove, {{S::kReady, S::kApprovedOnce}, {S::kApprovedOnce, S::kAuthorised}}},
      {Kind::kDisagree, {{S::kReady, S::kUnderReview}, {S::kApprovedOnce, S::kUnderReview}}},
      {Kind::kApprovalLapsed, {{S::kApprovedOnce, S::kReady}}},
      {Kind::kBegin, {{S::kAuthorised, S::kAuthorised}}},
      {Kind::kExecute, {}},  // only once begun
      {Kind::kWithdraw,
       {{S::kReceived, S::kClosed},
        {S::kUnderReview, S::kClosed},
        {S::kWaiting, S::kClosed},
        {S::kHeld, S::kClosed},
        {S::kNoticeRunning, S::kClosed},
        {S::kReady, S::kClosed},
        {S::kApprovedOnce, S::kClosed},
        {S::kAuthorised, S::kClosed}}},
      {Kind::kExpire, {{S::kAuthorised, S::kClosed}}},
      {Kind::kAnswered, {{S::kExecuted, S::kClosed}}},
      {Kind::kGiveNotice, {}},  // only while a notice is barred
      {Kind::kAssign,
       {{S::kUnderReview, S::kUnderReview},
        {S::kWaiting, S::kWaiting},
        {S::kHeld, S::kHeld},
        {S::kNoticeRunning, S::kNoticeRunning}}},
  };
  return *kTable;
}

TEST(CaseTest, EachEventIsTakenOnlyInTheStatesOfTheTable) {
  for (const auto& [kind, row] : Table()) {
    for (int number = 1; IsValid(static_cast<CaseState>(number)); ++number) {
      const auto state = static_cast<CaseState>(number);
      SCOPED_TRACE("event " + std::to_string(static_cast<int>(kind)) + " in " +
                   std::string(Name(state)));
      const auto after = Apply(CaseIn(state), EventOf(kind));
      const auto expected = row.find(state);
      if (expected == row.end()) {
        EXPECT_THAT(after, RefusedWith(Reason::kStateNotReady));
      } else {
        ASSERT_THAT(after, IsOk());
        EXPECT_EQ(after->state, expected->second);
      }
    }
  }
}

TEST(CaseTest, EveryEventGrowsTheGenerationExceptAnApproval) {
  EXPECT_EQ(Apply(CaseIn(CaseState::kReceived), EventOf(Kind::kPassIntake))->generation, 8U);
  EXPECT_EQ(Apply(CaseIn(CaseState::kReady), EventOf(Kind::kApprove))->generation, 7U);
  EXPECT_EQ(Apply(CaseIn(CaseState::kApprovedOnce), EventOf(Kind::kApprove))->generation, 7U);
  EXPECT_EQ(Apply(CaseIn(CaseState::kApprovedOnce), EventOf(Kind::kApprovalLapsed))->generation,
            8U);
}

TEST(CaseTest, EveryEventIsToldInTheHistory) {
  const auto after = Apply(CaseIn(CaseState::kUnderReview), EventOf(Kind::kHold));
  ASSERT_THAT(after, IsOk());
  ASSERT_EQ(after->history.size(), 2U);
  EXPECT_EQ(after->history[1].state, CaseState::kHeld);
  EXPECT_EQ(after->history[1].text, "what happened");
  EXPECT_EQ(after->history[1].time, kTime);
}

TEST(CaseTest, GoingBackToReviewVoidsWhatWasDecidedAndGiven) {
  for (const auto& [kind, state] :
       std::vector<std::pair<Kind, CaseState>>{{Kind::kDisagree, CaseState::kApprovedOnce},
                                               {Kind::kObject, CaseState::kNoticeRunning},
                                               {Kind::kHoldTogether, CaseState::kApprovedOnce}}) {
    const auto after = Apply(CaseIn(state), EventOf(kind));
    ASSERT_THAT(after, IsOk());
    EXPECT_THAT(after->cores, IsEmpty());
    EXPECT_THAT(after->approvals, IsEmpty());
    EXPECT_THAT(after->grants, IsEmpty());
    EXPECT_EQ(after->notice_end, 0);
    EXPECT_EQ(after->targets[0].objects, 0U);
    EXPECT_FALSE(after->targets[0].truncated);
  }
}

TEST(CaseTest, LapsedApprovalIsForgotten) {
  const auto after = Apply(CaseIn(CaseState::kApprovedOnce), EventOf(Kind::kApprovalLapsed));
  ASSERT_THAT(after, IsOk());
  EXPECT_THAT(after->approvals, IsEmpty());
  EXPECT_THAT(after->cores, ElementsAre("core"));
}

TEST(CaseTest, SamePersonCannotApproveTwice) {
  Event event = EventOf(Kind::kApprove);
  event.approval = {ApprovalBy("approver-moore")};
  EXPECT_THAT(Apply(CaseIn(CaseState::kApprovedOnce), event), RefusedWith(Reason::kFourEyes));
}

TEST(CaseTest, PersonWhoDecidedCannotApprove) {
  Case c = CaseIn(CaseState::kReady);
  c.deciders = {"approver-wang"};
  EXPECT_THAT(Apply(c, EventOf(Kind::kApprove)), RefusedWith(Reason::kFourEyes));
}

TEST(CaseTest, AgentOfTheCaseCannotApprove) {
  Event event = EventOf(Kind::kApprove);
  event.approval = {ApprovalBy("agent-lin")};
  EXPECT_THAT(Apply(CaseIn(CaseState::kReady), event), RefusedWith(Reason::kFourEyes));
}

TEST(CaseTest, SecondApprovalWithoutAGrantForEachCoreIsAFault) {
  Event event = EventOf(Kind::kApprove);
  event.grants.clear();
  EXPECT_THAT(Apply(CaseIn(CaseState::kApprovedOnce), event), RefusedWith(Reason::kInternal));
}

TEST(CaseTest, BegunCaseCanNeitherBeWithdrawnNorRejectedNorBegunAgain) {
  const auto begun = Apply(CaseIn(CaseState::kAuthorised), EventOf(Kind::kBegin));
  ASSERT_THAT(begun, IsOk());
  for (const Kind kind : {Kind::kWithdraw, Kind::kReject, Kind::kBegin}) {
    EXPECT_THAT(Apply(*begun, EventOf(kind)), RefusedWith(Reason::kStateNotReady));
  }
  const auto executed = Apply(*begun, EventOf(Kind::kExecute));
  ASSERT_THAT(executed, IsOk());
  EXPECT_EQ(executed->state, CaseState::kExecuted);
  EXPECT_EQ(executed->outcome, CaseOutcome::kFull);
  EXPECT_FALSE(executed->executing);
}

TEST(CaseTest, DeciderIsKeptOnce) {
  Event hold = EventOf(Kind::kHold);
  hold.decider = "reviewer-chen";
  auto c = Apply(CaseIn(CaseState::kUnderReview), hold);
  c = Apply(*c, EventOf(Kind::kRelease));
  c = Apply(*c, hold);
  ASSERT_THAT(c, IsOk());
  EXPECT_THAT(c->deciders, ElementsAre("reviewer-chen"));
}

TEST(CaseTest, NoticeTimeDoesNotCountForTheDueDate) {
  const auto after = Apply(CaseIn(CaseState::kUnderReview), EventOf(Kind::kAcceptWithNotice));
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(after->due, kTime + 2 * kDayMs);
}

// What time brings.

TEST(TimersTest, CaseThatWaitsForAPersonHasNoTimer) {
  for (const CaseState state : {CaseState::kReceived, CaseState::kUnderReview, CaseState::kHeld,
                                CaseState::kReady, CaseState::kClosed}) {
    EXPECT_EQ(NextDue(CaseIn(state)), std::nullopt);
    EXPECT_FALSE(DueEvent(CaseIn(state), kTime * 2).has_value());
  }
}

// What is due, one millisecond before `due` (nothing) and at it.
Kind DueAt(const Case& c, UnixMillis due) {
  EXPECT_EQ(NextDue(c), due);
  EXPECT_FALSE(DueEvent(c, due - 1).has_value());
  const std::optional<Event> event = DueEvent(c, due);
  EXPECT_TRUE(event.has_value());
  EXPECT_THAT(Apply(c, *event), IsOk());
  return event->kind;
}

TEST(TimersTest, EachTimerEndsItsState) {
  Case waiting = CaseIn(CaseState::kWaiting);
  waiting.waiting_until = kTime + 5;
  EXPECT_EQ(DueAt(waiting, kTime + 5), Kind::kReject);
  EXPECT_THAT(DueEvent(waiting, kTime + 5)->rejections, ElementsAre(Rejection::kIncomplete));

  Case notice = CaseIn(CaseState::kNoticeRunning);
  notice.notice_end = kTime + 6;
  EXPECT_EQ(DueAt(notice, kTime + 6), Kind::kNoticeOver);

  EXPECT_EQ(DueAt(CaseIn(CaseState::kApprovedOnce), kTime + 72 * kHourMs), Kind::kApprovalLapsed);

  Case authorised = CaseIn(CaseState::kAuthorised);
  authorised.expiry = kTime + 7;
  EXPECT_EQ(DueAt(authorised, kTime + 7), Kind::kExpire);

  EXPECT_EQ(DueAt(CaseIn(CaseState::kExecuted), kTime + 29 * kDayMs), Kind::kAnswered);
}

TEST(TimersTest, BegunCaseIsDueAtExpiryButDoesNotExpireByItself) {
  Case authorised = CaseIn(CaseState::kAuthorised);
  authorised.expiry = kTime + 7;
  authorised.executing = true;
  EXPECT_EQ(NextDue(authorised), kTime + 7);
  EXPECT_FALSE(DueEvent(authorised, kTime + 7).has_value());
}

TEST(TimersTest, EndOfABarIsDueInEveryState) {
  for (int number = 2; IsValid(static_cast<CaseState>(number)); ++number) {
    Case c = CaseIn(static_cast<CaseState>(number));
    c.waiting_until = c.notice_end = c.expiry = kTime + 100 * kDayMs;
    c.notice_due = kTime + 1;
    EXPECT_EQ(DueAt(c, kTime + 1), Kind::kGiveNotice);
  }
}

}  // namespace
}  // namespace comity::review
