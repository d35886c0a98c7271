#include "services/custody/budgets.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/status/retry_after.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

using std::chrono::milliseconds;

class BudgetsTest : public testing::Test {
 protected:
  // From now on "us" has these limits and no others.
  void Limit(const std::vector<std::string>& texts) {
    Rates rates{};
    for (const std::string& text : texts) ASSERT_THAT(SetRate(text, rates), IsOk());
    auto limits = std::make_unique<RateLimits>(rates, [this] { return now_; });
    world_.us.UseLimits(limits.get());
    limits_ = std::move(limits);
  }
  absl::Status Generate(const Authorization& who, const AccountId& account, size_t count,
                        UseReason reason = UseReason::kAccess) {
    const std::vector<KeyContext> contexts(count, CustodyWorld::Context());
    return world_.us.custody().data_keys().Generate(who, account, reason, contexts).status();
  }
  absl::Status Generate(size_t count, UseReason reason = UseReason::kAccess) {
    return Generate(Device(), world_.account.id(), count, reason);
  }
  absl::Status Ask(const Authorization& who) {
    return world_.us.custody().custodian().GetKey(who, world_.account.id()).status();
  }
  Statement Record(TestAccount& owner) {
    return owner.SignRecord(world_.topology(), "HK", world_.now());
  }
  absl::Status Create(TestAccount& owner, const Statement& record) {
    return world_.us.custody()
        .custodian()
        .Create(CustodyNode::Device(owner.device()), owner.entries(), record)
        .status();
  }
  Authorization Device(size_t index = 0) {
    return CustodyNode::Device(world_.account.device(index));
  }
  absl::Status Arrive(const Authorization& who, bool counts_keys = false) {
    return TakeArrival(world_.us.site(), who, counts_keys);
  }

  RateLimiter::Time now_{};
  std::unique_ptr<RateLimits> limits_;
  CustodyWorld world_;
};

TEST_F(BudgetsTest, DataKeysAreCountedOneByOneForEachAccount) {
  TestAccount other = world_.deployment().NewAccount();
  ASSERT_THAT(Create(other, Record(other)), IsOk());
  Limit({"account-keys=10/4"});
  EXPECT_THAT(Generate(3), IsOk());
  const absl::Status refused = Generate(2);
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(refused), milliseconds(100));
  EXPECT_THAT(Generate(1), IsOk()) << "whoever is refused pays nothing";
  EXPECT_THAT(Generate(CustodyNode::Device(other.device()), other.id(), 4), IsOk());
  now_ += milliseconds(200);
  EXPECT_THAT(Generate(2), IsOk());
  EXPECT_THAT(Generate(1), RefusedWith(Reason::kRateLimited));
}

TEST_F(BudgetsTest, EveryUseOfADataKeyCounts) {
  DataKeys& keys = world_.us.custody().data_keys();
  const AccountId& id = world_.account.id();
  const std::string wrapped = world_.Generate(world_.us, world_.account);
  const std::vector<WrappedKey> wraps = {{CustodyWorld::Context(), wrapped}};
  std::vector<PlainKey> plain;
  plain.push_back({CustodyWorld::Context(), RandomSecret(32)});
  const std::vector<std::function<absl::Status(DataKeys&)>> uses = {
      [&](DataKeys& k) {
        return k.Generate(Device(), id, UseReason::kAccess, {CustodyWorld::Context()}).status();
      },
      [&](DataKeys& k) { return k.Wrap(Device(), id, UseReason::kAccess, plain).status(); },
      [&](DataKeys& k) { return k.Unwrap(Device(), id, UseReason::kVerify, wraps).status(); },
      [&](DataKeys& k) { return k.Rewrap(Device(), id, UseReason::kRewrap, wraps).status(); }};
  for (const auto& use : uses) {
    EXPECT_THAT(use(keys), IsOk()) << "without limits";
  }
  for (const auto& use : uses) {
    Limit({"account-keys=1/1"});
    EXPECT_THAT(use(world_.us.custody().data_keys()), IsOk());
    EXPECT_THAT(use(world_.us.custody().data_keys()), RefusedWith(Reason::kRateLimited));
    EXPECT_EQ(limits_->refused(Limit::kAccountKeys), 1u);
  }
}

