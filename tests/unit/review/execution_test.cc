#include "services/review/execution.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/authorisation/authorisation.h"
#include "services/common/crypto/digest.h"
#include "services/review/scope.h"
#include "tests/testing/matchers.h"
#include "tests/testing/review_world.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Writes down what is delivered.
class Delivery final : public PackageSink {
 public:
  absl::Status TakeAccount(const Authorisation& authorisation,
                           const AccountResult& result) override {
    authorisations.push_back(authorisation);
    results.push_back(result);
    return absl::OkStatus();
  }
  absl::Status TakeContent(const ContentId& content) override {
    contents.push_back(content);
    return absl::OkStatus();
  }
  absl::Status TakeChunk(std::string chunk) override {
    chunks.push_back(std::move(chunk));
    return fails ? Refuse(Reason::kCancelled) : absl::OkStatus();
  }

  std::vector<Authorisation> authorisations;
  std::vector<AccountResult> results;
  std::vector<ContentId> contents;
  std::vector<std::string> chunks;
  bool fails = false;
};

class ExecutionTest : public testing::Test {
 protected:
  std::string Authorised(const LegalRequest& request) {
    const auto c = world_.Authorise(request);
    EXPECT_THAT(c, IsOk());
    return c->id;
  }
  std::string Authorised() { return Authorised(world_.Draft({&account_})); }
  absl::Status Deliver(const std::string& id, Delivery& delivery,
                       std::string_view person = "agent-lin") {
    return world_.review().execution().Deliver(world_.As(person), id, delivery);
  }

  const TestDeployment deployment_;
  ReviewWorld world_{deployment_};
  TestAccount account_ = world_.NewAccount(2);
};

TEST_F(ExecutionTest, CarriedOutCaseHasEverythingInScopeAndIsDelivered) {
  const std::string id = Authorised();
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.state, CaseState::kExecuted);
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
  EXPECT_TRUE(c.targets[0].provided);
  Delivery delivery;
  ASSERT_THAT(Deliver(id, delivery), IsOk());
  ASSERT_THAT(delivery.results, SizeIs(1));
  EXPECT_THAT(delivery.contents, SizeIs(2));
  EXPECT_THAT(delivery.chunks, ElementsAre(FakeOwnStorage::CiphertextOf(delivery.contents[0]),
                                           FakeOwnStorage::CiphertextOf(delivery.contents[1])));
  EXPECT_EQ(delivery.results[0].custody.sealed_answer,
            "sealed " + Sha256Digest(c.cores[0]).ToString());
  EXPECT_EQ(delivery.results[0].storage.receipt, "storage's receipt");
  // What is delivered can be verified by anybody who has topology and roster.
  EXPECT_THAT(VerifyAuthorisation(delivery.authorisations[0], ServiceKind::kCustody,
                                  TestDeployment::Region("cn"), deployment_.topology(),
                                  deployment_.roster("cn"), world_.Now()),
              IsOk());
}

TEST_F(ExecutionTest, CustodyGetsTheWrapsOfTheAuthorisedPurposesOnly) {
  LegalRequest request = world_.Draft({&account_});
  request.classes = {DataClass::kC4};
  const std::string id = Authorised(request);
  ASSERT_THAT(world_.Execute(id), IsOk());
  ASSERT_THAT(world_.custody.newest_wraps(), SizeIs(2));
  for (const AuthorisedWrap& wrap : world_.custody.newest_wraps()) {
    EXPECT_EQ(wrap.purpose, KeyPurpose::kAttributes);
    EXPECT_EQ(wrap.wrapped, "wrapped attributes key");
  }
  Delivery delivery;
  ASSERT_THAT(Deliver(id, delivery), IsOk());
  EXPECT_THAT(delivery.results, SizeIs(1));
  EXPECT_THAT(delivery.contents, IsEmpty());
}

TEST_F(ExecutionTest, RepeatGivesTheStoredAnswerAndAsksNobody) {
  const std::string id = Authorised();
  ASSERT_OK_AND_ASSIGN(const Case first, world_.Execute(id));
  world_.storage.RefuseAll(Reason::kInternal);
  world_.custody.RefuseAll(Reason::kInternal);
  ASSERT_OK_AND_ASSIGN(const Case again, world_.Execute(id));
  EXPECT_EQ(again.generation, first.generation);
}

