#include "services/custody/ledger.h"

#include <atomic>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/store/v1/store.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/log/merkle.h"
#include "services/common/statement/leaf.h"
#include "services/custody/chain_entries.h"
#include "services/custody/root_key.h"
#include "tests/fakes/fake_seal.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

// The openings that are kept with an account, by number.
std::vector<store::v1::LeafOpening> Openings(CustodyNode& node, const AccountId& account) {
  const ScanPage page =
      node.records().Scan("custody/" + account.ToString(), "leaf/", "leaf0", 1'000).value();
  std::vector<store::v1::LeafOpening> openings;
  for (const auto& [key, value] : page.items) {
    openings.emplace_back();
    EXPECT_TRUE(openings.back().ParseFromString(value));
  }
  return openings;
}

std::string BigEndian(uint64_t number) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>((number >> shift) & 0xff));
  }
  return bytes;
}

TEST(LedgerTest, LeavesOfAnAccountAreChainedAndOpenToTheirSalts) {
  CustodyWorld world;
  ASSERT_THAT(world.DeliverAsDevice(world.us, {world.account.Sign(Close{}, world.now())}), IsOk());
  ASSERT_THAT(world.DeliverAsDevice(world.us, {world.account.Sign(CancelClose{2}, world.now())}),
              IsOk());
  const auto openings = Openings(world.us, world.account.id());
  const std::vector<std::string> logged = world.us.log().leaves();
  ASSERT_EQ(openings.size(), 3u);
  Digest previous;
  for (size_t i = 0; i < openings.size(); ++i) {
    const auto& opening = openings[i];
    EXPECT_EQ(opening.leaf(), logged[opening.log_index()]);
    ASSERT_OK_AND_ASSIGN(const Leaf leaf, DecodeLeaf(opening.leaf()));
    EXPECT_EQ(leaf.region, world.us.region());
    EXPECT_EQ(leaf.day % kDayMs, 0);
    EXPECT_TRUE(leaf.clear.empty());
    EXPECT_EQ(
        leaf.commitments.at("account"),
        Commit(opening.salts().at("account"), leaf.type + "/account", world.account.id().bytes()));
    EXPECT_EQ(leaf.commitments.at("chain"),
              Commit(opening.salts().at("chain"), leaf.type + "/chain",
                     BigEndian(i + 1) + std::string(previous.bytes())));
    previous = merkle::LeafHash(opening.leaf());
  }
  EXPECT_EQ(world.us.LoadAccount(world.account.id()).last_leaf, previous);
}

