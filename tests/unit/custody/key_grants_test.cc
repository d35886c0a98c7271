#include "services/custody/key_grants.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/account.h"
#include "services/common/status/retry_after.h"
#include "services/custody/leaves.h"
#include "services/custody/wrapped_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr Reason kOpens = Reason::kUnspecified;

// Two accounts at "us", and a key that the first one has wrapped.
class KeyGrantsTest : public testing::Test {
 protected:
  KeyGrantsTest()
      : grantee_(world_.deployment().NewAccount()),
        wrapped_(world_.Generate(world_.us, world_.account)) {
    Create(grantee_);
  }

  void Create(TestAccount& account) {
    ASSERT_THAT(world_.us.custody()
                    .custodian()
                    .Create(CustodyNode::Device(account.device()), account.entries(),
                            account.SignRecord(world_.topology(), "US", world_.now()))
                    .status(),
                IsOk());
  }
  Authorization Owner(size_t device = 0) {
    return CustodyNode::Device(world_.account.device(device));
  }
  Authorization Grantee(size_t device = 0) { return CustodyNode::Device(grantee_.device(device)); }
  KeyGrants& grants() { return world_.us.custody().key_grants(); }
  absl::StatusOr<Statement> Hand(const Statement& statement, size_t device = 0) {
    return grants().Change(Owner(device), world_.account.id(), statement);
  }
  absl::StatusOr<Statement> Give(const KeyGrant& grant, int64_t lifetime = 30 * kDayMs,
                                 size_t device = 0) {
    return Hand(SignGrant(world_.account, grant, world_.now(), world_.now() + lifetime, device),
                device);
  }
  absl::StatusOr<Statement> Give() { return Give(ExampleGrant(grantee_.id())); }
  absl::StatusOr<Statement> Revoke(const GrantId& grant, size_t device = 0) {
    return Hand(SignGrantRevocation(world_.account, grant, world_.now(), device), device);
  }
  Reason WhyNotOpened(const Authorization& who, const NamedGrant& grant,
                      const KeyContext& context = CustodyWorld::Context()) {
    return ReasonOf(
        world_.us.custody()
            .data_keys()
            .Unwrap(who, world_.account.id(), UseReason::kGrant, {{context, wrapped_}}, grant)
            .status());
  }
  Reason WhyNotOpened() { return WhyNotOpened(Grantee(), id_); }
  GrantState State() {
    const auto views = grants().List(Owner(), world_.account.id());
    EXPECT_THAT(views, IsOkAndHolds(SizeIs(1)));
    return views->front().state;
  }
  Account Stored() { return world_.us.LoadAccount(world_.account.id()); }

  CustodyWorld world_;
  TestAccount grantee_;
  const std::string wrapped_;
  const GrantId id_ = ExampleGrant({}).grant;
};

TEST_F(KeyGrantsTest, GranteeOpensWhatItWasGrantedAndNothingElse) {
  EXPECT_EQ(WhyNotOpened(), Reason::kAccountNotYours) << "not given yet";
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Give());
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<KeyGrantReceipt>(receipt));
  EXPECT_EQ(parsed.body.act, KeyGrantAct::kGiven);
  EXPECT_EQ(parsed.body.grant, id_);
  EXPECT_EQ(parsed.body.statement, Stored().grants.at(id_).statement.digest());
  EXPECT_EQ(parsed.envelope.subject, world_.account.id().bytes());
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafGrant)), 1u);
  EXPECT_EQ(WhyNotOpened(), kOpens);
  EXPECT_EQ(State(), GrantState::kInForce);
  // The same key as its owner's.
  const auto opened =
      world_.us.custody().data_keys().Unwrap(Grantee(), world_.account.id(), UseReason::kGrant,
                                             {{CustodyWorld::Context(), wrapped_}}, id_);
  const auto own = world_.us.custody().data_keys().Unwrap(
      Owner(), world_.account.id(), UseReason::kAccess, {{CustodyWorld::Context(), wrapped_}});
  ASSERT_THAT(opened.status(), IsOk());
  ASSERT_THAT(own.status(), IsOk());
  EXPECT_TRUE(opened->front().ConstantTimeEquals(own->front()));
}

