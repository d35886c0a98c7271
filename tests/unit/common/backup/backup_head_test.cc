#include "services/common/backup/backup_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

class BackupHeadTest : public testing::Test {
 protected:
  void Put(const std::string& key, const std::string& value) {
    ASSERT_THAT(
        store_.Commit(kBackupHeadPartition, RandomId<RequestId>(), {}, {Mutation::Put(key, value)}),
        IsOk());
  }
  BackupHead Read() { return ReadBackupHead(store_).value().value(); }

  ManualClock clock_;
  FakeRecordStore store_{&clock_};
  const BackupOwner owner_ = {"test", *RegionId::Create("us"), ServiceKind::kCustody,
                              *Digest::FromBytes(std::string(32, 'i')), 17};
};

TEST_F(BackupHeadTest, WithoutOneThereIsNoBackup) {
  ASSERT_OK_AND_ASSIGN(const std::optional<BackupHead> head, ReadBackupHead(store_));
  EXPECT_FALSE(head.has_value());
}

TEST_F(BackupHeadTest, ItHasWhatWasPutIntoIt) {
  ASSERT_THAT(BeginBackupHead(store_, owner_), IsOk());
  EXPECT_EQ(Read().complete, 0);
  ASSERT_THAT(CompleteBackupHead(store_, 42), IsOk());
  ASSERT_THAT(PutBackupKey(store_, 1, "one"), IsOk());
  ASSERT_THAT(PutBackupKey(store_, 2, "two"), IsOk());
  ASSERT_THAT(PutBackupFile(store_, "seal", "bytes"), IsOk());
  const BackupHead head = Read();
  EXPECT_EQ(head.owner.deployment, "test");
  EXPECT_EQ(head.owner.id, owner_.id);
  EXPECT_EQ(head.complete, 42);
  EXPECT_EQ(head.keys, (std::map<uint32_t, std::string>{{1, "one"}, {2, "two"}}));
  EXPECT_EQ(head.files, (std::map<std::string, std::string>{{"seal", "bytes"}}));
}

TEST_F(BackupHeadTest, KeysOfRootsBeforeGo) {
  ASSERT_THAT(BeginBackupHead(store_, owner_), IsOk());
  for (const uint32_t generation : {1, 2, 3}) {
    ASSERT_THAT(PutBackupKey(store_, generation, "sealed"), IsOk());
  }
  ASSERT_THAT(DropBackupKeysBefore(store_, 3), IsOk());
  EXPECT_EQ(Read().keys.size(), 1u);
  EXPECT_TRUE(Read().keys.contains(3));
  ASSERT_THAT(DropBackupKeysBefore(store_, 3), IsOk());
}

TEST_F(BackupHeadTest, WhatDoesNotBelongThereIsDamage) {
  Put("complete", "nothing that decodes");
  EXPECT_THAT(ReadBackupHead(store_), RefusedWith(Reason::kDataCorrupt));
  ASSERT_THAT(CompleteBackupHead(store_, 42), IsOk());
  EXPECT_THAT(ReadBackupHead(store_), RefusedWith(Reason::kDataCorrupt)) << "it is nobody's";
  ASSERT_THAT(BeginBackupHead(store_, owner_), IsOk());
  EXPECT_THAT(ReadBackupHead(store_), IsOk());
  Put("something", "else");
  EXPECT_THAT(ReadBackupHead(store_), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(BackupHeadTest, AKeyUnderTheNumberOfAnotherIsDamage) {
  ASSERT_THAT(BeginBackupHead(store_, owner_), IsOk());
  ASSERT_THAT(PutBackupKey(store_, 1, "one"), IsOk());
  ASSERT_OK_AND_ASSIGN(const Snapshot snapshot, store_.Get(kBackupHeadPartition, {"key/00000001"}));
  ASSERT_NE(snapshot.Find("key/00000001"), nullptr);
  Put("key/00000002", *snapshot.Find("key/00000001"));
  EXPECT_THAT(ReadBackupHead(store_), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