TEST(LedgerTest, LeafWhoseActDidNotFollowIsNotInTheChain) {
  CustodyWorld world;
  const Statement close = world.account.Sign(Close{}, world.now());
  // The signer has its numbers, so that the commit which fails is the account's.
  ASSERT_THAT(world.us.site().Sign(world.account.id(), KeyClosing{}), IsOk());
  world.us.records().FailNextCommit(FakeRecordStore::Fate::kNotApplied);
  EXPECT_THAT(world.DeliverAsDevice(world.us, {close}), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_THAT(world.DeliverAsDevice(world.us, {close}), IsOk());
  EXPECT_EQ(world.us.log().leaves().size(), 3u);
  const auto openings = Openings(world.us, world.account.id());
  ASSERT_EQ(openings.size(), 2u);
  EXPECT_EQ(openings[1].log_index(), 2u);
}

TEST(LedgerTest, PlanOverAnOldViewIsAConflict) {
  CustodyWorld world;
  FakeLeafLog log;
  KeyCache cache(8);
  Agenda agenda;
  const Site site = world.us.site();
  Ledger ledger(&site, &world.us.store(), &log, &world.us.custody().vault(), &cache, &agenda);
  const Account before = world.us.LoadAccount(world.account.id());
  Plan first(before);
  first.after.territory = "HK";
  ASSERT_THAT(ledger.Perform(before, first), IsOk());
  EXPECT_THAT(ledger.Perform(before, first), RefusedWith(Reason::kConflict));
}

TEST(LedgerTest, UpdateDecidesAnewAfterAConflict) {
  CustodyWorld world;
  FakeLeafLog log;
  KeyCache cache(8);
  Agenda agenda;
  const Site site = world.us.site();
  Ledger ledger(&site, &world.us.store(), &log, &world.us.custody().vault(), &cache, &agenda);
  int decided = 0;
  const auto after = ledger.Update(world.account.id(), [&](Plan& plan) -> absl::Status {
    if (++decided == 1) {
      // Somebody else is faster.
      EXPECT_THAT(
          world.DeliverAsDevice(world.us, {world.account.Sign(TerritoryChange{"HK"}, world.now())}),
          IsOk());
    }
    plan.after.territory += "!";
    plan.changed = true;
    return absl::OkStatus();
  });
  ASSERT_THAT(after, IsOk());
  EXPECT_EQ(decided, 2);
  EXPECT_EQ(after->territory, "HK!");
}

TEST(LedgerTest, UpdateGivesUpAfterManyConflicts) {
  CustodyWorld world;
  FakeLeafLog log;
  KeyCache cache(8);
  Agenda agenda;
  const Site site = world.us.site();
  Ledger ledger(&site, &world.us.store(), &log, &world.us.custody().vault(), &cache, &agenda);
  EXPECT_THAT(ledger.Update(world.account.id(),
                            [&](Plan& plan) -> absl::Status {
                              Account other = world.us.LoadAccount(world.account.id());
                              Account changed = other;
                              changed.leaves += 1;
                              EXPECT_THAT(world.us.store().Commit(other, changed, {}), IsOk());
                              plan.changed = true;
                              return absl::OkStatus();
                            }),
              RefusedWith(Reason::kConflict));
}

TEST(LedgerTest, UnknownOutcomeOfACommitForgetsTheCachedKeys) {
  CustodyWorld world;
  const std::string wrapped = world.Generate(world.us, world.account);
  world.account.AddDevice();
  ASSERT_THAT(world.DeliverAsDevice(world.us, world.account.entries()), IsOk());
  ASSERT_TRUE(world.Opens(world.us, world.account, wrapped));
  world.account.RevokeDevice(1);
  world.us.records().FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(world.DeliverAsDevice(world.us, world.account.entries()),
              RefusedWith(Reason::kStoreUnavailable));
  EXPECT_FALSE(world.us.custody().data_keys().IsCached(world.account.id()));
}

// Devices go on using the key from many threads while it is released. Once the release is out,
// nobody gets anything any more.
TEST(LedgerTest, NoUseSucceedsAfterTheReleaseIsKnown) {
  CustodyWorld world;
  const std::string wrapped = world.Generate(world.us, world.account);
  const Statement consent = world.SignConsent();
  ASSERT_THAT(world.DeliverAsDevice(world.us, {consent}), IsOk());
  const MoveEvidence evidence =
      SignMoveEvidence(world.deployment(), world.account.id(), 2, consent.digest(), world.now());
  std::atomic<bool> released{false};
  std::atomic<bool> stop{false};
  std::atomic<int> late{0};
  std::atomic<int> good{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 4; ++i) {
    users.emplace_back([&] {
      while (!stop.load()) {
        const bool was_released = released.load();
        if (world.Opens(world.us, world.account, wrapped)) {
          good.fetch_add(1);
          late.fetch_add(was_released ? 1 : 0);
        }
      }
    });
  }
  while (good.load() < 100) {
    std::this_thread::yield();
  }
  const auto answer = world.DeliverAsStorage(world.us, evidence.All());
  released.store(true);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(world.Opens(world.us, world.account, wrapped));
  }
  stop.store(true);
  for (std::thread& user : users) {
    user.join();
  }
  ASSERT_THAT(answer, IsOk());
  EXPECT_NE(FindType(*answer, Release::kType), nullptr);
  EXPECT_EQ(late.load(), 0);
}

