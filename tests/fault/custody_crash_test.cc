#include <optional>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/custody/leaves.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/custody.h"
#include "tests/testing/exclave_world.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/rotatable_seal.h"

// A custody that is killed at every contact with its store, its log or the other custody, once just
// before and once just after. Whoever carries statements comes again, and everything must end
// right.
namespace comity::custody {
namespace {

using Moment = DeathPoints::Moment;

// Calls `run(n, moment)` for n = 1, 2, … until nothing was struck any more. `run` returns whether
// its death came.
template <typename Run>
void KillEverywhere(uint64_t at_least, const Run& run) {
  for (const Moment moment : {Moment::kBefore, Moment::kAfter}) {
    uint64_t n = 1;
    while (run(n, moment)) {
      ++n;
      ASSERT_LT(n, 200u) << "no end";
      if (testing::Test::HasFailure()) {
        FAIL() << "killed at contact " << n - 1
               << (moment == Moment::kBefore ? " before" : " after");
      }
    }
    EXPECT_GT(n, at_least);
  }
}

// A move with its carriers: everybody says what he has to say, again and again.
class MoveRun {
 public:
  MoveRun() : wrapped_(world.Generate(world.us, world.account)), consent_(world.SignConsent()) {}

  // One second in the life of everybody.
  void Round() {
    (void)world.DeliverAsDevice(world.us, {consent_});
    if (withdrawal_.has_value()) {
      withdrawn_ = withdrawn_ || world.DeliverAsDevice(world.us, {*withdrawal_}).ok();
    }
    std::vector<Statement> evidence =
        SignMoveEvidence(world.deployment(), world.account.id(), 2, consent_.digest(), fence_time_)
            .All();
    absl::StatusOr<std::vector<Statement>> answer = world.DeliverAsStorage(world.us, evidence);
    if (answer.ok()) {
      Learn(*answer);
    }
    if (read_back_.has_value()) {
      (void)world.DeliverAsDevice(world.cn, {*read_back_});
      (void)world.DeliverAsDevice(world.us, {*read_back_});
    }
    world.us.Tick();
    world.cn.Tick();
    for (CustodyNode* node : {&world.us, &world.cn}) {
      if (node->process().dead()) {
        node->Start();
      }
    }
    CheckInvariants();
    world.clock.Advance(kSecondMs);
  }

  void Withdraw() { withdrawal_ = world.account.Sign(Withdrawal{2}, world.now()); }
  void ReadBackThere() {
    read_back_ = world.account.Sign(ReadBack{2, TestDeployment::Region("cn"), Sha256Digest("root")},
                                    world.now());
  }

  void CheckInvariants() {
    const bool at_source = world.Opens(world.us, world.account, wrapped_);
    const bool at_destination = world.Opens(world.cn, world.account, wrapped_);
    EXPECT_FALSE(at_source && at_destination) << "the key is active on both sides";
    const Account source = world.us.LoadAccount(world.account.id());
    if (source.keys.front().sealed.empty()) {
      EXPECT_TRUE(at_destination) << "destroyed before the other side was active";
    }
    if (released_.has_value()) {
      EXPECT_FALSE(at_source) << "released and still used";
    }
    EXPECT_FALSE(released_.has_value() && aborted_.has_value()) << "decided twice";
  }
  // The one key, where it has to be; nothing left over where it must not be.
  void CheckEnd() {
    const Account destination = world.cn.LoadAccount(world.account.id());
    EXPECT_NE(released_.has_value(), aborted_.has_value());
    EXPECT_EQ(world.Opens(world.us, world.account, wrapped_), aborted_.has_value());
    EXPECT_EQ(world.Opens(world.cn, world.account, wrapped_), released_.has_value());
    EXPECT_FALSE(destination.incoming.has_value());
    if (aborted_.has_value()) {
      EXPECT_TRUE(destination.keys.empty());
    }
  }
  bool moved() const { return released_.has_value() && activated_; }
  bool stays() const { return aborted_.has_value(); }
  bool withdrawn() const { return withdrawn_; }
  bool source_destroyed() {
    return world.us.LoadAccount(world.account.id()).keys.front().sealed.empty();
  }

  CustodyWorld world;