TEST_F(KeyGrantsTest, GrantIsNamedOrIsNotThere) {
  ASSERT_THAT(Give(), IsOk());
  EXPECT_EQ(WhyNotOpened(Grantee(), std::nullopt), Reason::kAccountNotYours);
  EXPECT_EQ(WhyNotOpened(Grantee(), ExampleGrant({}, 'x').grant), Reason::kAccountNotYours);
}

TEST_F(KeyGrantsTest, StrangersAreToldTheSameWhetherThereIsSuchAGrantOrNot) {
  TestAccount stranger = world_.deployment().NewAccount();
  Create(stranger);
  const auto ask = [&](const GrantId& grant) {
    return world_.us.custody()
        .data_keys()
        .Unwrap(CustodyNode::Device(stranger.device()), world_.account.id(), UseReason::kGrant,
                {{CustodyWorld::Context(), wrapped_}}, grant)
        .status();
  };
  const absl::Status without = ask(id_);
  ASSERT_THAT(Give(), IsOk());
  EXPECT_EQ(ask(id_), without);
  ASSERT_THAT(Revoke(id_), IsOk());
  EXPECT_EQ(ask(id_), without);
  EXPECT_THAT(without, RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(world_.us.custody().key_grants().List(CustodyNode::Device(stranger.device()),
                                                    world_.account.id()),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(grants().List(Grantee(), world_.account.id()), RefusedWith(Reason::kAccountNotYours))
      << "nor does the grantee see who else may";
  EXPECT_EQ(WhyNotOpened(UnsafeAuthorizationForTest::OperatorPerson(
                             "us", "apple", "ops-evans", grantee_.device().key.public_key()),
                         id_),
            Reason::kAccountNotYours)
      << "a person is no device";
}

TEST_F(KeyGrantsTest, OwnersDeviceThatNamesAGrantIsNobodysGrantee) {
  ASSERT_THAT(Give(), IsOk());
  EXPECT_EQ(WhyNotOpened(Owner(), id_), Reason::kAccountNotYours);
}

TEST_F(KeyGrantsTest, WhatTheGrantDoesNotCoverIsRefused) {
  KeyGrant grant = ExampleGrant(grantee_.id());
  grant.objects = {CustodyWorld::Context().object()};
  ASSERT_THAT(Give(grant), IsOk());
  DataKeys& keys = world_.us.custody().data_keys();
  const AccountId& owner = world_.account.id();
  EXPECT_EQ(WhyNotOpened(), kOpens);
  const KeyContext attributes =
      *KeyContext::Create(CustodyWorld::Context().object(), CustodyWorld::Context().content(),
                          KeyPurpose::kAttributes, {});
  EXPECT_EQ(WhyNotOpened(Grantee(), id_, attributes), Reason::kGrantExceeded) << "purpose";
  EXPECT_EQ(WhyNotOpened(Grantee(), id_, CustodyWorld::Context("another")), Reason::kGrantExceeded)
      << "object";
  std::vector<PlainKey> plain;
  plain.push_back({CustodyWorld::Context(), RandomSecret(kDataKeySize)});
  EXPECT_THAT(keys.Generate(Grantee(), owner, UseReason::kGrant, {CustodyWorld::Context()}, id_),
              RefusedWith(Reason::kGrantExceeded));
  EXPECT_THAT(keys.Wrap(Grantee(), owner, UseReason::kGrant, plain, id_),
              RefusedWith(Reason::kGrantExceeded));
  EXPECT_THAT(
      keys.Rewrap(Grantee(), owner, UseReason::kGrant, {{CustodyWorld::Context(), wrapped_}}, id_),
      RefusedWith(Reason::kGrantExceeded));
  EXPECT_THAT(
      keys.Unwrap(
          Grantee(), owner, UseReason::kGrant,
          {{CustodyWorld::Context(), wrapped_}, {CustodyWorld::Context("another"), wrapped_}}, id_),
      RefusedWith(Reason::kGrantExceeded))
      << "all of it, or nothing";
}

TEST_F(KeyGrantsTest, PurposesAreSeparateKeys) {
  // Even who is granted one purpose cannot have a key of another one opened as if it were of his.
  KeyGrant grant = ExampleGrant(grantee_.id());
  grant.purposes = {KeyPurpose::kAttributes};
  ASSERT_THAT(Give(grant), IsOk());
  const KeyContext claimed =
      *KeyContext::Create(CustodyWorld::Context().object(), CustodyWorld::Context().content(),
                          KeyPurpose::kAttributes, {});
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantExceeded);
  EXPECT_EQ(WhyNotOpened(Grantee(), id_, claimed), Reason::kDataCorrupt);
}

TEST_F(KeyGrantsTest, ContextHasToHaveThePairsOfTheGrant) {
  KeyGrant grant = ExampleGrant(grantee_.id());
  grant.operations = {KeyOperation::kGenerate};
  grant.pairs = {{"project", "apollo"}};
  ASSERT_THAT(Give(grant), IsOk());
  const auto ask = [&](std::map<std::string, std::string> pairs) {
    return world_.us.custody()
        .data_keys()
        .Generate(Grantee(), world_.account.id(), UseReason::kGrant,
                  {*KeyContext::Create(CustodyWorld::Context().object(),
                                       CustodyWorld::Context().content(), KeyPurpose::kContent,
                                       std::move(pairs))},
                  id_)
        .status();
  };
  EXPECT_THAT(ask({{"project", "apollo"}}), IsOk());
  EXPECT_THAT(ask({{"project", "apollo"}, {"more", "of it"}}), IsOk());
  EXPECT_THAT(ask({}), RefusedWith(Reason::kGrantExceeded));
  EXPECT_THAT(ask({{"project", "apollo "}}), RefusedWith(Reason::kGrantExceeded));
  EXPECT_THAT(ask({{"more", "apollo"}}), RefusedWith(Reason::kGrantExceeded));
}

TEST_F(KeyGrantsTest, EveryOperationWorksForWhoIsGrantedIt) {
  KeyGrant grant = ExampleGrant(grantee_.id());
  grant.operations = {KeyOperation::kGenerate, KeyOperation::kWrap, KeyOperation::kRewrap};
  ASSERT_THAT(Give(grant), IsOk());
  DataKeys& keys = world_.us.custody().data_keys();
  const AccountId& owner = world_.account.id();
  ASSERT_OK_AND_ASSIGN(const auto generated, keys.Generate(Grantee(), owner, UseReason::kGrant,
                                                           {CustodyWorld::Context()}, id_));
  std::vector<PlainKey> plain;
  plain.push_back({CustodyWorld::Context(), RandomSecret(kDataKeySize)});
  ASSERT_OK_AND_ASSIGN(const auto wraps,
                       keys.Wrap(Grantee(), owner, UseReason::kGrant, plain, id_));
  ASSERT_OK_AND_ASSIGN(const auto rewrapped,
                       keys.Rewrap(Grantee(), owner, UseReason::kGrant,
                                   {{CustodyWorld::Context(), generated.front().wrapped}}, id_));
  EXPECT_THAT(rewrapped.front(), IsOk());
  for (const std::string& wrapped : {generated.front().wrapped, wraps.front()}) {
    EXPECT_THAT(
        keys.Unwrap(Owner(), owner, UseReason::kAccess, {{CustodyWorld::Context(), wrapped}}),
        IsOk())
        << "it is the owner's";
    EXPECT_EQ(ParseWrappedKey(wrapped)->account, owner);
  }
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantExceeded);
}