TEST_F(BudgetsTest, UseUnderAGrantCountsForTheOwnerAndForTheGrantee) {
  TestAccount grantee = world_.deployment().NewAccount();
  ASSERT_THAT(Create(grantee, Record(grantee)), IsOk());
  KeyGrant grant = ExampleGrant(grantee.id());
  grant.operations = {KeyOperation::kGenerate};
  ASSERT_THAT(world_.us.custody().key_grants().Change(
                  Device(), world_.account.id(),
                  SignGrant(world_.account, grant, world_.now(), world_.now() + kDayMs)),
              IsOk());
  const Authorization device = CustodyNode::Device(grantee.device());
  const auto use = [&](size_t count) {
    const std::vector<KeyContext> contexts(count, CustodyWorld::Context());
    return world_.us.custody()
        .data_keys()
        .Generate(device, world_.account.id(), UseReason::kGrant, contexts, grant.grant)
        .status();
  };
  Limit({"account-keys=1/4"});
  EXPECT_THAT(use(3), IsOk());
  EXPECT_THAT(Generate(2), RefusedWith(Reason::kRateLimited)) << "of the owner's";
  EXPECT_THAT(Generate(device, grantee.id(), 2), RefusedWith(Reason::kRateLimited))
      << "and of the grantee's";
  EXPECT_THAT(Generate(1), IsOk());
  EXPECT_THAT(use(1), RefusedWith(Reason::kRateLimited)) << "the owner has nothing left";
  EXPECT_THAT(Generate(device, grantee.id(), 1), IsOk()) << "what was refused was not taken";
  Limit({"account-keys=1/4", "use-grant=1/1"});
  EXPECT_THAT(use(1), IsOk());
  EXPECT_THAT(use(1), RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Generate(3), IsOk());
  EXPECT_THAT(Generate(device, grantee.id(), 3), IsOk());
  Limit({"account-keys=1/4"});
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(
        world_.us.custody().data_keys().Generate(
            device, world_.account.id(), UseReason::kGrant,
            {KeyContext::Create(CustodyWorld::Context().object(), CustodyWorld::Context().content(),
                                KeyPurpose::kAttributes, {})
                 .value()},
            grant.grant),
        RefusedWith(Reason::kGrantExceeded));
  }
  EXPECT_THAT(Generate(4), IsOk()) << "what a grant does not cover uses up nothing";
}

TEST_F(BudgetsTest, BatchLargerThanABurstIsTakenAndPaidForAfterwards) {
  Limit({"account-keys=10/4"});
  EXPECT_THAT(Generate(10), IsOk());
  const absl::Status refused = Generate(1);
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(refused), milliseconds(700));
  now_ += RetryAfterOf(refused);
  EXPECT_THAT(Generate(1), IsOk());
}

TEST_F(BudgetsTest, StrangersUseUpNothingOfAnAccount) {
  Limit({"account-keys=1/3"});
  const Authorization stranger = CustodyNode::Device(MakeTestDevice());
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(Generate(stranger, world_.account.id(), 1), RefusedWith(Reason::kAccountNotYours));
  }
  EXPECT_THAT(Generate(3), IsOk());
  EXPECT_THAT(Generate(stranger, world_.account.id(), 1), RefusedWith(Reason::kAccountNotYours))
      << "nor do they learn that it has used up its own";
}

TEST_F(BudgetsTest, AccountThatCannotBeUsedPaysNothing) {
  Limit({"account-keys=1/1"});
  world_.MoveAccount();
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Generate(1), RefusedWith(Reason::kAccountNotHere));
  EXPECT_EQ(limits_->refused(Limit::kAccountKeys), 0u);
}

TEST_F(BudgetsTest, ReasonsHaveTheirOwnForAllAccountsTogether) {
  TestAccount other = world_.deployment().NewAccount();
  ASSERT_THAT(Create(other, Record(other)), IsOk());
  for (const auto& [reason, limit] : {std::pair(UseReason::kAccess, Limit::kUseAccess),
                                      {UseReason::kExport, Limit::kUseExport},
                                      {UseReason::kVerify, Limit::kUseVerify},
                                      {UseReason::kRewrap, Limit::kUseRewrap}}) {
    Limit({std::string(Name(limit)) + "=1/2", "account-keys=1/3"});
    EXPECT_THAT(Generate(2, reason), IsOk());
    EXPECT_THAT(Generate(CustodyNode::Device(other.device()), other.id(), 1, reason),
                RefusedWith(Reason::kRateLimited));
    EXPECT_EQ(limits_->refused(limit), 1u) << Name(limit);
    EXPECT_THAT(Generate(CustodyNode::Device(other.device()), other.id(), 3,
                         reason == UseReason::kAccess ? UseReason::kExport : UseReason::kAccess),
                IsOk())
        << "what the reason refused was not taken from the account";
  }
}

// Runs something in the middle of whatever asks for the time.
class InterruptingClock final : public Clock {
 public:
  UnixMillis Now() const override {
    if (interrupt) std::exchange(interrupt, nullptr)();
    return TestDeployment::kStart;
  }
  mutable std::function<void()> interrupt;
};