TEST_F(ExecutionTest, CaseThatIsNotAuthorisedIsNotCarriedOut) {
  const std::string id = world_.Submit(world_.Draft({&account_}))->id;
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(world_.storage.executed(), 0U);
  Delivery delivery;
  EXPECT_THAT(Deliver(id, delivery), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(delivery.results, IsEmpty());
}

TEST_F(ExecutionTest, ApproverMayCarryOutButNotDownload) {
  const std::string id = Authorised();
  EXPECT_THAT(world_.Execute(id, "approver-wang"), IsOk());
  Delivery delivery;
  EXPECT_THAT(Deliver(id, delivery, "approver-wang"), RefusedWith(Reason::kCaseNotFound));
}

TEST_F(ExecutionTest, CustodyThatIsDownIsAskedAgainAndStorageAnswersTheSame) {
  const std::string id = Authorised();
  world_.custody.RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kPeerUnavailable));
  EXPECT_EQ(world_.storage.executed(), 1U);
  world_.custody.RefuseAll(Reason::kUnspecified);
  world_.Restart();
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
  EXPECT_EQ(world_.storage.executed(), 1U);
  EXPECT_EQ(world_.custody.executed(), 1U);
}

TEST_F(ExecutionTest, CrashBeforeTheOutcomeIsMendedByCarryingOutAgain) {
  const std::string id = Authorised();
  // The outcome cannot be logged, so it does not exist.
  world_.storage.SetHook([&] { world_.log().SetUnavailable(true); });
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kLogUnavailable));
  world_.storage.SetHook(nullptr);
  world_.Restart();
  ASSERT_OK_AND_ASSIGN(const Case begun, world_.Show(id));
  EXPECT_EQ(begun.state, CaseState::kAuthorised);
  EXPECT_TRUE(begun.executing);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
  EXPECT_EQ(world_.custody.executed(), 1U);
}

// Exactly one of the two wins, whichever comes first.
TEST_F(ExecutionTest, WithdrawalDuringExecutionIsRefused) {
  const std::string id = Authorised();
  absl::StatusOr<Case> withdrawn;
  world_.storage.SetHook([&] { withdrawn = world_.Withdraw(id); });
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_THAT(withdrawn, RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
}

TEST_F(ExecutionTest, WithdrawnCaseIsNotCarriedOut) {
  const std::string id = Authorised();
  ASSERT_THAT(world_.Withdraw(id), IsOk());
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(world_.storage.executed(), 0U);
}

TEST_F(ExecutionTest, AuthorisationThatWasNotUsedInTimeExpires) {
  const std::string id = Authorised();
  world_.Advance(72 * kHourMs);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Show(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kExpired);
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ExecutionTest, BegunCaseThatNobodyUsedExpires) {
  const std::string id = Authorised();
  world_.storage.RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kPeerUnavailable));
  world_.Advance(72 * kHourMs);
  EXPECT_EQ(world_.Show(id)->state, CaseState::kAuthorised);  // nobody can say yet
  world_.storage.RefuseAll(Reason::kUnspecified);
  world_.Advance(kMinuteMs);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Show(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kExpired);
}

TEST_F(ExecutionTest, BegunCaseThatWasUsedIsCarriedOutAfterItsExpiry) {
  const std::string id = Authorised();
  world_.storage.SetHook([&] { world_.log().SetUnavailable(true); });
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kLogUnavailable));
  world_.log().SetUnavailable(false);
  world_.storage.SetHook(nullptr);
  world_.Advance(72 * kHourMs);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Show(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
}

TEST_F(ExecutionTest, AccountThatMovedAwaySinceMakesTheAnswerPartial) {
  const TestAccount other = world_.NewAccount(1);
  const std::string id = Authorised(world_.Draft({&account_, &other}));
  world_.storage.RemoveAccount(other.id());
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kPartial);
  EXPECT_TRUE(c.targets[0].provided);
  EXPECT_FALSE(c.targets[1].provided);
  EXPECT_THAT(c.targets[1].rejections, ElementsAre(Rejection::kDataNotHeld));
  Delivery delivery;
  ASSERT_THAT(Deliver(id, delivery), IsOk());
  EXPECT_THAT(delivery.results, SizeIs(1));
}

TEST_F(ExecutionTest, ObjectDeletedSinceMakesTheAnswerPartial) {
  const std::string id = Authorised();
  const AuthorisationCore core = *DecodeRecord<AuthorisationCore>(world_.Show(id)->cores[0]);
  world_.storage.RemoveObject(account_.id(), core.contents[0]);
  EXPECT_EQ(world_.Execute(id)->outcome, CaseOutcome::kPartial);
}

TEST_F(ExecutionTest, AccountWithoutObjectsIsAnsweredWithNoData) {
  const TestAccount empty = world_.NewAccount(0);
  const std::string id = Authorised(world_.Draft({&empty}));
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kNoData);
  EXPECT_EQ(world_.storage.executed(), 0U);
  Delivery delivery;
  ASSERT_THAT(Deliver(id, delivery), IsOk());
  EXPECT_THAT(delivery.results, IsEmpty());
}

TEST_F(ExecutionTest, EveryObjectDeletedSinceIsNoDataAndCustodyIsNotAsked) {
  const std::string id = Authorised();
  const AuthorisationCore core = *DecodeRecord<AuthorisationCore>(world_.Show(id)->cores[0]);
  for (const ContentId& content : core.contents) {
    world_.storage.RemoveObject(account_.id(), content);
  }
  EXPECT_EQ(world_.Execute(id)->outcome, CaseOutcome::kNoData);
  EXPECT_EQ(world_.custody.executed(), 0U);
}