 private:
  void Learn(const std::vector<Statement>& answer) {
    for (const auto& [type, known] :
         {std::pair(Release::kType, &released_), std::pair(Abort::kType, &aborted_)}) {
      const Statement* statement = FindType(answer, type, "us");
      if (statement == nullptr) {
        continue;
      }
      if (known->has_value()) {
        EXPECT_EQ(**known, *statement) << "the decision has changed";
      }
      *known = *statement;
    }
    activated_ = activated_ || FindType(answer, Activation::kType, "cn") != nullptr;
  }

  const std::string wrapped_;
  const Statement consent_;
  const UnixMillis fence_time_ = world.now();
  std::optional<Statement> withdrawal_;
  std::optional<Statement> read_back_;
  bool withdrawn_ = false;
  std::optional<Statement> released_;
  std::optional<Statement> aborted_;
  bool activated_ = false;
};

TEST(CustodyCrashTest, MoveSurvivesADeathAtEveryStep) {
  KillEverywhere(15, [](uint64_t n, Moment moment) {
    MoveRun run;
    run.world.deaths.Arm(n, moment);
    for (int i = 0; i < 20 && !run.moved(); ++i) {
      run.Round();
    }
    EXPECT_TRUE(run.moved());
    run.ReadBackThere();
    for (int i = 0; i < 4; ++i) {
      run.Round();
    }
    run.CheckEnd();
    EXPECT_TRUE(run.source_destroyed());
    return run.world.deaths.struck();
  });
}

// The keys arrive and nobody hears of it, so that the withdrawal finds them there.
template <typename Run>
void WithdrawWhereTheKeysArrived(Run& run) {
  int calls = 0;
  run.world.network.fate = [&calls] {
    return ++calls >= 2 ? CallFate::kLoseAnswer : CallFate::kFine;
  };
  run.Round();
  run.Withdraw();
  run.Round();
  run.world.network.fate = nullptr;
  for (int i = 0; i < 5; ++i) run.Round();
}

TEST(CustodyCrashTest, WithdrawnMoveSurvivesADeathAtEveryStep) {
  KillEverywhere(8, [](uint64_t n, Moment moment) {
    MoveRun run;
    run.world.deaths.Arm(n, moment);
    WithdrawWhereTheKeysArrived(run);
    EXPECT_TRUE(run.stays());
    run.CheckEnd();
    return run.world.deaths.struck();
  });
}

TEST(CustodyCrashTest, TimeoutSurvivesADeathAtEveryStep) {
  KillEverywhere(4, [](uint64_t n, Moment moment) {
    MoveRun run;
    int calls = 0;
    run.world.network.fate = [&calls] {
      return ++calls >= 2 ? CallFate::kLoseAnswer : CallFate::kFine;
    };
    run.world.deaths.Arm(n, moment);
    run.Round();
    run.Round();
    run.world.clock.Advance(kDecisionPeriodMs);
    for (int i = 0; i < 3; ++i) {
      run.Round();
    }
    run.world.network.fate = nullptr;
    for (int i = 0; i < 4; ++i) {
      run.Round();
    }
    EXPECT_TRUE(run.stays());
    run.CheckEnd();
    return run.world.deaths.struck();
  });
}

// A grant that is given, used and revoked, by devices that ask again whenever they hear nothing.
class GrantRun {
 public:
  GrantRun() : wrapped_(world.Generate(world.us, world.account)) {
    world.CreateAccountAt(world.us, grantee_, "US");
  }

  // Hands it over until custody has answered. What was answered stays true.
  void Hand(const Statement& statement) {
    const absl::StatusOr<Statement> receipt = Change(statement);
    CheckNothingComesBack();
    if (receipt.ok()) return Keep(statement, *receipt);
    world.us.Start();
    CheckNothingComesBack();
    const absl::StatusOr<Statement> again = Change(statement);
    ASSERT_TRUE(again.ok()) << again.status();
    Keep(statement, *again);
  }
  bool Opens() {
    return world.us.custody()
        .data_keys()
        .Unwrap(CustodyNode::Device(grantee_.device()), world.account.id(), UseReason::kGrant,
                {{CustodyWorld::Context(), wrapped_}}, grant_.grant)
        .ok();
  }
  Statement Given() const {
    return SignGrant(world.account, grant_, world.clock.Now(), world.clock.Now() + kDayMs);
  }
  Statement Revoked() const {
    return SignGrantRevocation(world.account, grant_.grant, world.clock.Now());
  }

  CustodyWorld world;

