#include "services/custody/root_rotation.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/chain_entries.h"
#include "services/custody/custodian.h"
#include "services/custody/leaves.h"
#include "services/custody/ledger.h"
#include "services/custody/record_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/rotatable_seal.h"

namespace comity::custody {
namespace {

using Kind = RotatableSeal::Kind;

class RootRotationTest : public testing::TestWithParam<Kind> {
 protected:
  RootRotationTest()
      : first_(SecretBytes::CopyOf(std::string(kRootKeySize, 'u'))),
        wrapped_(world_.Generate(world_.us, world_.account)),
        seal_(&world_, &world_.us, GetParam(), first_) {}

  const AccountId& id() const { return world_.account.id(); }
  bool Opens() { return world_.Opens(world_.us, world_.account, wrapped_); }
  size_t Leaves(std::string_view type) { return world_.us.log().Count(std::string(type)); }
  void ExpectDone() {
    const SealState state = seal_.state();
    EXPECT_FALSE(state.resealing);
    EXPECT_EQ(state.generation, 2u);
    EXPECT_FALSE(OpensUnder(world_.us, id(), first_));
    EXPECT_TRUE(Opens());
    EXPECT_EQ(Leaves(kLeafRootRotated), 1u);
  }
  void Restart() {
    world_.us.Start();
    seal_.Settle();
    seal_.Open();
  }
  std::string Partition() const { return "custody/" + id().ToString(); }
  // Puts a value of the stored account in the place of the one there, which is returned.
  std::string Exchange(const std::string& key, const std::string& value) {
    const std::string before = *world_.us.records().Get(Partition(), {key})->Find(key);
    EXPECT_THAT(world_.us.records().Commit(Partition(), RandomId<RequestId>(), {},
                                           {Mutation::Put(key, value)}),
                IsOk());
    return before;
  }

  CustodyWorld world_{TestDeployment::kStart};
  const SecretBytes first_;
  const std::string wrapped_;
  RotatableSeal seal_;
};

INSTANTIATE_TEST_SUITE_P(Seals, RootRotationTest,
                         testing::Values(Kind::kKeyfile, Kind::kShamir, Kind::kToken),
                         [](const auto& kind) {
                           return kind.param == Kind::kKeyfile  ? "Keyfile"
                                  : kind.param == Kind::kShamir ? "Shamir"
                                                                : "Token";
                         });

TEST_P(RootRotationTest, EverythingRestsUnderTheNewRootAtTheEnd) {
  ASSERT_TRUE(OpensUnder(world_.us, id(), first_));
  EXPECT_EQ(seal_.state().generation, 1u);
  ASSERT_THAT(seal_.Rotate(), IsOk());
  EXPECT_TRUE(seal_.state().resealing);
  EXPECT_EQ(Leaves(kLeafRotationBegun), 1u);
  EXPECT_TRUE(OpensUnder(world_.us, id(), first_)) << "nothing is done at once";
  EXPECT_TRUE(Opens()) << "both roots open meanwhile";
  seal_.Finish();
  ExpectDone();
  Restart();
  ExpectDone();
}

TEST_P(RootRotationTest, TheNewRootVouchesForTheChainsAlsoOfAccountsWithoutKeys) {
  Account closed = world_.us.LoadAccount(id());
  const Account before = closed;
  closed.keys.clear();
  closed.metadata_keys.clear();
  ASSERT_THAT(world_.us.store().Commit(before, closed, {}), IsOk());
  ASSERT_THAT(seal_.Rotate(), IsOk());
  seal_.Finish();
  EXPECT_FALSE(seal_.state().resealing);
  const Account stored = world_.us.LoadAccount(id());
  EXPECT_NE(stored.chain_vouch, before.chain_vouch);
  EXPECT_EQ(stored.chain_vouch, seal_.vault().Open().value()->Vouch(id(), EncodeChain(stored)));
}

// Lets something happen when a leaf is about to be written.
class LogWithAMoment final : public LeafLog {
 public:
  LogWithAMoment(LeafLog* log, std::function<void()> moment)
      : log_(log), moment_(std::move(moment)) {}
  absl::StatusOr<std::vector<LogReceipt>> Append(const std::vector<std::string>& leaves) override {
    moment_();
    return log_->Append(leaves);
  }