TEST_F(ExecutionTest, KeyThatIsDestroyedIsNotDecryptableHere) {
  const std::string id = Authorised();
  world_.custody.RefuseAll(Reason::kKeyDestroyed);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kNoData);
  EXPECT_THAT(c.targets[0].rejections, ElementsAre(Rejection::kNotDecryptableHere));
}

TEST_F(ExecutionTest, KeyThatItsOwnerHasDisabledIsNotDecryptableHere) {
  const std::string id = Authorised();
  world_.custody.RefuseAll(Reason::kKeyDisabled);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kNoData);
  EXPECT_THAT(c.targets[0].rejections, ElementsAre(Rejection::kNotDecryptableHere));
}

TEST_F(ExecutionTest, KeyThatIsKeptInAnotherRegionIsNotDecryptableHere) {
  const std::string id = Authorised();
  world_.custody.RefuseAll(Reason::kAccountNotHere);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kNoData);
  EXPECT_THAT(c.targets[0].rejections, ElementsAre(Rejection::kNotDecryptableHere));
}

TEST_F(ExecutionTest, AccountThatHasMovedFromStorageIsNotHeld) {
  const std::string id = Authorised();
  world_.storage.RefuseAll(Reason::kAccountNotHere);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_THAT(c.targets[0].rejections, ElementsAre(Rejection::kDataNotHeld));
}

TEST_F(ExecutionTest, AnswerThatDoesNotFitIsADeFactoImpossibility) {
  const std::string id = Authorised();
  world_.storage.RefuseAll(Reason::kMessageTooLarge);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_THAT(c.targets[0].rejections, ElementsAre(Rejection::kDeFactoImpossibility));
}

TEST_F(ExecutionTest, RefusalOfStorageReachesTheCallerAndTheCaseStaysAuthorised) {
  const std::string id = Authorised();
  world_.storage.RefuseAll(Reason::kRulesForbid);
  EXPECT_THAT(world_.Execute(id), RefusedWith(Reason::kRulesForbid));
  EXPECT_EQ(world_.Show(id)->state, CaseState::kAuthorised);
}

TEST_F(ExecutionTest, SubscriberDataTellsThatTheAccountExistsAndTakesFourEyesToo) {
  LegalRequest request = world_.Draft({&account_});
  request.instrument = InstrumentType::kSubpoena;
  request.classes = {DataClass::kC0};
  request.begin_time = request.end_time = 0;
  const std::string id = Authorised(request);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Execute(id));
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
  EXPECT_THAT(c.history.back().text, testing::HasSubstr("1 of 1 exist here"));
  EXPECT_EQ(world_.storage.executed(), 0U);
}

TEST_F(ExecutionTest, ClassOfWhichNoRecordsAreKeptMakesTheAnswerPartial) {
  LegalRequest request = world_.Draft({&account_});
  request.classes = {DataClass::kC2, DataClass::kC5};
  EXPECT_EQ(world_.Execute(Authorised(request))->outcome, CaseOutcome::kPartial);
}

TEST_F(ExecutionTest, OutcomeLeafCountsTheAccountsOfWhichDataWasProvided) {
  const TestAccount other = world_.NewAccount(1);
  const std::string id = Authorised(world_.Draft({&account_, &other}));
  ASSERT_THAT(world_.Execute(id), IsOk());
  const Leaf leaf = world_.log().leaves().back();
  EXPECT_EQ(leaf.type, "legal.outcome");
  EXPECT_EQ(leaf.clear.at("outcome"), "FULL");
  EXPECT_EQ(leaf.clear.at("accounts"), "2");
  EXPECT_EQ(leaf.clear.at("reasons"), "");
}

TEST_F(ExecutionTest, DeliveryEndsWithTheFirstErrorOfTheReceiver) {
  const std::string id = Authorised();
  ASSERT_THAT(world_.Execute(id), IsOk());
  Delivery delivery;
  delivery.fails = true;
  EXPECT_THAT(Deliver(id, delivery), RefusedWith(Reason::kCancelled));
  EXPECT_THAT(delivery.chunks, SizeIs(1));
}

TEST_F(ExecutionTest, AnsweredCaseIsClosedAfterThirtyDaysAndStillDelivers) {
  const std::string id = Authorised();
  ASSERT_THAT(world_.Execute(id), IsOk());
  world_.Advance(30 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const Case c, world_.Show(id));
  EXPECT_EQ(c.state, CaseState::kClosed);
  EXPECT_EQ(c.outcome, CaseOutcome::kFull);
  Delivery delivery;
  EXPECT_THAT(Deliver(id, delivery), IsOk());
}

}  // namespace
}  // namespace comity::review
