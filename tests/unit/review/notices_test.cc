#include "services/review/notices.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/review/objections.h"
#include "tests/testing/matchers.h"
#include "tests/testing/review_world.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class NoticesTest : public testing::Test {
 protected:
  // Kinds of all notice leaves so far.
  std::vector<std::string> Kinds() {
    std::vector<std::string> kinds;
    for (const Leaf& leaf : world_.log().leaves()) {
      if (leaf.type == "legal.notice") kinds.push_back(leaf.clear.at("kind"));
    }
    return kinds;
  }
  LegalRequest Barred(int64_t days) {
    LegalRequest request = world_.Draft({&account_});
    request.notice_barred_until = world_.Now() + days * kDayMs;
    return request;
  }

  const TestDeployment deployment_;
  ReviewWorld world_{deployment_};
  TestAccount account_ = world_.NewAccount(1);
};

TEST_F(NoticesTest, UserIsToldBeforeAnythingIsProducedAndOfTheOutcome) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(IsEmpty()));
  ASSERT_OK_AND_ASSIGN(const Case decided, world_.Decide(id));
  ASSERT_OK_AND_ASSIGN(std::vector<Notice> notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].case_id, id);
  EXPECT_EQ(notices[0].authority, "guiyang-police");
  EXPECT_EQ(notices[0].instrument, InstrumentType::kWarrant);
  EXPECT_THAT(notices[0].classes, ElementsAre(DataClass::kC4, DataClass::kC5));
  EXPECT_EQ(notices[0].objection_end, decided.notice_end);
  EXPECT_EQ(notices[0].outcome, "");
  world_.Advance(7 * kDayMs);
  ASSERT_THAT(world_.Approve(id, "approver-wang"), IsOk());
  ASSERT_THAT(world_.Approve(id, "approver-moore"), IsOk());
  ASSERT_THAT(world_.Execute(id), IsOk());
  ASSERT_OK_AND_ASSIGN(notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(2));
  EXPECT_EQ(notices[1].outcome, "executed: FULL");
  EXPECT_THAT(Kinds(), ElementsAre("given"));
}

TEST_F(NoticesTest, RejectionOfANamedUsersRequestIsToldToo) {
  LegalRequest request = world_.Draft({&account_});
  request.instrument = InstrumentType::kSubpoena;
  ASSERT_THAT(world_.Submit(request), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::vector<Notice> notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].outcome, "rejected: INSTRUMENT_TOO_WEAK");
  EXPECT_EQ(notices[0].objection_end, 0);
  EXPECT_THAT(Kinds(), ElementsAre("given"));
}

TEST_F(NoticesTest, RequestThatConcernsNobodyHereCountsAsNoNotice) {
  LegalRequest request = world_.Draft({});
  request.targets = {"cn/*"};
  ASSERT_THAT(world_.Submit(request), IsOk());
  request = world_.Draft({});
  request.targets = {"us/" + RandomId<AccountId>().ToString()};
  ASSERT_THAT(world_.Submit(request), IsOk());
  request = Barred(10);
  request.targets = {"cn/" + RandomId<AccountId>().ToString()};
  ASSERT_THAT(world_.Submit(request), IsOk());
  EXPECT_THAT(Kinds(), IsEmpty());
}

TEST_F(NoticesTest, WithdrawalAndExpiryAreToldToo) {
  const std::string withdrawn = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Withdraw(withdrawn), IsOk());
  world_.clock.Advance(1);
  ASSERT_THAT(world_.Authorise(world_.Draft({&account_})), IsOk());
  world_.Advance(72 * kHourMs);
  ASSERT_OK_AND_ASSIGN(const std::vector<Notice> notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(3));
  EXPECT_EQ(notices[0].outcome, "withdrawn by the authority");
  EXPECT_EQ(notices[2].outcome, "expired without being carried out");
}

TEST_F(NoticesTest, UserOfAnotherAccountIsToldNothing) {
  const TestAccount other = world_.NewAccount(1);
  ASSERT_THAT(world_.Decide(world_.Submit(world_.Draft({&account_}))->id), IsOk());
  EXPECT_THAT(world_.Notices(other), IsOkAndHolds(IsEmpty()));
}