 private:
  LeafLog* const log_;
  const std::function<void()> moment_;
};

TEST_P(RootRotationTest, WhatIsSealedAndNotYetStoredKeepsTheRootBefore) {
  const Site site = world_.us.site();
  KeyCache cache(8);
  Agenda agenda;
  LogWithAMoment log(&world_.us.log(), [this] {
    ASSERT_THAT(seal_.Rotate(), IsOk());
    seal_.Finish();
    EXPECT_TRUE(seal_.state().resealing) << "an account is on its way under the root before";
  });
  Ledger ledger(&site, &world_.us.store(), &log, &seal_.vault(), &cache, &agenda);
  Custodian custodian(&site, &ledger, &seal_.vault());
  TestAccount other = world_.deployment().NewAccount();
  ASSERT_THAT(custodian.Create(CustodyNode::Device(other.device()), other.entries(),
                               other.SignRecord(world_.topology(), "US", world_.now())),
              IsOk());
  seal_.Finish();
  ExpectDone();
  EXPECT_FALSE(OpensUnder(world_.us, other.id(), first_));
  EXPECT_TRUE(world_.Opens(world_.us, other, world_.Generate(world_.us, other)));
}

TEST_P(RootRotationTest, WhatIsMadeMeanwhileRestsUnderTheNewRoot) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  TestAccount other = world_.deployment().NewAccount();
  world_.CreateAccountAt(world_.us, other);
  EXPECT_FALSE(OpensUnder(world_.us, other.id(), first_));
  const std::string wrapped = world_.Generate(world_.us, other);
  seal_.Finish();
  ExpectDone();
  EXPECT_TRUE(world_.Opens(world_.us, other, wrapped));
}

TEST_P(RootRotationTest, OpenedKeysStayOpened) {
  ASSERT_TRUE(Opens());
  const uint64_t loads = world_.us.custody().cache().loads();
  ASSERT_THAT(seal_.Rotate(), IsOk());
  seal_.Finish();
  EXPECT_TRUE(Opens());
  EXPECT_EQ(world_.us.custody().cache().loads(), loads);
}

TEST_P(RootRotationTest, SealedInBetweenItGoesOnAfterTheOpening) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  ASSERT_THAT(seal_.vault().Close(RotatableSeal::Person("ops-fox")), IsOk());
  world_.us.Tick();
  EXPECT_TRUE(OpensUnder(world_.us, id(), first_)) << "a sealed custody reseals nothing";
  EXPECT_FALSE(Opens());
  seal_.Open();
  EXPECT_TRUE(seal_.state().resealing);
  EXPECT_TRUE(Opens());
  seal_.Finish();
  ExpectDone();
}

TEST_P(RootRotationTest, RestartedInBetweenItGoesOn) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  Restart();
  EXPECT_TRUE(seal_.state().resealing);
  EXPECT_TRUE(Opens());
  seal_.Finish();
  ExpectDone();
}

TEST_P(RootRotationTest, WaitsForThoseWhoMaySealUnderTheRootBefore) {
  absl::StatusOr<Vault::Keys> before = seal_.vault().Open();
  ASSERT_THAT(before, IsOk());
  ASSERT_THAT(seal_.Rotate(), IsOk());
  // Also when they outlast a sealing.
  ASSERT_THAT(seal_.vault().Close(RotatableSeal::Person("ops-fox")), IsOk());
  seal_.Open();
  seal_.Finish();
  EXPECT_TRUE(seal_.state().resealing);
  EXPECT_TRUE(OpensUnder(world_.us, id(), first_));
  before = absl::CancelledError();
  seal_.Finish();
  ExpectDone();
}

