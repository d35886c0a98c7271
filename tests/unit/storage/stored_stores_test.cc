#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/storage/stored_account_store.h"
#include "services/storage/stored_commit.h"
#include "services/storage/stored_legal_store.h"
#include "services/storage/stored_migration_store.h"
#include "services/storage/stored_object_store.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"

namespace comity::storage {
namespace {

const AccountId kAccount = *AccountId::FromBytes(std::string(20, 'a'));

StoredObject MakeObject(const ObjectId& id, uint64_t version, uint64_t size) {
  StoredObject object;
  object.record.object = id;
  object.record.version = version;
  object.record.content = RandomId<ContentId>();
  object.record.size = size;
  object.record.digest = RandomId<Digest>();
  object.record.wrapped_content_key = "c";
  object.record.wrapped_attributes_key = "a";
  object.record.sealed_attributes = "s";
  object.record.create_time = 5;
  object.tree.extent = {UploadId::Random(), 3, 1};
  object.tree.top = {{static_cast<uint32_t>(size), RandomId<Digest>()}};
  return object;
}

class ObjectStoreTest : public ::testing::Test {
 protected:
  void Put(const StoredObject& object) {
    ASSERT_OK_AND_ASSIGN(const BucketView view,
                         store_.Read(kAccount, object.record.object, std::nullopt));
    BucketChange change;
    change.gate = Gate{GateKind::kOpen, 1};
    change.put = object;
    change.now = 100;
    ASSERT_THAT(store_.Write(kAccount, object.record.object, view, change), IsOk());
  }