TEST_F(BudgetsTest, UseThatIsRepeatedBecauseTheAccountChangedCountsOnce) {
  const InterruptingClock clock;
  CustodyNetwork network;
  CustodyNode node(world_.deployment(), "us", &clock, &network);
  TestAccount owner = world_.deployment().NewAccount();
  const Authorization device = CustodyNode::Device(owner.device());
  ASSERT_THAT(node.custody().custodian().Create(
                  device, owner.entries(),
                  owner.SignRecord(world_.topology(), "US", TestDeployment::kStart)),
              IsOk());
  Rates rates{};
  ASSERT_THAT(SetRate("account-keys=1/2", rates), IsOk());
  ASSERT_THAT(SetRate("account-calls=1/2", rates), IsOk());
  RateLimits limits(rates, [this] { return now_; });
  node.UseLimits(&limits);
  bool changed = false;
  clock.interrupt = [&] {
    changed = node.custody().key_versions().Rotate(device, owner.id(), NumberedRequest(1)).ok();
  };
  const auto generate = [&] {
    return node.custody()
        .data_keys()
        .Generate(device, owner.id(), UseReason::kAccess, {CustodyWorld::Context()})
        .status();
  };
  EXPECT_THAT(generate(), IsOk());
  EXPECT_TRUE(changed);
  EXPECT_THAT(generate(), IsOk());
  EXPECT_THAT(generate(), RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(limits.refused(Limit::kAccountKeys), 1u);
  EXPECT_THAT(TakeColdUse(node.site(), device), IsOk()) << "loaded twice, counted once";
}

TEST_F(BudgetsTest, WhoHasAccountsLoadedThatAreNotHisIsHeldToHisOwnCalls) {
  Limit({"account-calls=1/2"});
  const Authorization stranger = CustodyNode::Device(MakeTestDevice());
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Generate(stranger, RandomId<AccountId>(), 1),
                RefusedWith(Reason::kAccountNotYours));
  }
  EXPECT_THAT(Generate(stranger, RandomId<AccountId>(), 1), RefusedWith(Reason::kRateLimited));
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Generate(1), IsOk()) << "loaded once";
}

TEST_F(BudgetsTest, QuestionsCountForTheAccountAndWhatItSaysDoesNot) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  Limit({"account-calls=1/2"});
  EXPECT_THAT(Ask(CustodyNode::Device(MakeTestDevice())), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(Ask(Device(1)), IsOk());
  EXPECT_THAT(
      world_.us.custody().custodian().GetLocation(Device(1), world_.account.id(), "").status(),
      IsOk());
  EXPECT_THAT(Ask(Device(0)), RefusedWith(Reason::kRateLimited));
  world_.account.RevokeDevice(1);
  EXPECT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  EXPECT_THAT(
      world_.us.custody().key_versions().Rotate(Device(0), world_.account.id(), NumberedRequest(1)),
      IsOk());
  now_ += milliseconds(1'000);
  EXPECT_THAT(Ask(Device(0)), IsOk());
}

TEST_F(BudgetsTest, CreationsCountForTheWholeServiceAndRepeatsDoNot) {
  Limit({"creations=1/1"});
  TestAccount first = world_.deployment().NewAccount();
  TestAccount second = world_.deployment().NewAccount();
  const Statement of_first = Record(first);
  const Statement of_second = Record(second);
  ASSERT_THAT(Create(first, of_first), IsOk());
  EXPECT_THAT(Create(first, of_first), IsOk()) << "a repeat";
  const absl::Status refused = Create(second, of_second);
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Create(first, of_first), IsOk());
  now_ += RetryAfterOf(refused);
  EXPECT_THAT(Create(second, of_second), IsOk());
}

TEST_F(BudgetsTest, CallsOfDevicesArriveByTheirKeys) {
  Limit({"account-calls=1/1", "operator-calls=1/1"});
  EXPECT_THAT(Arrive(Device()), IsOk());
  EXPECT_THAT(Arrive(Device()), RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Arrive(Device(), /*counts_keys=*/true), IsOk());
  EXPECT_THAT(Arrive(CustodyNode::Device(MakeTestDevice())), IsOk());
}

TEST_F(BudgetsTest, OtherRegionsServicesArriveByTheirOperatorAndPersonsByTheirKeys) {
  Limit({"account-calls=1/1", "operator-calls=1/1"});
  const auto foreign = [](std::string_view operator_name) {
    return UnsafeAuthorizationForTest::Service("cn", ServiceKind::kCustody, operator_name);
  };
  EXPECT_THAT(Arrive(foreign("gcbd")), IsOk());
  EXPECT_THAT(Arrive(foreign("gcbd")), RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Arrive(foreign("apple")), IsOk());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Arrive(world_.us.Storage()), IsOk()) << "of this region";
    EXPECT_THAT(Arrive(world_.us.Review()), IsOk());
  }
  const TestDevice one = MakeTestDevice();
  const TestDevice two = MakeTestDevice();
  const auto person = [](const TestDevice& who) {
    return UnsafeAuthorizationForTest::OperatorPerson("us", "apple", "ops", who.key.public_key());
  };
  EXPECT_THAT(Arrive(person(one)), IsOk());
  EXPECT_THAT(Arrive(person(one)), RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Arrive(person(two)), IsOk());
}

}  // namespace
}  // namespace comity::custody