TEST_F(NoticesTest, BarredNoticeIsNotShownBeforeItsDate) {
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Authorise(Barred(90)));
  ASSERT_THAT(world_.Execute(c.id), IsOk());
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(IsEmpty()));
  world_.Advance(90 * kDayMs - 1);
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(Kinds(), ElementsAre("barred"));
  world_.Advance(1);
  ASSERT_OK_AND_ASSIGN(const std::vector<Notice> notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].outcome, "executed: FULL");
  EXPECT_EQ(notices[0].objection_end, 0);
  EXPECT_THAT(Kinds(), ElementsAre("barred", "after"));
}

// Rule 16: timers survive restarts.
TEST_F(NoticesTest, EndOfABarFiresTheNoticeAfterARestart) {
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Authorise(Barred(90)));
  ASSERT_THAT(world_.Execute(c.id), IsOk());
  world_.clock.Advance(91 * kDayMs);
  world_.Restart();
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(IsEmpty()));
  world_.Tick();
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(SizeIs(1)));
}

TEST_F(NoticesTest, BarEndsTheDayThatItSaysAlsoWhenNothingWasCarriedOutYet) {
  const std::string id = world_.Submit(Barred(1))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  world_.Advance(kDayMs);
  ASSERT_OK_AND_ASSIGN(const std::vector<Notice> notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].outcome, "");
  EXPECT_EQ(world_.Show(id)->state, CaseState::kReady);
  EXPECT_THAT(Kinds(), ElementsAre("barred", "given"));
}

TEST_F(NoticesTest, BarOfARejectedRequestHoldsToo) {
  LegalRequest request = Barred(30);
  request.instrument = InstrumentType::kSubpoena;
  ASSERT_THAT(world_.Submit(request), IsOk());
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(IsEmpty()));
  world_.Advance(30 * kDayMs);
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(SizeIs(1)));
}

TEST_F(NoticesTest, AccountThatMovedAwayUnderABarIsToldAllTheSame) {
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Authorise(Barred(30)));
  world_.storage.RemoveAccount(account_.id());
  ASSERT_THAT(world_.Execute(c.id), IsOk());
  world_.Advance(30 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const std::vector<Notice> notices, world_.Notices(account_));
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].outcome, "executed: NO_DATA");
}

TEST_F(NoticesTest, BarCountsForAYearAtMost) {
  Case c;
  c.received = world_.Now();
  c.request.notice_barred_until = world_.Now() + 1000 * kDayMs;
  EXPECT_EQ(BarredUntil(c, world_.Now()), world_.Now() + 365 * kDayMs);
  EXPECT_EQ(BarredUntil(c, world_.Now() + 365 * kDayMs), 0);
}

TEST_F(NoticesTest, NoticeThatCannotBeKeptStopsTheDecision) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  world_.log().SetHook([&] { world_.records.SetUnavailable(true); });
  EXPECT_THAT(world_.Decide(id), RefusedWith(Reason::kStoreUnavailable));
  world_.log().SetHook(nullptr);
  world_.records.SetUnavailable(false);
  EXPECT_EQ(world_.Show(id)->state, CaseState::kUnderReview);
  ASSERT_THAT(world_.Decide(id), IsOk());
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(SizeIs(1)));
}

// Who may read.