  FakeRecordStore records_;
  StoredObjectStore store_{&records_};
};

TEST_F(ObjectStoreTest, StoredObjectComesBack) {
  const StoredObject object = MakeObject(ObjectInBucket(7), 2, 99);
  Put(object);
  ASSERT_OK_AND_ASSIGN(const BucketView view,
                       store_.Read(kAccount, object.record.object, std::nullopt));
  ASSERT_TRUE(view.object.has_value());
  EXPECT_EQ(view.object->record, object.record);
  EXPECT_EQ(view.object->tree, object.tree);
  EXPECT_EQ(view.gate, (Gate{GateKind::kOpen, 1}));
}

TEST_F(ObjectStoreTest, SumFollowsPutReplaceAndErase) {
  Put(MakeObject(ObjectInBucket(7, 1), 1, 10));
  Put(MakeObject(ObjectInBucket(7, 2), 1, 20));
  Put(MakeObject(ObjectInBucket(7, 1), 2, 5));
  ASSERT_OK_AND_ASSIGN(BucketSum sum, store_.Sum(kAccount, 7));
  EXPECT_EQ(sum.objects, 2u);
  EXPECT_EQ(sum.bytes, 25u);
  for (const uint8_t number : {1, 2}) {
    ASSERT_OK_AND_ASSIGN(const BucketView view,
                         store_.Read(kAccount, ObjectInBucket(7, number), std::nullopt));
    BucketChange change;
    change.erase = true;
    ASSERT_THAT(store_.Write(kAccount, ObjectInBucket(7, number), view, change), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(sum, store_.Sum(kAccount, 7));
  EXPECT_EQ(sum.objects, 0u);
  EXPECT_EQ(sum.bytes, 0u);
}

TEST_F(ObjectStoreTest, ReplacedUploadIsGoneSinceThen) {
  const StoredObject first = MakeObject(ObjectInBucket(7), 1, 10);
  Put(first);
  Put(MakeObject(ObjectInBucket(7), 2, 10));
  ASSERT_OK_AND_ASSIGN(std::vector<GoneUpload> gone, store_.Gone(kAccount, 7, std::nullopt));
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].extent, first.tree.extent);
  EXPECT_EQ(gone[0].time, 100);
  ASSERT_THAT(store_.ForgetGone(kAccount, 7, {first.tree.extent.upload}), IsOk());
  ASSERT_OK_AND_ASSIGN(gone, store_.Gone(kAccount, 7, std::nullopt));
  EXPECT_TRUE(gone.empty());
}

TEST_F(ObjectStoreTest, WriteOnAnOldViewConflicts) {
  const StoredObject object = MakeObject(ObjectInBucket(7), 1, 10);
  ASSERT_OK_AND_ASSIGN(const BucketView old,
                       store_.Read(kAccount, object.record.object, std::nullopt));
  Put(object);
  BucketChange change;
  change.put = object;
  EXPECT_THAT(store_.Write(kAccount, object.record.object, old, change),
              RefusedWith(Reason::kConflict));
}

TEST_F(ObjectStoreTest, GateChangeMakesOldViewsConflict) {
  const StoredObject object = MakeObject(ObjectInBucket(7), 1, 10);
  Put(object);
  ASSERT_OK_AND_ASSIGN(const BucketView old,
                       store_.Read(kAccount, object.record.object, std::nullopt));
  ASSERT_THAT(store_.SetGate(kAccount, 7, Gate{GateKind::kOpen, 1}, Gate{GateKind::kFenced, 2}),
              IsOk());
  BucketChange change;
  change.erase = true;
  EXPECT_THAT(store_.Write(kAccount, object.record.object, old, change),
              RefusedWith(Reason::kConflict));
  EXPECT_THAT(store_.SetGate(kAccount, 7, Gate{GateKind::kOpen, 1}, Gate{GateKind::kOpen, 3}),
              RefusedWith(Reason::kConflict));
}

TEST_F(ObjectStoreTest, ListIsInOrderOfIdAndPaged) {
  for (const uint8_t number : {200, 3, 90}) Put(MakeObject(ObjectInBucket(7, number), 1, 10));
  ASSERT_OK_AND_ASSIGN(const ObjectPage first, store_.List(kAccount, 7, std::nullopt, 2));
  ASSERT_EQ(first.objects.size(), 2u);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.objects[0].record.object, ObjectInBucket(7, 3));
  EXPECT_EQ(first.objects[1].record.object, ObjectInBucket(7, 90));
  ASSERT_OK_AND_ASSIGN(const ObjectPage second,
                       store_.List(kAccount, 7, first.objects[1].record.object, 2));
  ASSERT_EQ(second.objects.size(), 1u);
  EXPECT_FALSE(second.more);
}

TEST_F(ObjectStoreTest, ClearLeavesOnlyTheGate) {
  Put(MakeObject(ObjectInBucket(7), 1, 10));
  ASSERT_THAT(store_.Clear(kAccount, 7, Gate{GateKind::kFenced, 2}), IsOk());
  ASSERT_OK_AND_ASSIGN(const BucketView view,
                       store_.Read(kAccount, ObjectInBucket(7), std::nullopt));
  EXPECT_FALSE(view.object.has_value());
  EXPECT_EQ(view.gate, (Gate{GateKind::kFenced, 2}));
  EXPECT_EQ(view.sum.objects, 0u);
}

TEST_F(ObjectStoreTest, MemosAreForgottenByAge) {
  const MemoKey old{RandomId<SigningKeyId>(), Mutator::kPut, RandomId<RequestId>()};
  const MemoKey young{RandomId<SigningKeyId>(), Mutator::kDelete, RandomId<RequestId>()};
  for (const auto& [key, time] : {std::pair{old, 10}, std::pair{young, 20}}) {
    ASSERT_OK_AND_ASSIGN(const BucketView view,
                         store_.Read(kAccount, ObjectInBucket(7), std::nullopt));
    BucketChange change;
    change.gate = Gate{GateKind::kOpen, 1};
    change.memo = {key, Memo{RandomId<Digest>(), 1, time}};
    ASSERT_THAT(store_.Write(kAccount, ObjectInBucket(7), view, change), IsOk());
  }
  EXPECT_THAT(store_.ForgetMemos(kAccount, 7, 15), IsOkAndHolds(false));
  ASSERT_OK_AND_ASSIGN(BucketView view, store_.Read(kAccount, ObjectInBucket(7), old));
  EXPECT_FALSE(view.memo.has_value());
  ASSERT_OK_AND_ASSIGN(view, store_.Read(kAccount, ObjectInBucket(7), young));
  EXPECT_TRUE(view.memo.has_value());
}

TEST_F(ObjectStoreTest, ForeignBytesAreDataCorrupt) {
  ASSERT_THAT(records_
                  .Commit(BucketPartition(kAccount, 7), RandomId<RequestId>(), {},
                          {Mutation::Put("o/" + std::string(ObjectInBucket(7).bytes()), "junk"),
                           Mutation::Put("gate", "junk")})
                  .status(),
              IsOk());
  EXPECT_THAT(store_.Read(kAccount, ObjectInBucket(7), std::nullopt).status(),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store_.List(kAccount, 7, std::nullopt, 10).status(),
              RefusedWith(Reason::kDataCorrupt));
}

class AccountStoreTest : public ::testing::Test {
 protected:
  static const TestDeployment& Deployment() {
    static const TestDeployment deployment;
    return deployment;
  }
  AccountEdit MakeEdit() {
    AccountEdit edit;
    edit.info.epoch = 1;
    edit.info.serving = TestDeployment::Region("us");
    edit.info.create_time = 5;
    edit.chain_entries = account_.entries();
    edit.new_statements = {record_};
    return edit;
  }