TEST_F(KeyGrantsTest, GrantHoldsFromItsBeginToItsEnd) {
  KeyGrant grant = ExampleGrant(grantee_.id());
  grant.not_before = world_.now() + kDayMs;
  ASSERT_THAT(Give(grant, 3 * kDayMs), IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantNotInForce);
  EXPECT_EQ(State(), GrantState::kNotBegun);
  world_.clock.Advance(kDayMs);
  EXPECT_EQ(WhyNotOpened(), kOpens);
  world_.clock.Advance(2 * kDayMs - 1);
  EXPECT_EQ(WhyNotOpened(), kOpens);
  world_.clock.Advance(1);
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantNotInForce);
  EXPECT_EQ(State(), GrantState::kExpired);
}

TEST_F(KeyGrantsTest, RevokedGrantOpensNothingAndIsNotGivenAgain) {
  const Statement statement = SignGrant(world_.account, ExampleGrant(grantee_.id()), world_.now(),
                                        world_.now() + kDayMs * 30);
  ASSERT_THAT(Hand(statement), IsOk());
  world_.clock.Advance(kMinuteMs);
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Revoke(id_));
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<KeyGrantReceipt>(receipt));
  EXPECT_EQ(parsed.body.act, KeyGrantAct::kRevoked);
  EXPECT_EQ(parsed.body.grant, id_);
  EXPECT_EQ(parsed.envelope.time, world_.now());
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantNotInForce);
  EXPECT_EQ(State(), GrantState::kRevoked);
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafGrantRevocation)), 1u);
  // For as long as the statement could be new, and longer, it is known.
  for (int hour = 0; hour < 30; hour += 5) {
    EXPECT_THAT(Hand(statement).status(), testing::AnyOf(RefusedWith(Reason::kGrantNotInForce),
                                                         RefusedWith(Reason::kFieldInvalid)));
    ASSERT_THAT(Give(ExampleGrant(grantee_.id(), static_cast<char>('a' + hour))), IsOk())
        << "which forgets what may be forgotten";
    world_.clock.Advance(5 * kHourMs);
  }
  EXPECT_FALSE(Stored().grants.contains(id_)) << "in the end it is";
  EXPECT_THAT(Hand(statement), RefusedWith(Reason::kFieldInvalid));
  EXPECT_EQ(WhyNotOpened(), Reason::kAccountNotYours);
}