 private:
  absl::StatusOr<Statement> Change(const Statement& statement) {
    return world.us.custody().key_grants().Change(CustodyNode::Device(world.account.device()),
                                                  world.account.id(), statement);
  }
  void Keep(const Statement& statement, const Statement& receipt) {
    const auto parsed = ParseStatement<KeyGrantReceipt>(receipt);
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(parsed->body.statement, statement.digest());
    revoked_ = parsed->body.act == KeyGrantAct::kRevoked;
    world.us.Start();  // what was answered is on disk
    EXPECT_EQ(Opens(), !revoked_);
    EXPECT_THAT(Change(statement), IsOkAndHolds(receipt)) << "a repeat gets the same one";
    EXPECT_GE(world.us.log().Count(std::string(revoked_ ? kLeafGrantRevocation : kLeafGrant)), 1u);
  }
  void CheckNothingComesBack() {
    if (!revoked_) return;
    EXPECT_FALSE(Opens()) << "opened after its end";
  }

  TestAccount grantee_ = world.deployment().NewAccount();
  const KeyGrant grant_ = ExampleGrant(grantee_.id());
  const std::string wrapped_;
  bool revoked_ = false;
};

TEST(CustodyCrashTest, GrantAndItsEndSurviveADeathAtEveryStep) {
  KillEverywhere(4, [](uint64_t n, Moment moment) {
    GrantRun run;
    const Statement given = run.Given();
    const Statement revoked = run.Revoked();
    run.world.deaths.Arm(n, moment);
    run.Hand(given);
    run.Hand(revoked);
    EXPECT_FALSE(run.Opens());
    return run.world.deaths.struck();
  });
}

// Keys alone, from "us" to "eu", where the data is.
class KeyMoveRun {
 public:
  KeyMoveRun() : wrapped_(world.Generate(world.us)), consent_(world.SignConsent()) {}

  // One second in the life of everybody: the device says what it has to say, the custodies do what
  // is due, storage asks its own.
  void Round() {
    (void)world.DeliverToCustody(world.us, {consent_});
    (void)world.DeliverToStorage({consent_});
    if (withdrawal_.has_value()) (void)world.DeliverToCustody(world.us, {*withdrawal_});
    if (read_back_.has_value()) {
      (void)world.DeliverToCustody(world.eu, {*read_back_});
      (void)world.DeliverToCustody(world.us, {*read_back_});
    }
    world.us.Tick();
    world.eu.Tick();
    (void)world.Attend();
    for (CustodyNode* node : {&world.us, &world.eu}) {
      if (node->process().dead()) node->Start();
    }
    CheckInvariants();
    world.clock.Advance(kSecondMs);
  }
  void Withdraw() {
    withdrawal_ = world.account.Sign(Withdrawal{PeekEnvelope(consent_)->number}, world.now());
  }
  void ReadBackThere() {
    read_back_ = world.account.Sign(ReadBack{2, world.eu.region(), Digest()}, world.now());
  }
  void CheckInvariants() {
    const bool at_source = world.Opens(world.us, wrapped_);
    const bool at_destination = world.Opens(world.eu, wrapped_);
    EXPECT_FALSE(at_source && at_destination) << "the key is active on both sides";
    EXPECT_TRUE(at_destination || !source_destroyed()) << "destroyed before the other is active";
    EXPECT_TRUE(at_destination || world.AtStorage()->info.epoch == 1)
        << "storage follows a key that has not come";
    EXPECT_EQ(world.AtStorage()->info.state, storage::AccountState::kActive);
  }
  bool moved() { return world.Opens(world.eu, wrapped_) && world.AtStorage()->info.epoch == 2; }
  bool source_destroyed() { return world.AtSource().keys.front().sealed.empty(); }
  bool stays() { return world.Opens(world.us, wrapped_) && world.AtDestination().keys.empty(); }

  ExclaveWorld world;