  FakeRecordStore records_;
  StoredAccountStore store_{&records_};
  TestAccount account_ = Deployment().NewAccount();
  Statement record_ = account_.SignRecord(Deployment().topology(), "HK", TestDeployment::kStart);
};

TEST_F(AccountStoreTest, AccountComesBackWhole) {
  AccountEdit edit = MakeEdit();
  edit.fence = Fence{2, 77};
  edit.move = MoveRecord{};
  edit.move->migration = RandomId<RequestId>();
  edit.move->epoch = 2;
  edit.move->destination = TestDeployment::Region("cn");
  edit.move->consent = RandomId<Digest>();
  edit.move->step = MoveStep::kFenced;
  edit.move->fence = record_;
  edit.move->failure = Reason::kPeerUnavailable;
  edit.move->pause_ms = 12;
  edit.incoming = IncomingRecord{};
  edit.incoming->epoch = 3;
  edit.incoming->source = TestDeployment::Region("us");
  edit.incoming->consent = RandomId<Digest>();
  edit.incoming->confirmed_root = RandomId<Digest>();
  edit.incoming->manifest = record_;
  edit.info.erasing = 4;
  edit.info.aborted_epoch = 9;
  edit.new_buckets = {0, 0xff};
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, edit), IsOk());

  StoredAccountStore fresh(&records_);
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr read, fresh.Load(account_.id()));
  ASSERT_NE(read, nullptr);
  AccountInfo expected = edit.info;
  expected.statements = 1;
  EXPECT_EQ(read->info, expected);
  EXPECT_EQ(read->fence, edit.fence);
  EXPECT_EQ(read->move, edit.move);
  EXPECT_EQ(read->incoming, edit.incoming);
  EXPECT_EQ(read->buckets, (std::set<uint8_t>{0, 0xff}));
  EXPECT_EQ(read->history, std::vector<Statement>{record_});
  EXPECT_EQ(read->view.territory(), "HK");
  ASSERT_NE(read->chain(), nullptr);
  EXPECT_EQ(read->chain()->head(), account_.chain().head());
}

TEST_F(AccountStoreTest, UnknownAccountIsNull) {
  EXPECT_THAT(store_.Load(kAccount), IsOkAndHolds(SnapshotPtr()));
  EXPECT_THAT(store_.Peek(kAccount), IsOkAndHolds(std::optional<AccountInfo>()));
}

TEST_F(AccountStoreTest, SecondCreationConflicts) {
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  EXPECT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), RefusedWith(Reason::kConflict));
}

TEST_F(AccountStoreTest, CachedSnapshotIsTheSameUntilSomethingChanges) {
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr first, store_.Load(account_.id()));
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr second, store_.Load(account_.id()));
  EXPECT_EQ(first, second);
  AccountEdit edit(*first);
  edit.info.notified_time = 9;
  StoredAccountStore other(&records_);
  ASSERT_THAT(other.Commit(account_.id(), first.get(), edit), IsOk());
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr third, store_.Load(account_.id()));
  EXPECT_EQ(third->info.notified_time, 9) << "another process's commit is seen at once";
}

TEST_F(AccountStoreTest, HistoryKeepsItsOrder) {
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  std::vector<Statement> all = {record_};
  for (int i = 0; i < 12; ++i) {
    ASSERT_OK_AND_ASSIGN(const SnapshotPtr now, store_.Load(account_.id()));
    AccountEdit edit(*now);
    edit.new_statements = {account_.Sign(TerritoryChange{"MO"}, 10)};
    all.push_back(edit.new_statements[0]);
    ASSERT_THAT(store_.Commit(account_.id(), now.get(), edit), IsOk());
  }
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr now, store_.Load(account_.id()));
  EXPECT_EQ(now->history, all);
}

TEST_F(AccountStoreTest, UpdateDecidesAgainWhenSomebodyCameInBetween) {
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  StoredAccountStore other(&records_);
  int calls = 0;
  const auto decide =
      [&](const AccountSnapshot* known) -> absl::StatusOr<std::optional<AccountEdit>> {
    AccountEdit edit(*known);
    if (++calls == 1) {
      AccountEdit first(*known);
      first.info.notified_time = 1;
      EXPECT_THAT(other.Commit(account_.id(), known, first), IsOk());
    }
    edit.info.destroy_time = 2;
    return std::optional<AccountEdit>(std::move(edit));
  };
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr after, store_.Update(account_.id(), decide));
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(after->info.notified_time, 1);
  EXPECT_EQ(after->info.destroy_time, 2);
}