TEST_F(KeyGrantsTest, RepeatsGetTheSameReceipts) {
  const Statement statement = SignGrant(world_.account, ExampleGrant(grantee_.id()), world_.now(),
                                        world_.now() + kDayMs * 30);
  ASSERT_OK_AND_ASSIGN(const Statement given, Hand(statement));
  world_.us.Start();
  EXPECT_THAT(Hand(statement), IsOkAndHolds(given));
  world_.clock.Advance(kMinuteMs);
  EXPECT_THAT(Give(), RefusedWith(Reason::kRequestIdReused)) << "signed anew, later";
  ASSERT_OK_AND_ASSIGN(const Statement revoked, Revoke(id_));
  world_.us.Start();
  world_.clock.Advance(kHourMs);
  EXPECT_THAT(Revoke(id_), IsOkAndHolds(revoked));
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafGrant)), 1u);
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafGrantRevocation)), 1u);
  EXPECT_THAT(Revoke(ExampleGrant({}, 'x').grant), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(KeyGrantsTest, AnotherDeviceOfTheOwnerEndsIt) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  ASSERT_THAT(Give(), IsOk());
  EXPECT_THAT(Revoke(id_, 1), IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantNotInForce);
}

TEST_F(KeyGrantsTest, OnlyTheDeviceThatSignedBringsIt) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  const Statement statement = SignGrant(world_.account, ExampleGrant(grantee_.id()), world_.now(),
                                        world_.now() + kDayMs, 1);
  EXPECT_THAT(Hand(statement, 0), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(grants().Change(Grantee(), world_.account.id(), statement),
              RefusedWith(Reason::kAccountNotYours));
  // Nor by way of the sequence of numbered statements.
  EXPECT_THAT(world_.DeliverAsDevice(world_.us, {statement}),
              RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(Hand(statement, 1), IsOk());
  Statement forged = SignGrant(world_.account, ExampleGrant(grantee_.id(), 'f'), world_.now(),
                               world_.now() + kDayMs);
  forged.signatures.front().signature[5] ^= 1;
  EXPECT_THAT(Hand(forged), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(Hand(SignGrant(grantee_, ExampleGrant(grantee_.id(), 'f'), world_.now(),
                             world_.now() + kDayMs)),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(KeyGrantsTest, GranteesDevicesComeAndGo) {
  ASSERT_THAT(Give(), IsOk());
  grantee_.AddDevice();
  EXPECT_EQ(WhyNotOpened(Grantee(1), id_), Reason::kAccountNotYours) << "custody knows of none yet";
  ASSERT_THAT(world_.us.custody().messenger().Deliver(Grantee(), grantee_.id(), grantee_.entries()),
              IsOk());
  EXPECT_EQ(WhyNotOpened(Grantee(1), id_), kOpens);
  grantee_.RevokeDevice(1);
  ASSERT_THAT(world_.us.custody().messenger().Deliver(Grantee(), grantee_.id(), grantee_.entries()),
              IsOk());
  EXPECT_EQ(WhyNotOpened(Grantee(1), id_), Reason::kAccountNotYours);
  EXPECT_EQ(WhyNotOpened(), kOpens);
}

TEST_F(KeyGrantsTest, GrantEndsWithTheDeviceThatSignedIt) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  ASSERT_THAT(Give(ExampleGrant(grantee_.id()), kDayMs, 1), IsOk());
  EXPECT_EQ(WhyNotOpened(), kOpens);
  world_.account.RevokeDevice(1);
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantNotInForce);
  EXPECT_EQ(State(), GrantState::kDeviceRevoked);
  ASSERT_THAT(Give(ExampleGrant(grantee_.id(), 'n')), IsOk());
  EXPECT_FALSE(Stored().grants.contains(id_)) << "it takes no room any more";
}

TEST_F(KeyGrantsTest, GranteeOfAnotherCustodyOrOfNoneOpensNothing) {
  TestAccount elsewhere = world_.deployment().NewAccount();
  ASSERT_THAT(Give(ExampleGrant(elsewhere.id())), IsOk()) << "whether there is one is not told";
  EXPECT_EQ(WhyNotOpened(CustodyNode::Device(elsewhere.device()), id_), Reason::kAccountNotYours);
  world_.CreateAccountAt(world_.cn, elsewhere, "CN");
  EXPECT_EQ(WhyNotOpened(CustodyNode::Device(elsewhere.device()), id_), Reason::kAccountNotYours);
}

TEST_F(KeyGrantsTest, GranteeThatMovesAwayLosesIt) {
  // The other way round: the account that moves is the grantee.
  TestAccount owner = world_.deployment().NewAccount();
  Create(owner);
  const Authorization device = CustodyNode::Device(owner.device());
  ASSERT_THAT(grants().Change(device, owner.id(),
                              SignGrant(owner, ExampleGrant(world_.account.id()), world_.now(),
                                        world_.now() + kDayMs)),
              IsOk());
  const std::string wrapped = world_.Generate(world_.us, owner);
  const auto why = [&] {
    return ReasonOf(world_.us.custody()
                        .data_keys()
                        .Unwrap(Owner(), owner.id(), UseReason::kGrant,
                                {{CustodyWorld::Context(), wrapped}}, id_)
                        .status());
  };
  EXPECT_EQ(why(), kOpens);
  world_.MoveAccount();
  EXPECT_EQ(why(), Reason::kAccountNotYours);
}

TEST_F(KeyGrantsTest, GrantsEndWithAMoveAndDoNotComeAlong) {
  ASSERT_THAT(Give(), IsOk());
  world_.MoveAccount();
  EXPECT_THAT(Stored().grants, IsEmpty());
  EXPECT_THAT(world_.cn.LoadAccount(world_.account.id()).grants, IsEmpty());
  EXPECT_EQ(WhyNotOpened(), Reason::kAccountNotYours);
  EXPECT_THAT(
      world_.cn.custody().data_keys().Unwrap(Grantee(), world_.account.id(), UseReason::kGrant,
                                             {{CustodyWorld::Context(), wrapped_}}, id_),
      RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(Give(ExampleGrant(grantee_.id(), 'n')), RefusedWith(Reason::kAccountNotHere));
  EXPECT_THAT(Revoke(id_), RefusedWith(Reason::kAccountNotHere));
  EXPECT_THAT(grants().List(Owner(), world_.account.id()), IsOkAndHolds(IsEmpty()));
  // A statement of the epoch before is good for nothing there.
  EXPECT_THAT(
      world_.cn.custody().key_grants().Change(Owner(), world_.account.id(),
                                              SignGrant(world_.account, ExampleGrant(grantee_.id()),
                                                        world_.now(), world_.now() + kDayMs)),
      RefusedWith(Reason::kFieldInvalid));
}

TEST_F(KeyGrantsTest, MoveThatIsCalledOffLeavesThemAsTheyWere) {
  ASSERT_THAT(Give(), IsOk());
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  world_.network.fate = [] { return CallFate::kLoseRequest; };
  (void)world_.DeliverAsStorage(
      world_.us,
      SignMoveEvidence(world_.deployment(), world_.account.id(), 2, consent.digest(), world_.now())
          .All());
  ASSERT_TRUE(Stored().deciding());
  EXPECT_EQ(WhyNotOpened(), kOpens);
  EXPECT_THAT(Give(ExampleGrant(grantee_.id(), 'n')), RefusedWith(Reason::kAccountFenced));
  EXPECT_THAT(Revoke(id_), IsOk()) << "less is never refused";
  world_.clock.Advance(kDecisionPeriodMs);
  world_.us.Tick();
  ASSERT_FALSE(Stored().deciding());
  EXPECT_THAT(Give(ExampleGrant(grantee_.id(), 'n')), IsOk());
}

TEST_F(KeyGrantsTest, ClosingEndsThemAndCancellingDoesNotBringThemBack) {
  ASSERT_THAT(Give(), IsOk());
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Close{}, world_.now())}),
              IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kAccountNotYours);
  EXPECT_THAT(Give(ExampleGrant(grantee_.id(), 'n')), RefusedWith(Reason::kAccountClosing));
  ASSERT_THAT(world_.DeliverAsDevice(
                  world_.us,
                  {world_.account.Sign(CancelClose{world_.account.last_number()}, world_.now())}),
              IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kAccountNotYours);
  EXPECT_THAT(Give(ExampleGrant(grantee_.id(), 'n')), IsOk());
}

