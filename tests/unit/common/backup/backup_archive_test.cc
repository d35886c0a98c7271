#include "services/common/backup/backup_archive.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using Records = BackupArchive::Records;

class BackupArchiveTest : public testing::Test {
 protected:
  Records Read(const std::string& partition) {
    return archive_.Read(archive_.PartitionOf(BackupKind::kRecords, partition)).value();
  }
  uint64_t VersionOf(const std::string& partition) {
    return archive_.VersionOf(BackupKind::kRecords, partition).value();
  }
  absl::Status Commit(const std::string& partition, const std::vector<Mutation>& mutations,
                      uint64_t version) {
    return archive_.Commit(BackupKind::kRecords, partition, mutations, version);
  }
  absl::Status Replace(const std::string& partition, const Records& records, uint64_t version) {
    return archive_.Replace(BackupKind::kRecords, partition, records, version);
  }
  std::string PlaceOf(const std::string& partition) {
    return archive_.PartitionOf(BackupKind::kRecords, partition).place;
  }

  ManualClock clock_;
  FakeRecordStore store_{&clock_};
  BackupCipher cipher_ =
      BackupCipher::Create(SecretBytes::CopyOf(std::string(kBackupKeySize, 'k'))).value();
  BackupArchive archive_{&store_, &cipher_};
};

TEST_F(BackupArchiveTest, CommitsDoWhatTheyDoInTheService) {
  ASSERT_THAT(Commit("p", {Mutation::Put("a", "1"), Mutation::Put("b", "2")}, 7), IsOk());
  EXPECT_EQ(Read("p"), (Records{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(VersionOf("p"), 7u);
  ASSERT_THAT(
      Commit("p", {Mutation::Delete("a"), Mutation::Erase("b"), Mutation::Put("c", "3")}, 9),
      IsOk());
  EXPECT_EQ(Read("p"), (Records{{"c", "3"}}));
  EXPECT_EQ(VersionOf("p"), 9u);
  ASSERT_THAT(Commit("p", {Mutation::DeletePartition(), Mutation::Put("d", "4")}, 12), IsOk());
  EXPECT_EQ(Read("p"), (Records{{"d", "4"}}));
  ASSERT_THAT(Commit("p", {Mutation::Delete("d")}, 13), IsOk());
  EXPECT_EQ(VersionOf("p"), 13u) << "a partition outlives its last record";
  ASSERT_THAT(Commit("p", {Mutation::DeletePartition()}, 0), IsOk());
  EXPECT_EQ(VersionOf("p"), 0u);
  EXPECT_TRUE(archive_.List("", 10).value().empty());
}

TEST_F(BackupArchiveTest, KindsAreDifferentPlaces) {
  ASSERT_THAT(Commit("p", {Mutation::Put("a", "1")}, 1), IsOk());
  EXPECT_EQ(archive_.VersionOf(BackupKind::kAudit, "p").value(), 0u);
}

TEST_F(BackupArchiveTest, NothingStandsInTheClear) {
  ASSERT_THAT(Commit("custody/account", {Mutation::Put("account/record", "value")}, 1), IsOk());
  const std::vector<std::string> places = store_.Partitions("", "", 10).value();
  ASSERT_EQ(places.size(), 1u);
  for (const std::string& place : places) {
    EXPECT_THAT(place, testing::Not(testing::HasSubstr("custody")));
    const ScanPage page = store_.Scan(place, "", "", 10, std::nullopt).value();
    for (const auto& [name, value] : page.items) {
      EXPECT_THAT(name, testing::Not(testing::HasSubstr("record")));
      EXPECT_THAT(value, testing::Not(testing::HasSubstr("value")));
    }
  }
}

TEST_F(BackupArchiveTest, ReplacingErasesWhatIsNoLongerThere) {
  ASSERT_THAT(Commit("p", {Mutation::Put("a", "1"), Mutation::Put("b", "2")}, 1), IsOk());
  const uint64_t owed = store_.owed_erasures();
  ASSERT_THAT(Replace("p", {{"b", "3"}, {"c", "4"}}, 5), IsOk());
  EXPECT_EQ(Read("p"), (Records{{"b", "3"}, {"c", "4"}}));
  EXPECT_EQ(VersionOf("p"), 5u);
  EXPECT_GE(store_.owed_erasures(), owed);
  ASSERT_THAT(Replace("p", {}, 0), IsOk());
  EXPECT_EQ(VersionOf("p"), 0u);
  EXPECT_TRUE(store_.Partitions("", "", 10).value().empty());
  ASSERT_THAT(Replace("p", {}, 0), IsOk()) << "also when it is gone";
}

TEST_F(BackupArchiveTest, APartitionTooLargeForOneCommitCountsOnlyWhenAllOfItIsThere) {
  Records many;
  for (int i = 0; i < 1'000; ++i) many["key" + std::to_string(i)] = std::string(2'000, 'v');
  ASSERT_THAT(Replace("p", {{"old", "1"}}, 1), IsOk());
  ASSERT_THAT(Replace("p", many, 2), IsOk());
  EXPECT_EQ(Read("p"), many);
  EXPECT_EQ(VersionOf("p"), 2u);
  // As a death in between leaves it.
  const std::string place = PlaceOf("p");
  ASSERT_THAT(store_.Commit(place, RandomId<RequestId>(), {},
                            {Mutation::Delete(cipher_.RecordName(place, ""))}),
              IsOk());
  EXPECT_EQ(VersionOf("p"), 0u);
  ASSERT_OK_AND_ASSIGN(const auto listed, archive_.List("", 10));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].version, 0u);
  ASSERT_THAT(archive_.RemoveUnended(place), IsOk());
  EXPECT_TRUE(store_.Partitions("", "", 10).value().empty());
}

TEST_F(BackupArchiveTest, WhatEndedIsNotRemovedAsUnended) {
  ASSERT_THAT(Replace("p", {{"a", "1"}}, 1), IsOk());
  ASSERT_THAT(archive_.RemoveUnended(PlaceOf("p")), IsOk());
  EXPECT_EQ(Read("p"), (Records{{"a", "1"}}));
}

TEST_F(BackupArchiveTest, ARecordInThePlaceOfAnotherIsDamage) {
  ASSERT_THAT(Replace("p", {{"a", "1"}}, 1), IsOk());
  ASSERT_THAT(Replace("q", {{"a", "2"}}, 1), IsOk());
  const std::string from = PlaceOf("p");
  const std::string name = cipher_.RecordName(from, "a");
  const Snapshot snapshot = store_.Get(from, {name}).value();
  const std::string to = PlaceOf("q");
  ASSERT_THAT(store_.Commit(to, RandomId<RequestId>(), {},
                            {Mutation::Put(cipher_.RecordName(to, "a"), *snapshot.Find(name))}),
              IsOk());
  EXPECT_THAT(archive_.Read(archive_.PartitionOf(BackupKind::kRecords, "q")),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(BackupArchiveTest, ListingGoesThroughAllOfThem) {
  for (int i = 0; i < 25; ++i) {
    ASSERT_THAT(Replace("p" + std::to_string(i), {{"a", "1"}}, 1), IsOk());
  }
  std::set<std::string> names;
  std::string cursor;
  while (true) {
    ASSERT_OK_AND_ASSIGN(const auto page, archive_.List(cursor, 7));
    if (page.empty()) break;
    for (const auto& partition : page) names.insert(partition.name);
    cursor = page.back().place;
  }
  EXPECT_EQ(names.size(), 25u);
}

}  // namespace
}  // namespace comity