TEST_F(AccountStoreTest, ForgottenAccountIsGoneForTheObserverToo) {
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr known, store_.Load(account_.id()));
  bool forgotten = false;
  store_.SetObserver([&](const AccountId&, const SnapshotPtr& now) { forgotten = now == nullptr; });
  ASSERT_THAT(store_.Erase(*known), IsOk());
  EXPECT_TRUE(forgotten);
  EXPECT_THAT(store_.Load(account_.id()), IsOkAndHolds(SnapshotPtr()));
}

TEST_F(AccountStoreTest, EveryAccountIsVisitedOnce) {
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  ASSERT_THAT(store_.Commit(kAccount, nullptr, MakeEdit()), IsOk());
  std::set<AccountId> visited;
  ASSERT_THAT(
      store_.ForEach([&](const SnapshotPtr& s) { EXPECT_TRUE(visited.insert(s->account).second); }),
      IsOk());
  EXPECT_EQ(visited, (std::set<AccountId>{account_.id(), kAccount}));
}

TEST_F(AccountStoreTest, ForeignBytesAreDataCorrupt) {
  ASSERT_THAT(records_
                  .Commit(AccountPartition(kAccount), RandomId<RequestId>(), {},
                          {Mutation::Put("account", "junk")})
                  .status(),
              IsOk());
  EXPECT_THAT(store_.Load(kAccount).status(), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store_.Peek(kAccount).status(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AccountStoreTest, LegalUseIsCommittedOnceAndOnlyOnTheAccountAsItWas) {
  FakeBlobStore blobs;
  StoredLegalStore legal(&records_, &blobs);
  ASSERT_THAT(store_.Commit(account_.id(), nullptr, MakeEdit()), IsOk());
  ASSERT_OK_AND_ASSIGN(const SnapshotPtr old, store_.Load(account_.id()));
  LegalUse use;
  use.answer.objects = {MakeObject(ObjectInBucket(7), 1, 10)};
  use.answer.manifest = record_;
  use.answer.leaf = "leaf";
  use.answer.receipt = "receipt";
  use.answer.contents_allowed = true;
  use.pin_end = 99;
  const auto authorisation = RandomId<Digest>();
  EXPECT_THAT(legal.Find(account_.id(), authorisation), IsOkAndHolds(::testing::Eq(std::nullopt)));
  ASSERT_THAT(legal.Put(*old, authorisation, use, {"leaf", "salt", 3}), IsOk());
  EXPECT_THAT(legal.Put(*old, RandomId<Digest>(), use, {"leaf", "salt", 3}),
              RefusedWith(Reason::kConflict));
  ASSERT_OK_AND_ASSIGN(const std::optional<LegalUse> found,
                       legal.Find(account_.id(), authorisation));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->answer.objects[0].record, use.answer.objects[0].record);
  EXPECT_EQ(found->answer.objects[0].tree, use.answer.objects[0].tree);
  EXPECT_EQ(found->answer.manifest, record_);
  EXPECT_EQ(found->answer.receipt, "receipt");
  EXPECT_EQ(found->pin_end, 99);
  ASSERT_OK_AND_ASSIGN(const std::vector<LegalUse> all, legal.List(account_.id()));
  EXPECT_EQ(all.size(), 1u);
  EXPECT_EQ(blobs.List("", "", 10).value().size(), 1u) << "the refused answer's blob is deleted";
}

TEST(MigrationStoreTest, MigrationsComeInOrderOfTime) {
  FakeRecordStore records;
  StoredMigrationStore store(&records);
  Migration late{RandomId<RequestId>(), 20, TestDeployment::Region("cn"), 3, 2, false};
  const Migration early{RandomId<RequestId>(), 10, std::nullopt, 0, 1, true};
  ASSERT_THAT(store.Put(late), IsOk());
  ASSERT_THAT(store.Put(early), IsOk());
  late.enrolled = true;
  ASSERT_THAT(store.Put(late), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::vector<Migration> all, store.List());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, early.id);
  EXPECT_EQ(all[1].id, late.id);
  EXPECT_TRUE(all[1].enrolled);
  EXPECT_EQ(all[1].destination, late.destination);
  EXPECT_EQ(all[1].max_accounts, 3u);
}

}  // namespace
}  // namespace comity::storage