TEST_F(KeyGrantsTest, OwnersWordAboutAVersionHoldsForGranteesToo) {
  ASSERT_THAT(Give(), IsOk());
  ASSERT_THAT(
      world_.us.custody().key_versions().Change(
          Owner(), {world_.account.id(), RandomId<RequestId>(), KeyChangeKind::kDisable, 1, 0}),
      IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kKeyDisabled);
}

TEST_F(KeyGrantsTest, SurvivesARestartAndADroppedCache) {
  ASSERT_THAT(Give(), IsOk());
  world_.us.Start();
  EXPECT_FALSE(world_.us.custody().data_keys().IsCached(world_.account.id(), id_));
  EXPECT_EQ(WhyNotOpened(), kOpens);
  EXPECT_TRUE(world_.us.custody().data_keys().IsCached(world_.account.id(), id_));
  ASSERT_THAT(Revoke(id_), IsOk());
  world_.us.Start();
  EXPECT_EQ(WhyNotOpened(), Reason::kGrantNotInForce);
}

TEST_F(KeyGrantsTest, GrantsThatCannotBeAreRefused) {
  const auto give = [&](const std::function<void(KeyGrant&)>& change, int64_t lifetime = kDayMs,
                        int64_t age = 0) {
    KeyGrant grant = ExampleGrant(grantee_.id());
    change(grant);
    return ReasonOf(Hand(SignGrant(world_.account, grant, world_.now() - age,
                                   lifetime == 0 ? 0 : world_.now() + lifetime))
                        .status());
  };
  const auto nothing = [](KeyGrant&) {};
  const Reason invalid = Reason::kFieldInvalid;
  EXPECT_EQ(give(nothing, 0), invalid) << "without an end";
  EXPECT_EQ(give(nothing, -1), invalid) << "over already";
  EXPECT_EQ(give(nothing, kMaxGrantMs + 1), invalid);
  EXPECT_EQ(give(nothing, kDayMs, kHourMs), invalid) << "signed long ago";
  EXPECT_EQ(give(nothing, kDayMs, -kAllowedClockSkew - 1), invalid) << "signed in the future";
  EXPECT_EQ(give([&](KeyGrant& g) { g.not_before = world_.now() + kDayMs; }), invalid);
  EXPECT_EQ(give([](KeyGrant& g) { g.epoch = 2; }), invalid);
  EXPECT_EQ(give([](KeyGrant& g) { g.grant = {}; }), invalid);
  EXPECT_EQ(give([&](KeyGrant& g) { g.grantee = world_.account.id(); }), invalid);
  EXPECT_EQ(give([](KeyGrant& g) { g.operations = {}; }), invalid);
  EXPECT_EQ(give([](KeyGrant& g) {
              g.operations = {KeyOperation::kUnwrap, KeyOperation::kWrap};
            }),
            invalid);
  EXPECT_EQ(give([](KeyGrant& g) { g.purposes = {}; }), invalid);
  EXPECT_EQ(give([](KeyGrant& g) {
              g.purposes = {KeyPurpose::kContent, KeyPurpose::kContent};
            }),
            invalid);
  EXPECT_EQ(give([](KeyGrant& g) {
              for (int i = 0; i < 65; ++i) g.objects.push_back(RandomId<ObjectId>());
              std::ranges::sort(g.objects);
            }),
            invalid);
  EXPECT_EQ(give([](KeyGrant& g) {
              g.objects = {*ObjectId::FromBytes(std::string(16, 'b')),
                           *ObjectId::FromBytes(std::string(16, 'a'))};
            }),
            invalid);
  EXPECT_EQ(give([](KeyGrant& g) { g.pairs = {{"k", std::string(1'024, 'v')}}; }), invalid);
  EXPECT_EQ(give([](KeyGrant& g) {
              for (char c = 'a'; c < 'a' + 9; ++c) g.pairs[std::string(1, c)] = "";
            }),
            invalid);
  EXPECT_EQ(give([](KeyGrant& g) { g.pairs = {{"comity-x", "v"}}; }), Reason::kContextInvalid);
  Envelope numbered;
  numbered.deployment = world_.topology().deployment();
  numbered.subject = std::string(world_.account.id().bytes());
  numbered.number = 2;
  numbered.time = world_.now();
  numbered.expiry = world_.now() + kDayMs;
  EXPECT_THAT(
      Hand(SignStatement(numbered, ExampleGrant(grantee_.id()), world_.account.device().key)),
      RefusedWith(invalid));
  EXPECT_THAT(Hand(SignStatement(numbered, Close{}, world_.account.device().key)),
              RefusedWith(Reason::kStatementMalformed));
  EXPECT_THAT(Stored().grants, IsEmpty());
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafGrant)), 0u);
  EXPECT_EQ(give(nothing, kMaxGrantMs), kOpens);
}

TEST_F(KeyGrantsTest, NumberOfGrantsIsBounded) {
  const auto grant = [&](size_t number) {
    KeyGrant one = ExampleGrant(grantee_.id());
    std::string id(GrantId::kSize, 'g');
    id[0] = static_cast<char>(number >> 8);
    id[1] = static_cast<char>(number);
    one.grant = *GrantId::FromBytes(id);
    return one;
  };
  size_t next = 0;
  for (size_t i = 0; i < kMaxGrants; ++i) ASSERT_THAT(Give(grant(next++)), IsOk());
  EXPECT_THAT(Give(grant(next)), RefusedWith(Reason::kStateNotReady));
  for (size_t i = 0; i < kMaxGrants; ++i) ASSERT_THAT(Revoke(grant(i).grant), IsOk());
  for (size_t i = 0; i < kMaxGrants; ++i) ASSERT_THAT(Give(grant(next++)), IsOk());
  EXPECT_EQ(Stored().grants.size(), kMaxGrantsKept);
  ASSERT_THAT(Revoke(grant(next - 1).grant), IsOk());
  const absl::Status refused = Give(grant(next)).status();
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  world_.clock.Advance(RetryAfterOf(refused).count());
  EXPECT_THAT(Give(grant(next)), IsOk());
}

TEST_F(KeyGrantsTest, SealedCustodyTakesRevocationsAndOpensNothing) {
  ASSERT_THAT(Give(), IsOk());
  ASSERT_THAT(world_.us.custody().vault().Close(UnsafeAuthorizationForTest::OperatorPerson(
                  "us", "apple", "ops-evans", MakeTestDevice().key.public_key())),
              IsOk());
  EXPECT_EQ(WhyNotOpened(), Reason::kSealed);
  EXPECT_THAT(Revoke(id_), IsOk());
}

}  // namespace
}  // namespace comity::custody