TEST_P(RootRotationTest, NoneBeginsWhileOneIsUnderWay) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  EXPECT_THAT(seal_.Begin(), RefusedWith(Reason::kStateNotReady));
  seal_.Finish();
  ASSERT_THAT(seal_.Rotate(), IsOk());
  seal_.Finish();
  EXPECT_EQ(seal_.state().generation, 3u);
  EXPECT_TRUE(Opens());
}

TEST_P(RootRotationTest, MarkOfAnotherRotationSaysNothing) {
  const AccountId last = *AccountId::FromBytes(std::string(AccountId::kSize, '\xff'));
  ASSERT_THAT(world_.us.store().KeepMark({7, last, 1'000, 0}), IsOk());
  ASSERT_THAT(seal_.Rotate(), IsOk());
  seal_.Finish();
  ExpectDone();
}

TEST_P(RootRotationTest, GoesOnWhereTheMarkIs) {
  ASSERT_THAT(world_.us.store().KeepMark({2, AccountId(), 41, 0}), IsOk());
  ASSERT_THAT(seal_.Rotate(), IsOk());
  seal_.Finish();
  ExpectDone();
  ASSERT_OK_AND_ASSIGN(const ResealMark mark, world_.us.store().LoadMark());
  EXPECT_EQ(mark.accounts, 42u);
  EXPECT_EQ(mark.after, id());
}

TEST_P(RootRotationTest, AnAccountThatCannotBeReadKeepsTheRootBefore) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  const std::string history = Exchange("account/history", "spoilt");
  seal_.Finish();
  EXPECT_TRUE(seal_.state().resealing);
  Exchange("account/history", history);
  world_.clock.Advance(kHourMs);
  seal_.Finish();
  ExpectDone();
}

TEST_P(RootRotationTest, AKeyThatOpensUnderNoRootKeepsNothing) {
  ASSERT_THAT(seal_.Rotate(), IsOk());
  TestAccount other = world_.deployment().NewAccount();
  world_.CreateAccountAt(world_.us, other);
  const std::string key = Exchange("account/key/00000001/00000001", std::string(60, 'x'));
  seal_.Finish();
  EXPECT_FALSE(seal_.state().resealing);
  EXPECT_FALSE(OpensUnder(world_.us, id(), first_));
  EXPECT_TRUE(world_.us.LoadAccount(id()).keys.front().sealed == std::string(60, 'x'));
}

TEST_P(RootRotationTest, ReviewsRecordKeyOpensAsBefore) {
  const auto open = [&](std::string_view wrapped) {
    return OpenRecordKey(world_.us.Review(), world_.us.site(), **seal_.vault().Open(), wrapped);
  };
  ASSERT_OK_AND_ASSIGN(const RecordKey made, open(""));
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(seal_.Rotate(), IsOk());
    seal_.Finish();
    Restart();
    ASSERT_OK_AND_ASSIGN(const RecordKey opened, open(made.wrapped));
    EXPECT_TRUE(opened.plaintext.ConstantTimeEquals(made.plaintext));
  }
}

TEST_P(RootRotationTest, NoLeafNoRotation) {
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  EXPECT_THAT(seal_.Rotate(), RefusedWith(Reason::kLogUnavailable));
  EXPECT_EQ(seal_.state().generation, 1u);
  Restart();
  EXPECT_EQ(seal_.state().generation, 1u);
  EXPECT_TRUE(Opens());
}

// Who decides, and who holds what, when the root key is split.
class ReshareTest : public testing::Test {
 protected:
  ReshareTest() : wrapped_(world_.Generate(world_.us, world_.account)) {}
  Vault& vault() { return seal_.vault(); }
  static Authorization Person(std::string_view name) { return RotatableSeal::Person(name); }
  bool Opens() { return world_.Opens(world_.us, world_.account, wrapped_); }
  // A copy of what a person holds.
  SecretBytes Held(const std::string& person) { return seal_.held().at(person).Clone(); }

  CustodyWorld world_{TestDeployment::kStart};
  const std::string wrapped_;
  RotatableSeal seal_{&world_,
                      &world_.us,
                      RotatableSeal::Kind::kShamir,
                      SecretBytes::CopyOf(std::string(kRootKeySize, 'u')),
                      {"ops-grant", "ops-hill", "ops-ives", "ops-jones"},
                      3};
};

TEST_F(ReshareTest, AnotherCommitteeOpensAndThoseBeforeDoNot) {
  EXPECT_TRUE(seal_.state().committee_differs);
  const SecretBytes evans = Held("ops-evans");
  const SecretBytes grant = Held("ops-grant");
  ASSERT_THAT(seal_.Rotate(), IsOk());
  EXPECT_FALSE(seal_.state().committee_differs);
  EXPECT_EQ(seal_.state().description, "shamir 3 of 4");
  EXPECT_THAT(vault().Enter(Person("ops-evans"), evans), RefusedWith(Reason::kShareInvalid));
  world_.us.Start();
  EXPECT_THAT(vault().Enter(Person("ops-evans"), evans), RefusedWith(Reason::kShareInvalid));
  EXPECT_THAT(vault().Enter(Person("ops-grant"), grant), RefusedWith(Reason::kShareInvalid));
  EXPECT_EQ(seal_.state().entered(), 0u);
  for (const char* person : {"ops-grant", "ops-ives"}) {
    ASSERT_THAT(vault().Enter(Person(person), Held(person)), IsOk());
    EXPECT_TRUE(seal_.state().sealed);
  }
  ASSERT_THAT(vault().Enter(Person("ops-jones"), Held("ops-jones")), IsOk());
  EXPECT_TRUE(Opens());
}

TEST_F(ReshareTest, ItTakesAsManyHoldersAsOpenTheSeal) {
  ASSERT_OK_AND_ASSIGN(const SealState one, vault().Rotate(Person("ops-fox"), Held("ops-fox")));
  EXPECT_EQ(one.to_rotate, 1u);
  EXPECT_TRUE(one.dealt.empty());
  EXPECT_THAT(vault().Rotate(Person("ops-fox"), Held("ops-fox")), IsOk());
  EXPECT_TRUE(seal_.state().dealt.empty()) << "a person counts once";
  EXPECT_THAT(vault().Rotate(Person("ops-hill"), Held("ops-fox")),
              RefusedWith(Reason::kShareInvalid))
      << "the next committee has no say";
  EXPECT_THAT(vault().Rotate(Person("ops-grant"), Held("ops-evans")),
              RefusedWith(Reason::kShareInvalid));
  ASSERT_OK_AND_ASSIGN(const SealState two, vault().Rotate(Person("ops-evans"), Held("ops-evans")));
  EXPECT_EQ(two.dealt.size(), 4u);
}

TEST_F(ReshareTest, SharesEnteredToOpenAreNoneToRotate) {
  ASSERT_THAT(vault().Enter(Person("ops-evans"), Held("ops-evans")), IsOk());
  ASSERT_THAT(vault().Rotate(Person("ops-fox"), Held("ops-fox")), IsOk());
  EXPECT_TRUE(seal_.state().dealt.empty());
}

TEST_F(ReshareTest, WrongSharesToRotateAreLimitedAsThoseToOpen) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(vault().Rotate(Person("ops-fox"), RandomSecret(50)),
                RefusedWith(Reason::kShareInvalid));
  }
  EXPECT_THAT(vault().Rotate(Person("ops-fox"), Held("ops-fox")),
              RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(vault().Enter(Person("ops-fox"), Held("ops-fox")), RefusedWith(Reason::kRateLimited));
}