TEST_F(NoticesTest, DeviceOfAnotherAccountMayNotRead) {
  ASSERT_THAT(world_.Decide(world_.Submit(world_.Draft({&account_}))->id), IsOk());
  const TestAccount other = world_.NewAccount(0);
  EXPECT_THAT(world_.review().notices().List(
                  UnsafeAuthorizationForTest::Device(other.device().key.public_key()),
                  account_.id(), account_.entries()),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(NoticesTest, RevokedDeviceMayNotReadEvenWithTheChainOfBefore) {
  account_.AddDevice();
  const std::vector<Statement> before = account_.entries();
  account_.RevokeDevice(1);
  world_.storage.AddAccount(account_);
  world_.storage.AddObject(account_.id(), world_.Now() - kDayMs);
  ASSERT_THAT(world_.Decide(world_.Submit(world_.Draft({&account_}))->id), IsOk());
  EXPECT_THAT(world_.review().notices().List(
                  UnsafeAuthorizationForTest::Device(account_.device(1).key.public_key()),
                  account_.id(), before),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(NoticesTest, AccountThatMovedAwayReadsWithItsOwnChain) {
  ASSERT_THAT(world_.Decide(world_.Submit(world_.Draft({&account_}))->id), IsOk());
  world_.storage.RemoveAccount(account_.id());
  EXPECT_THAT(world_.Notices(account_), IsOkAndHolds(SizeIs(1)));
  EXPECT_THAT(world_.review().notices().List(
                  UnsafeAuthorizationForTest::Device(account_.device().key.public_key()),
                  account_.id(), {}),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(NoticesTest, ServiceMayNotReadNotices) {
  EXPECT_THAT(world_.review().notices().List(
                  UnsafeAuthorizationForTest::Service("cn", ServiceKind::kStorage, "gcbd"),
                  account_.id(), account_.entries()),
              RefusedWith(Reason::kCallerNotAllowed));
}

// Objections.

TEST_F(NoticesTest, ObjectionSendsTheCaseBackToReviewOnce) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  ASSERT_THAT(world_.Object(account_, id), IsOk());
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Show(id));
  EXPECT_EQ(c.state, CaseState::kUnderReview);
  EXPECT_THAT(c.cores, IsEmpty());
  EXPECT_THAT(c.history.back().text, testing::HasSubstr("It is not mine."));
  EXPECT_THAT(world_.Object(account_, id), RefusedWith(Reason::kStateNotReady));
}

TEST_F(NoticesTest, SameObjectionAgainChangesNothing) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  const Statement objection = account_.Sign(Objection{id, "no"}, world_.Now());
  const Authorization device =
      UnsafeAuthorizationForTest::Device(account_.device().key.public_key());
  Objections& objections = world_.review().objections();
  EXPECT_THAT(objections.Deliver(device, account_.id(), {objection}), IsOkAndHolds(SizeIs(1)));
  ASSERT_THAT(world_.Decide(id), IsOk());
  EXPECT_THAT(objections.Deliver(device, account_.id(), {objection}), IsOk());
  EXPECT_EQ(world_.Show(id)->state, CaseState::kNoticeRunning);
}

TEST_F(NoticesTest, ObjectionAfterTheNoticePeriodIsRefused) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  world_.clock.Advance(7 * kDayMs);
  EXPECT_THAT(world_.Object(account_, id), RefusedWith(Reason::kStateNotReady));
}

TEST_F(NoticesTest, ObjectionOfAnotherAccountIsRefused) {
  TestAccount other = world_.NewAccount(1);
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  EXPECT_THAT(world_.Object(other, id), RefusedWith(Reason::kCaseNotFound));
}

TEST_F(NoticesTest, ForgedObjectionIsRefused) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  Statement objection = account_.Sign(Objection{id, "no"}, world_.Now());
  objection.signatures[0].signature[0] ^= 1;
  EXPECT_THAT(world_.review().objections().Deliver(
                  UnsafeAuthorizationForTest::Service("cn", ServiceKind::kStorage, "gcbd"),
                  account_.id(), {objection}),
              RefusedWith(Reason::kSignatureInvalid));
  EXPECT_EQ(world_.Show(id)->state, CaseState::kNoticeRunning);
}

TEST_F(NoticesTest, ObjectionMayBeCarriedByStorageWhichIsToldNothing) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  EXPECT_THAT(world_.review().objections().Deliver(
                  UnsafeAuthorizationForTest::Service("cn", ServiceKind::kStorage, "gcbd"),
                  account_.id(), {account_.Sign(Objection{id, "no"}, world_.Now())}),
              IsOkAndHolds(IsEmpty()));
  EXPECT_EQ(world_.Show(id)->state, CaseState::kUnderReview);
}

TEST_F(NoticesTest, ObjectionThatIsTooLongIsRefused) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  ASSERT_THAT(world_.Decide(id), IsOk());
  EXPECT_THAT(
      world_.review().objections().Deliver(
          UnsafeAuthorizationForTest::Service("cn", ServiceKind::kStorage, "gcbd"), account_.id(),
          {account_.Sign(Objection{id, std::string(kMaxObjectionText + 1, 'x')}, world_.Now())}),
      RefusedWith(Reason::kFieldInvalid));
}

TEST_F(NoticesTest, StatementsOfOtherTypesArePassedOver) {
  EXPECT_THAT(world_.review().objections().Deliver(
                  UnsafeAuthorizationForTest::Service("cn", ServiceKind::kCustody, "gcbd"),
                  account_.id(), {account_.Sign(Close{}, world_.Now())}),
              IsOkAndHolds(IsEmpty()));
}

}  // namespace
}  // namespace comity::review