TEST(LedgerTest, AnAccountThatCannotBeReadIsReportedAndKeepsNoOtherFromBeingCounted) {
  CustodyWorld world;
  ASSERT_EQ(world.us.custody().known_accounts(), 1u);
  const AccountId damaged = RandomId<AccountId>();
  ASSERT_THAT(world.us.records().Commit("custody/" + damaged.ToString(), RandomId<RequestId>(), {},
                                        {Mutation::Put("account/record", "not a record"),
                                         Mutation::Put("account/history", "none")}),
              IsOk());
  std::vector<Reason> reported;
  Site site = world.us.site();
  site.report = [&](std::string_view, const absl::Status& status) {
    reported.push_back(ReasonOf(status));
  };
  KeyCache cache(16);
  Agenda agenda;
  Ledger ledger(&site, &world.us.store(), &world.us.log(), &world.us.custody().vault(), &cache,
                &agenda);
  agenda.BeginCount();
  ASSERT_THAT(ledger.CountSome(), IsOk());
  EXPECT_FALSE(agenda.counting());
  EXPECT_EQ(agenda.known_accounts(), 1u);
  EXPECT_EQ(reported, std::vector<Reason>{Reason::kDataCorrupt});

  // The custody starts and serves the other one; who asks for this one is told.
  world.us.Start();
  EXPECT_EQ(world.us.custody().known_accounts(), 1u);
  EXPECT_THAT(world.us.store().Load(damaged, nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST(LedgerTest, WhileTheStoreFailsNothingIsCountedAndTheCountGoesOnAfterwards) {
  CustodyWorld world;
  Site site = world.us.site();
  KeyCache cache(16);
  Agenda agenda;
  Ledger ledger(&site, &world.us.store(), &world.us.log(), &world.us.custody().vault(), &cache,
                &agenda);
  agenda.BeginCount();
  world.us.records().SetUnavailable(true);
  EXPECT_THAT(ledger.CountSome(), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_TRUE(agenda.counting());
  world.us.records().SetUnavailable(false);
  ASSERT_THAT(ledger.CountSome(), IsOk());
  EXPECT_FALSE(agenda.counting());
  EXPECT_EQ(agenda.known_accounts(), 1u);
}

// The chain with a first signature that nobody has made: whoever verifies it refuses it.
void SpoilChain(CustodyNode& node, const AccountId& id, const std::string& vouch) {
  store::v1::AccountHistory history;
  const std::string partition = "custody/" + id.ToString();
  ASSERT_TRUE(history.ParseFromString(
      *node.records().Get(partition, {"account/history"})->Find("account/history")));
  Statement entry = DecodeStatement(history.chain(0)).value();
  entry.signatures[0].signature[5] ^= 1;
  history.set_chain(0, EncodeStatement(entry));
  ASSERT_THAT(node.records().Commit(partition, RandomId<RequestId>(), {},
                                    {Mutation::Put("account/history", history.SerializeAsString()),
                                     Mutation::Put("account/vouch", vouch)}),
              IsOk());
}

TEST(VouchTest, CommitsVouchForTheChainAndWhatIsVouchedForIsNotVerifiedAgain) {
  CustodyWorld world;
  const AccountId id = world.account.id();
  const Vault::Keys keys = world.us.custody().vault().Open().value();
  const Account stored = world.us.LoadAccount(id);
  EXPECT_EQ(stored.chain_vouch, keys->Vouch(id, EncodeChain(stored)));
  // Seen by what a vouch lets pass: a signature that is none.
  SpoilChain(world.us, id, stored.chain_vouch);
  EXPECT_THAT(world.us.store().Load(id, keys.get()), RefusedWith(Reason::kDataCorrupt))
      << "it vouches for other bytes";
  std::vector<std::string> entries = EncodeChain(stored);
  Statement entry = DecodeStatement(entries[0]).value();
  entry.signatures[0].signature[5] ^= 1;
  entries[0] = EncodeStatement(entry);
  SpoilChain(world.us, id, stored.chain_vouch);  // back to the signature as it was
  SpoilChain(world.us, id, keys->Vouch(id, entries));
  EXPECT_THAT(world.us.store().Load(id, keys.get()), IsOk());
  EXPECT_THAT(world.us.store().Load(id, nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST(VouchTest, WithoutAVouchOrWithAForgedOneTheChainIsVerified) {
  CustodyWorld world;
  const AccountId id = world.account.id();
  const Vault::Keys keys = world.us.custody().vault().Open().value();
  const Account stored = world.us.LoadAccount(id);
  for (const std::string& vouch : {std::string(), std::string(32, 'v'), std::string("short")}) {
    Account other = world.us.LoadAccount(id);
    const Account before = other;
    other.chain_vouch = vouch;
    ASSERT_THAT(world.us.store().Commit(before, other, {}), IsOk());
    ASSERT_OK_AND_ASSIGN(const Account loaded, world.us.store().Load(id, keys.get()));
    EXPECT_EQ(loaded.chain->head(), stored.chain->head());
    // The next commit vouches.
    ASSERT_THAT(
        world.DeliverAsDevice(world.us, {world.account.Sign(TerritoryChange{"HK"}, world.now())}),
        IsOk());
    EXPECT_EQ(world.us.LoadAccount(id).chain_vouch, stored.chain_vouch);
  }
}

// A ledger over what the node has, of a custody that was never opened.
struct SealedLedger {
  explicit SealedLedger(CustodyNode& node)
      : site(node.site()),
        vault(&site, &seal, &node.log(), [] {}),
        ledger(&site, &node.store(), &node.log(), &vault, &cache, &agenda) {}
  const Site site;
  FakeSeal seal{'u'};
  const Vault vault;
  KeyCache cache{16};
  Agenda agenda;
  Ledger ledger;
};

TEST(VouchTest, AChainThatGrowsWhileSealedIsVouchedForAfterTheOpening) {
  CustodyWorld world;
  const AccountId id = world.account.id();
  const std::string vouch = world.us.LoadAccount(id).chain_vouch;
  ASSERT_FALSE(vouch.empty());
  SealedLedger sealed(world.us);
  Ledger& ledger = sealed.ledger;
  const auto commit = [&](const std::string& territory) {
    return ledger.Update(id, [&](Plan& plan) {
      plan.after.territory = territory;
      plan.after.chain = world.account.chain();
      plan.changed = true;
      return absl::OkStatus();
    });
  };
  ASSERT_THAT(commit("HK"), IsOk());
  EXPECT_EQ(world.us.LoadAccount(id).chain_vouch, vouch) << "the chain is the same";
  world.account.AddDevice();
  ASSERT_THAT(commit("MO"), IsOk());
  EXPECT_EQ(world.us.LoadAccount(id).chain_vouch, "");
  const Vault::Keys keys = world.us.custody().vault().Open().value();
  ASSERT_THAT(
      world.DeliverAsDevice(world.us, {world.account.Sign(TerritoryChange{"HK"}, world.now())}),
      IsOk());
  const Account stored = world.us.LoadAccount(id);
  EXPECT_EQ(stored.chain->entries().size(), 2u);
  EXPECT_EQ(stored.chain_vouch, keys->Vouch(id, EncodeChain(stored)));
}

// A creation that was begun before custody was sealed, and committed after.
TEST(VouchTest, WhatAPlanWasMadeWithVouchesAlsoWhenCustodyIsSealedBeforeItsCommit) {
  CustodyWorld world;
  const AccountId id = world.account.id();
  SealedLedger sealed(world.us);
  Ledger& ledger = sealed.ledger;
  const Vault::Keys keys = world.us.custody().vault().Open().value();
  world.account.AddDevice();
  ASSERT_THAT(ledger.Update(id,
                            [&](Plan& plan) {
                              plan.after.chain = world.account.chain();
                              plan.keys = keys;
                              plan.changed = true;
                              return absl::OkStatus();
                            }),
              IsOk());
  const Account stored = world.us.LoadAccount(id);
  EXPECT_EQ(stored.chain_vouch, keys->Vouch(id, EncodeChain(stored)));
}

// A rotation of the root key that is under way with an account when somebody seals.
TEST(VouchTest, WhatSealsKeysAnewVouchesAlsoWhenCustodyIsSealedMeanwhile) {
  CustodyWorld world;
  const AccountId id = world.account.id();
  SealedLedger sealed(world.us);
  Ledger& ledger = sealed.ledger;
  const Vault::Keys before = world.us.custody().vault().Open().value();
  const Vault::Keys next = before
                               ->Succeed(SecretBytes::CopyOf(std::string(kRootKeySize, 'n')),
                                         SecretBytes::CopyOf(std::string(kRootKeySize, 'u')), "")
                               .value()
                               .keys;
  ASSERT_THAT(ledger.Reseal(id, next, [](Account&) { return false; }), IsOk());
  const Account stored = world.us.LoadAccount(id);
  EXPECT_EQ(stored.chain_vouch, next->Vouch(id, EncodeChain(stored)));
}

// Lets something happen when a commit is done and nobody has been told of it.
class StoreWithAMoment final : public AccountStore {
 public:
  StoreWithAMoment(AccountStore* store, std::function<void()> moment)
      : store_(store), moment_(std::move(moment)) {}
  absl::StatusOr<Account> Load(const AccountId& id, const KeySealer* keys) override {
    return store_->Load(id, keys);
  }
  absl::StatusOr<Account> Skim(const AccountId& id) override { return store_->Skim(id); }
  absl::StatusOr<uint64_t> Commit(const Account& before, const Account& after,
                                  const CommitExtras& extras) override {
    absl::StatusOr<uint64_t> version = store_->Commit(before, after, extras);
    moment_();
    return version;
  }
  absl::StatusOr<std::optional<LegalUse>> FindUse(const AccountId& id,
                                                  const Digest& authorisation) override {
    return store_->FindUse(id, authorisation);
  }
  absl::StatusOr<std::vector<AccountId>> List(const AccountId& cursor, size_t limit) override {
    return store_->List(cursor, limit);
  }
  absl::StatusOr<ResealMark> LoadMark() override { return store_->LoadMark(); }
  absl::Status KeepMark(const ResealMark& mark) override { return store_->KeepMark(mark); }

 private:
  AccountStore* const store_;
  const std::function<void()> moment_;
};

TEST(CountingTest, AnAccountThatIsReadBetweenItsCommitAndTheWordOfItCountsOnce) {
  CustodyWorld world;
  Site site = world.us.site();
  KeyCache cache(16);
  Agenda agenda;
  Ledger* ledger = nullptr;
  StoreWithAMoment store(&world.us.store(), [&] { EXPECT_THAT(ledger->CountSome(), IsOk()); });
  Ledger counted(&site, &store, &world.us.log(), &world.us.custody().vault(), &cache, &agenda);
  ledger = &counted;
  agenda.BeginCount();
  ASSERT_THAT(counted.Update(world.account.id(),
                             [](Plan& plan) {
                               plan.changed = true;
                               return absl::OkStatus();
                             }),
              IsOk());
  EXPECT_TRUE(agenda.counting()) << "it is in doubt, and to be read again";
  EXPECT_EQ(agenda.known_accounts(), 0u);
  ASSERT_THAT(counted.CountSome(), IsOk());
  EXPECT_FALSE(agenda.counting());
  EXPECT_EQ(agenda.known_accounts(), 1u);
}

TEST(CountingTest, ACommitThatFailsLeavesItsAccountInDoubtForNoLongerThanItTakes) {
  CustodyWorld world;
  Site site = world.us.site();
  KeyCache cache(16);
  Agenda agenda;
  Ledger ledger(&site, &world.us.store(), &world.us.log(), &world.us.custody().vault(), &cache,
                &agenda);
  agenda.BeginCount();
  world.us.records().FailNextCommit(FakeRecordStore::Fate::kNotApplied);
  const auto change = [](Plan& plan) {
    plan.changed = true;
    plan.after.rotation_days = 7;
    return absl::OkStatus();
  };
  ASSERT_THAT(ledger.Update(world.account.id(), change), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_THAT(ledger.CountSome(), IsOk());
  EXPECT_FALSE(agenda.counting());
  EXPECT_EQ(agenda.known_accounts(), 1u);
}

TEST(CountingTest, WhatAStartLeavesIsCountedByMaintenanceWhileAccountsAreMadeAndServed) {
  CustodyWorld world;
  FakeSeal seal('u');
  Custody custody(world.us.site(), &seal, &world.us.store(), &world.us.log(), nullptr, 16);
  ASSERT_THAT(custody.Start(std::chrono::milliseconds(0)), IsOk());
  EXPECT_TRUE(custody.counting_accounts());
  EXPECT_EQ(custody.known_accounts(), 0u);
  EXPECT_THAT(
      custody.data_keys().Generate(CustodyNode::Device(world.account.device()), world.account.id(),
                                   UseReason::kAccess, {CustodyWorld::Context()}),
      IsOk());
  TestAccount other = world.deployment().NewAccount();
  ASSERT_THAT(custody.custodian().Create(CustodyNode::Device(other.device()), other.entries(),
                                         other.SignRecord(world.topology(), "US", world.now())),
              IsOk());

  // Told to stop, it counts nothing; while the store fails, it says so and tries again.
  custody.Tick([] { return true; });
  EXPECT_TRUE(custody.counting_accounts());
  world.us.records().SetUnavailable(true);
  custody.Tick([] { return false; });
  EXPECT_TRUE(custody.counting_accounts());
  world.us.records().SetUnavailable(false);
  custody.Tick([] { return false; });
  EXPECT_FALSE(custody.counting_accounts());
  EXPECT_EQ(custody.known_accounts(), 2u);
}

}  // namespace
}  // namespace comity::custody
