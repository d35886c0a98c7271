#include "services/custody/stored_account_store.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/custody/account_rules.h"
#include "services/custody/stored_codec.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/statement_examples.h"

namespace comity::custody {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class StoredAccountStoreTest : public testing::Test {
 protected:
  AccountId id() { return world_.account.id(); }
  Account Load() { return world_.us.LoadAccount(id()); }
  StoredAccountStore& store() { return world_.us.store(); }
  std::string Partition() { return "custody/" + id().ToString(); }
  std::vector<std::string> Keys() {
    std::vector<std::string> keys;
    const ScanPage page = world_.us.records().Scan(Partition(), "", "", 1'000).value();
    for (const auto& [key, value] : page.items) {
      keys.push_back(key);
    }
    return keys;
  }
  // Everything that the codec writes about an account.
  static std::string Written(const Account& account) {
    std::string all = EncodeAccountRecord(account) + EncodeAccountHistory(account);
    for (const KeyRecord& key : account.keys) {
      all += key.sealed;
    }
    return all;
  }

  CustodyWorld world_;
};

TEST_F(StoredAccountStoreTest, UnknownAccountHasVersionZero) {
  ASSERT_OK_AND_ASSIGN(const Account account, store().Load(RandomId<AccountId>(), nullptr));
  EXPECT_FALSE(account.exists());
  EXPECT_EQ(account.presence, Presence::kNone);
}

TEST_F(StoredAccountStoreTest, EveryFieldComesBack) {
  const Account before = Load();
  Account full = before;
  const Statement statement = *full.activation;
  const Endorsed endorsed{statement, statement};
  full.presence = Presence::kReleased;
  full.epoch = 7;
  full.territory = "HK";
  full.data_region = TestDeployment::Region("cn");
  full.fork = statement;
  full.keys.push_back({7, 2, KeyState::kInactive, 11, 0, "sealed", {}});
  full.keys.push_back({7, 3, KeyState::kDestroyed, 11, 12, "", {}});
  full.keys.push_back({7, 4, KeyState::kReleased, 11, 0, "sealed too", {true, 13}});
  full.metadata_keys[7] = "sealed metadata";
  full.chain_vouch = "a vouch";
  full.closing = Closing{5, 99, statement};
  Outgoing move;
  move.epoch = 8;
  move.destination = TestDeployment::Region("cn");
  move.consent = Sha256Digest("consent");
  move.manifest_root = Sha256Digest("root");
  move.fenced_at = 21;
  move.fence = statement;
  move.source_manifest = statement;
  move.destination_manifest = statement;
  move.sent = SentExport{statement, "sealed keys"};
  move.receipt = endorsed;
  move.decision = Decision{DecisionKind::kReleased, statement};
  move.activation = endorsed;
  move.activated_at = 22;
  full.outgoing = move;
  full.last_decided = 8;
  full.untold_aborts = {{TestDeployment::Region("cn"), statement}};
  full.incoming =
      Incoming{9, TestDeployment::Region("cn"), Sha256Digest("c"), Sha256Digest("e"), statement};
  full.aborted_incoming[TestDeployment::Region("cn")] = 4;
  full.destructions[3] = statement;
  full.version_destructions = {statement, statement};
  full.min_unwrap_version = 2;
  full.rotation_days = 90;
  full.changes = {{ExampleId<SigningKeyId>('d'), NumberedRequest(1), 31, statement}};
  KeyGrant grant = ExampleGrant(ExampleId<AccountId>('b'));
  grant.pairs = {{"a", "b"}};
  GrantRecord given;
  given.taken = 41;
  given.revoked = 42;
  given.statement = SignGrant(world_.account, grant, 40, 50);
  given.receipt = statement;
  given.revocation = statement;
  given.revocation_receipt = statement;
  full.grants[grant.grant] = given;
  full.leaves = 17;
  full.last_leaf = Sha256Digest("leaf");
  ASSERT_OK_AND_ASSIGN(full.version, store().Commit(before, full, {}));
  const Account loaded = Load();
  EXPECT_EQ(Written(loaded), Written(full));
  EXPECT_EQ(loaded.version, full.version);
  EXPECT_EQ(loaded.data_region, full.data_region);
  EXPECT_EQ(loaded.outgoing->sent->sealed_keys, "sealed keys");
  EXPECT_EQ(loaded.metadata_keys, full.metadata_keys);
  EXPECT_EQ(loaded.chain_vouch, "a vouch");
  EXPECT_EQ(loaded.untold_aborts.size(), 1u);
  EXPECT_EQ(loaded.aborted_incoming, full.aborted_incoming);
  EXPECT_EQ(loaded.fork, full.fork);
  EXPECT_EQ(loaded.keys.back().word, (OwnersWord{true, 13}));
  EXPECT_EQ(loaded.version_destructions, full.version_destructions);
  EXPECT_EQ(loaded.min_unwrap_version, 2u);
  EXPECT_EQ(loaded.rotation_days, 90u);
  ASSERT_EQ(loaded.changes.size(), 1u);
  EXPECT_EQ(loaded.changes[0].device, full.changes[0].device);
  EXPECT_EQ(loaded.changes[0].request, full.changes[0].request);
  EXPECT_EQ(loaded.changes[0].time, 31);
  ASSERT_EQ(loaded.grants.size(), 1u);
  const GrantRecord& back = loaded.grants.at(grant.grant);
  EXPECT_EQ(EncodeGrant(back), EncodeGrant(given));
  EXPECT_EQ(back.revoked, 42);
  EXPECT_EQ(back.end, 50);
  EXPECT_EQ(back.device, world_.account.device().key.public_key().id());
  EXPECT_EQ(back.body.grantee, grant.grantee);
  EXPECT_EQ(back.body.pairs, grant.pairs);
}

TEST_F(StoredAccountStoreTest, GrantThatIsNotWhatItsKeySaysIsCorrupt) {
  const KeyGrant grant = ExampleGrant(ExampleId<AccountId>('b'));
  GrantRecord given;
  given.statement = SignGrant(world_.account, grant, 40, 50);
  given.receipt = *Load().activation;
  EXPECT_THAT(DecodeGrant(grant.grant, EncodeGrant(given)), IsOk());
  EXPECT_THAT(DecodeGrant(ExampleId<GrantId>('x'), EncodeGrant(given)),
              RefusedWith(Reason::kDataCorrupt));
  given.revoked = 1;
  EXPECT_THAT(DecodeGrant(grant.grant, EncodeGrant(given)), RefusedWith(Reason::kDataCorrupt))
      << "without a receipt";
  EXPECT_THAT(DecodeGrant(grant.grant, "x"), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(StoredAccountStoreTest, GrantsAreWrittenAndErasedOneByOne) {
  const Account before = Load();
  Account after = before;
  for (const char id : {'g', 'h'}) {
    GrantRecord given;
    given.statement = SignGrant(world_.account, ExampleGrant(before.id, id), 40, 50);
    given.receipt = *before.activation;
    after.grants[ExampleId<GrantId>(id)] = given;
  }
  ASSERT_OK_AND_ASSIGN(after.version, store().Commit(before, after, {}));
  EXPECT_THAT(Keys(),
              testing::IsSupersetOf({"account/grant/" + ExampleId<GrantId>('g').ToString(),
                                     "account/grant/" + ExampleId<GrantId>('h').ToString()}));
  Account fewer = after;
  fewer.grants.erase(ExampleId<GrantId>('g'));
  ASSERT_THAT(store().Commit(after, fewer, {}), IsOk());
  EXPECT_EQ(Load().grants.size(), 1u);
  EXPECT_THAT(Keys(), testing::Not(testing::Contains("account/grant/" +
                                                     ExampleId<GrantId>('g').ToString())));
}

TEST_F(StoredAccountStoreTest, SkimmingReadsTheRecordAlone) {
  ASSERT_OK_AND_ASSIGN(const Account skimmed, store().Skim(id()));
  const Account loaded = Load();
  EXPECT_EQ(EncodeAccountRecord(skimmed), EncodeAccountRecord(loaded));
  EXPECT_EQ(skimmed.version, loaded.version);
  EXPECT_TRUE(HoldsKeys(skimmed));
  EXPECT_FALSE(skimmed.chain.has_value());
  EXPECT_TRUE(skimmed.keys.front().sealed.empty());
}

TEST_F(StoredAccountStoreTest, CommitOverAnOldViewIsAConflict) {
  const Account before = Load();
  Account after = before;
  after.territory = "HK";
  ASSERT_THAT(store().Commit(before, after, {}), IsOk());
  after.territory = "MO";
  EXPECT_THAT(store().Commit(before, after, {}), RefusedWith(Reason::kConflict));
  EXPECT_EQ(Load().territory, "HK");
}

TEST_F(StoredAccountStoreTest, SecondCreationIsAConflict) {
  Account nobody{.id = id()};
  EXPECT_THAT(store().Commit(nobody, Load(), {}), RefusedWith(Reason::kConflict));
}

TEST_F(StoredAccountStoreTest, ErasedKeysLeaveNoRecord) {
  EXPECT_THAT(Keys(), testing::Contains("account/key/00000001/00000001"));
  const Account before = Load();
  Account after = before;
  EraseKeys(after, 1, world_.now());
  ASSERT_THAT(store().Commit(before, after, {}), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("account/history", "account/record", "account/vouch",
                                  "leaf/0000000000000001"));
  EXPECT_EQ(Load().keys.front().state, KeyState::kDestroyed);
}

TEST_F(StoredAccountStoreTest, DecisionIsWrittenOnceForAnEpoch) {
  const Account before = Load();
  Account decided = before;
  decided.outgoing.emplace();
  decided.outgoing->epoch = 2;
  decided.outgoing->destination = TestDeployment::Region("cn");
  decided.outgoing->fence = *before.activation;
  decided.outgoing->decision = Decision{DecisionKind::kAborted, *before.activation};
  decided.last_decided = 2;
  ASSERT_OK_AND_ASSIGN(decided.version, store().Commit(before, decided, {}));
  EXPECT_THAT(Keys(), testing::Contains("decision/00000002"));
  // Somebody who restored an old record still cannot decide anew.
  Account old = decided;
  old.outgoing->decision.reset();
  old.last_decided = 0;
  ASSERT_OK_AND_ASSIGN(old.version, store().Commit(decided, old, {}));
  Account again = old;
  again.outgoing->decision = Decision{DecisionKind::kReleased, *before.activation};
  again.last_decided = 2;
  EXPECT_THAT(store().Commit(old, again, {}), RefusedWith(Reason::kConflict));
}

TEST_F(StoredAccountStoreTest, UseIsWrittenOnceForAnAuthorisation) {
  const Account before = Load();
  CommitExtras extras;
  extras.use = LegalUse{Sha256Digest("a"), "answer", "leaf", "receipt", {{"field", "salt"}}};
  ASSERT_OK_AND_ASSIGN(const uint64_t version, store().Commit(before, before, extras));
  ASSERT_OK_AND_ASSIGN(const auto found, store().FindUse(id(), Sha256Digest("a")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->sealed_answer, "answer");
  EXPECT_EQ(found->leaf, "leaf");
  EXPECT_EQ(found->receipt, "receipt");
  EXPECT_EQ(found->salts.at("field"), "salt");
  Account now = before;
  now.version = version;
  EXPECT_THAT(store().Commit(now, now, extras), RefusedWith(Reason::kConflict));
  ASSERT_OK_AND_ASSIGN(const auto other, store().FindUse(id(), Sha256Digest("b")));
  EXPECT_FALSE(other.has_value());
}

TEST_F(StoredAccountStoreTest, AccountsAreListedInPages) {
  TestAccount other = world_.deployment().NewAccount();
  world_.CreateAccountAt(world_.us, other, "HK");
  ASSERT_OK_AND_ASSIGN(const auto first, store().List(AccountId(), 1));
  ASSERT_EQ(first.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto second, store().List(first[0], 1));
  ASSERT_EQ(second.size(), 1u);
  EXPECT_THAT((std::vector<AccountId>{first[0], second[0]}),
              UnorderedElementsAre(id(), other.id()));
  ASSERT_OK_AND_ASSIGN(const auto none, store().List(second[0], 1));
  EXPECT_THAT(none, IsEmpty());
}

class CorruptStoreTest : public StoredAccountStoreTest {
 protected:
  void Put(const std::string& key, const std::string& value) {
    ASSERT_THAT(world_.us.records().Commit(Partition(), RandomId<RequestId>(), {},
                                           {Mutation::Put(key, value)}),
                IsOk());
  }
  void Delete(const std::string& key) {
    ASSERT_THAT(
        world_.us.records().Commit(Partition(), RandomId<RequestId>(), {}, {Mutation::Delete(key)}),
        IsOk());
  }
};

TEST_F(CorruptStoreTest, UnknownFormatIsCorrupt) {
  Put("account/record", "\x08\x02");
  EXPECT_THAT(store().Load(id(), nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(CorruptStoreTest, GarbageIsCorrupt) {
  Put("account/history", "garbage");
  EXPECT_THAT(store().Load(id(), nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(CorruptStoreTest, MissingPartsAreCorrupt) {
  Delete("account/key/00000001/00000001");
  EXPECT_THAT(store().Load(id(), nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(CorruptStoreTest, MissingRecordIsCorrupt) {
  Delete("account/record");
  EXPECT_THAT(store().Load(id(), nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(CorruptStoreTest, StrayValueIsCorrupt) {
  Put("account/key/00000001/00000009", "sealed");
  EXPECT_THAT(store().Load(id(), nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(CorruptStoreTest, ChainOfAnotherAccountIsCorrupt) {
  TestAccount other = world_.deployment().NewAccount();
  Account mixed = Load();
  mixed.chain = other.chain();
  Put("account/history", EncodeAccountHistory(mixed));
  EXPECT_THAT(store().Load(id(), nullptr), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(CorruptStoreTest, LegalUseOfAnUnknownFormatIsCorrupt) {
  Put("used/" + Sha256Digest("a").ToString(), "\x08\x07");
  EXPECT_THAT(store().FindUse(id(), Sha256Digest("a")), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity::custody