 private:
  const std::string wrapped_;
  const Statement consent_;
  std::optional<Statement> withdrawal_;
  std::optional<Statement> read_back_;
};

TEST(CustodyCrashTest, MoveOfKeysAloneSurvivesADeathAtEveryStep) {
  KillEverywhere(12, [](uint64_t n, Moment moment) {
    KeyMoveRun run;
    run.world.deaths.Arm(n, moment);
    for (int i = 0; i < 20 && !run.moved(); ++i) run.Round();
    EXPECT_TRUE(run.moved());
    run.ReadBackThere();
    for (int i = 0; i < 4; ++i) run.Round();
    EXPECT_TRUE(run.moved());
    EXPECT_TRUE(run.source_destroyed());
    return run.world.deaths.struck();
  });
}

TEST(CustodyCrashTest, WithdrawnMoveOfKeysAloneSurvivesADeathAtEveryStep) {
  KillEverywhere(6, [](uint64_t n, Moment moment) {
    KeyMoveRun run;
    run.world.deaths.Arm(n, moment);
    WithdrawWhereTheKeysArrived(run);
    EXPECT_TRUE(run.stays());
    return run.world.deaths.struck();
  });
}

TEST(CustodyCrashTest, CreationSurvivesADeathAtEveryStep) {
  KillEverywhere(1, [](uint64_t n, Moment moment) {
    CustodyWorld world;
    TestAccount owner = world.deployment().NewAccount();
    const Statement record = owner.SignRecord(world.topology(), "HK", world.now());
    const auto create = [&] {
      return world.us.custody().custodian().Create(CustodyNode::Device(owner.device()),
                                                   owner.entries(), record);
    };
    world.deaths.Arm(n, moment);
    absl::StatusOr<Statement> first = create();
    if (world.deaths.struck()) {
      EXPECT_FALSE(first.ok());
      world.us.Start();
      first = create();
    }
    EXPECT_THAT(first, IsOk());
    EXPECT_EQ(first, create());
    const std::string wrapped = world.Generate(world.us, owner);
    world.us.Start();
    EXPECT_TRUE(world.Opens(world.us, owner, wrapped));
    return world.deaths.struck();
  });
}

TEST(CustodyCrashTest, ClosingSurvivesADeathAtEveryStep) {
  KillEverywhere(3, [](uint64_t n, Moment moment) {
    CustodyWorld world;
    const Statement close = world.account.Sign(Close{}, world.now());
    world.deaths.Arm(n, moment);
    const auto deliver = [&] {
      if (world.us.process().dead()) {
        world.us.Start();
      }
      return world.DeliverAsDevice(world.us, {close});
    };
    for (int i = 0; i < 3 && !deliver().ok(); ++i) {
    }
    for (int i = 0; i < 3; ++i) {
      world.clock.Advance(30 * kDayMs);
      if (world.us.process().dead()) {
        world.us.Start();
      }
      world.us.Tick();
    }
    if (world.us.process().dead()) {
      world.us.Start();
      world.us.Tick();
    }
    const Account account = world.us.LoadAccount(world.account.id());
    EXPECT_EQ(account.presence, Presence::kClosed);
    EXPECT_TRUE(account.keys.front().sealed.empty());
    EXPECT_EQ(account.destructions.size(), 1u);
    return world.deaths.struck();
  });
}

TEST(CustodyCrashTest, LegalUseSurvivesADeathAtEveryStep) {
  KillEverywhere(1, [](uint64_t n, Moment moment) {
    CustodyWorld world;
    TestAccount owner = world.deployment().NewAccount();
    world.CreateAccountAt(world.cn, owner, "CN");
    const std::string wrapped = world.Generate(world.cn, owner);
    const Authorisation authorisation =
        TestAuthorisation(world.deployment(), owner.id(), {CustodyWorld::Context().content()},
                          world.now())
            .Build();
    const auto execute = [&] {
      return world.cn.custody().legal_uses().Execute(world.cn.Review(), authorisation,
                                                     {{CustodyWorld::Context(), wrapped}});
    };
    world.deaths.Arm(n, moment);
    absl::StatusOr<LegalUse> first = execute();
    if (world.deaths.struck()) {
      EXPECT_FALSE(first.ok());
      world.cn.Start();
      first = execute();
    }
    EXPECT_THAT(first, IsOk());
    world.cn.Start();
    const absl::StatusOr<LegalUse> again = execute();
    EXPECT_EQ(first->sealed_answer, again->sealed_answer);
    EXPECT_EQ(first->leaf, again->leaf);
    // Never an answer without its leaf; a death may leave a leaf without an answer.
    EXPECT_GE(world.cn.log().Count(std::string(kLeafLegalUse)), 1u);
    EXPECT_LE(world.cn.log().Count(std::string(kLeafLegalUse)), 2u);
    return world.deaths.struck();
  });
}

// Losses, repetitions, deaths and a withdrawal at random moments; then everything heals. The seed
// is in the trace of a failure.
TEST(CustodyCrashTest, RandomTroubleEndsInMovedOrStays) {
  int moved = 0;
  int stayed = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto chance = [&random](uint32_t percent) { return random() % 100 < percent; };
    MoveRun run;
    const uint32_t trouble = random() % 101;
    run.world.network.fate = [&] {
      if (!chance(trouble)) {
        return CallFate::kFine;
      }
      switch (random() % 3) {
        case 0:
          return CallFate::kLoseRequest;
        case 1:
          return CallFate::kLoseAnswer;
        default:
          return CallFate::kTwice;
      }
    };
    const uint32_t withdraws_at = random() % 4;
    const bool withdraws = chance(30);
    for (uint32_t i = 0; i < 8; ++i) {
      if (chance(40)) {
        run.world.deaths.Arm(1 + random() % 12, chance(50) ? Moment::kBefore : Moment::kAfter);
      }
      if (withdraws && i == withdraws_at) {
        run.Withdraw();
      }
      if (chance(15)) {
        run.world.clock.Advance(random() % (20 * kSecondMs));
      }
      run.Round();
    }
    run.world.network.fate = nullptr;
    run.world.deaths.Arm(0, Moment::kBefore);
    run.world.clock.Advance(chance(50) ? kDecisionPeriodMs : kSecondMs);
    for (int i = 0; i < 6; ++i) {
      run.Round();
    }
    EXPECT_TRUE(run.moved() || run.stays());
    run.CheckEnd();
    moved += run.moved() ? 1 : 0;
    stayed += run.stays() ? 1 : 0;
    if (HasFailure()) {
      break;
    }
  }
  EXPECT_GT(moved, 5);
  EXPECT_GT(stayed, 5);
}

// The rotation of a root key with its people, who come again after each death.
bool RotateWithADeath(RotatableSeal::Kind kind, uint64_t n, Moment moment) {
  CustodyWorld world(TestDeployment::kStart);
  const SecretBytes first = SecretBytes::CopyOf(std::string(kRootKeySize, 'u'));
  TestAccount other = world.deployment().NewAccount();
  world.CreateAccountAt(world.us, other);
  const std::string wrapped = world.Generate(world.us, world.account);
  const std::string others = world.Generate(world.us, other);
  RotatableSeal seal(&world, &world.us, kind, first);
  world.deaths.Arm(n, moment);
  const auto done = [&] { return seal.state().generation >= 2 && !seal.state().resealing; };
  for (int i = 0; i < 12 && !done(); ++i) {
    if (world.us.process().dead()) world.us.Start();
    seal.Settle();
    seal.Open();
    if (seal.state().generation == 1) (void)seal.Rotate();
    if (!world.us.process().dead()) {
      EXPECT_TRUE(world.Opens(world.us, world.account, wrapped));
      world.us.Tick();
    }
    world.clock.Advance(kSecondMs);
  }
  EXPECT_TRUE(done());
  if (world.us.process().dead()) world.us.Start();
  seal.Settle();
  seal.Open();
  for (const AccountId& id : {world.account.id(), other.id()}) {
    EXPECT_FALSE(OpensUnder(world.us, id, first));
  }
  EXPECT_TRUE(world.Opens(world.us, world.account, wrapped));
  EXPECT_TRUE(world.Opens(world.us, other, others));
  EXPECT_FALSE(seal.state().resealing);
  EXPECT_GE(world.us.log().Count(std::string(kLeafRotationBegun)), 1u);
  EXPECT_GE(world.us.log().Count(std::string(kLeafRootRotated)), 1u);
  return world.deaths.struck();
}

TEST(CustodyCrashTest, RotationOfAKeyFileSurvivesADeathAtEveryStep) {
  KillEverywhere(5, [](uint64_t n, Moment moment) {
    return RotateWithADeath(RotatableSeal::Kind::kKeyfile, n, moment);
  });
}

TEST(CustodyCrashTest, RotationOfARootThatATokenWrapsSurvivesADeathAtEveryStep) {
  KillEverywhere(5, [](uint64_t n, Moment moment) {
    return RotateWithADeath(RotatableSeal::Kind::kToken, n, moment);
  });
}

TEST(CustodyCrashTest, RotationOfASplitRootSurvivesADeathAtEveryStep) {
  KillEverywhere(5, [](uint64_t n, Moment moment) {
    return RotateWithADeath(RotatableSeal::Kind::kShamir, n, moment);
  });
}

}  // namespace
}  // namespace comity::custody