TEST_F(ReshareTest, SharesBeforeAreInForceUntilAllHaveTheirs) {
  ASSERT_THAT(seal_.Begin(), IsOk());
  for (const char* person : {"ops-grant", "ops-hill", "ops-ives"}) {
    ASSERT_THAT(seal_.Take(person), IsOk());
  }
  EXPECT_EQ(seal_.state().generation, 1u);
  world_.us.Start();
  EXPECT_TRUE(seal_.state().sealed);
  seal_.Open();
  EXPECT_TRUE(Opens());
  EXPECT_THAT(vault().TakeShare(Person("ops-jones")), RefusedWith(Reason::kStateNotReady));
  ASSERT_THAT(seal_.Rotate(), IsOk());
  EXPECT_EQ(seal_.state().generation, 2u);
}

TEST_F(ReshareTest, EachTakesHisOwnShareUntilHeHasShownIt) {
  ASSERT_THAT(seal_.Begin(), IsOk());
  ASSERT_OK_AND_ASSIGN(const SecretBytes share, vault().TakeShare(Person("ops-hill")));
  ASSERT_OK_AND_ASSIGN(const SecretBytes again, vault().TakeShare(Person("ops-hill")));
  EXPECT_TRUE(share.ConstantTimeEquals(again));
  EXPECT_THAT(vault().TakeShare(Person("ops-evans")), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(vault().Enter(Person("ops-ives"), share), RefusedWith(Reason::kShareInvalid));
  EXPECT_FALSE(seal_.state().dealt[1].entered);
  ASSERT_OK_AND_ASSIGN(const SealState state, vault().Enter(Person("ops-hill"), share));
  EXPECT_TRUE(state.dealt[1].entered);
  EXPECT_THAT(vault().TakeShare(Person("ops-hill")), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ReshareTest, SealingCallsItOff) {
  ASSERT_THAT(seal_.Begin(), IsOk());
  ASSERT_THAT(seal_.Take("ops-hill"), IsOk());
  ASSERT_THAT(vault().Close(Person("ops-evans")), IsOk());
  EXPECT_TRUE(seal_.state().dealt.empty());
  EXPECT_THAT(vault().TakeShare(Person("ops-ives")), RefusedWith(Reason::kSealed));
  EXPECT_THAT(seal_.Begin(), RefusedWith(Reason::kSealed));
  seal_.Open();
  EXPECT_TRUE(Opens());
  EXPECT_THAT(vault().TakeShare(Person("ops-ives")), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ReshareTest, WhatIsNotTakenInADayIsForgotten) {
  ASSERT_THAT(seal_.Begin(), IsOk());
  world_.clock.Advance(kDealingMs - 1);
  world_.us.Tick();
  ASSERT_THAT(seal_.Take("ops-hill"), IsOk());
  world_.clock.Advance(1);
  world_.us.Tick();
  EXPECT_THAT(vault().TakeShare(Person("ops-ives")), RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(seal_.state().generation, 1u);
  ASSERT_THAT(seal_.Rotate(), IsOk());
}

TEST_F(ReshareTest, ANewDealingTakesThePlaceOfTheOneBefore) {
  ASSERT_THAT(seal_.Begin(), IsOk());
  ASSERT_OK_AND_ASSIGN(const SecretBytes first, vault().TakeShare(Person("ops-hill")));
  ASSERT_THAT(seal_.Begin(), IsOk());
  EXPECT_THAT(vault().Enter(Person("ops-hill"), first), RefusedWith(Reason::kShareInvalid));
  ASSERT_THAT(seal_.TakeAll(), IsOk());
  EXPECT_EQ(seal_.state().generation, 2u);
}

TEST_F(ReshareTest, OnlyOperatorPersonsHaveASay) {
  const Authorization device = CustodyNode::Device(world_.account.device());
  EXPECT_THAT(vault().Rotate(device, Held("ops-fox")), RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(vault().TakeShare(device), RefusedWith(Reason::kCallerNotAllowed));
}

}  // namespace
}  // namespace comity::custody
