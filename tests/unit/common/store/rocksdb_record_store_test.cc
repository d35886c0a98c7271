#include "services/common/store/rocksdb_record_store.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/stat.h>

#include "services/common/status/reason.h"
#include "services/common/store/open.h"
#include "services/common/store/record_keys.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using Families = std::map<std::string, rocksdb::ColumnFamilyHandle*>;

class RocksRecordStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<RocksRecordStore>> Open() {
    return RocksRecordStore::Open(directory_.path(), {.clock = &clock_, .version_block = 4});
  }
  std::string records() const { return directory_.path() + "/records"; }

  // What is on disk, with no driver in between.
  void OnDisk(const std::function<void(rocksdb::DB&, const Families&)>& use) {
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, records(), &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
    for (const std::string& name : names) descriptors.push_back({name, {}});
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, records(), descriptors, &handles, &raw).ok());
    const std::unique_ptr<rocksdb::DB> db(raw);
    Families families;
    for (size_t i = 0; i < names.size(); ++i) families[names[i]] = handles[i];
    use(*db, families);
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
  }
  void PutOnDisk(const std::string& family, std::string_view key, const std::string& value) {
    OnDisk([&](rocksdb::DB& db, const Families& families) {
      ASSERT_TRUE(db.Put({}, families.at(family), std::string(key), value).ok());
    });
  }
  size_t CountOnDisk(const std::string& family) {
    size_t count = 0;
    OnDisk([&](rocksdb::DB& db, const Families& families) {
      const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator({}, families.at(family)));
      for (it->SeekToFirst(); it->Valid(); it->Next()) ++count;
    });
    return count;
  }
  // One partition "p" with the key "k".
  void Create() {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
    ASSERT_THAT(store->Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", "v")}), IsOk());
  }

  TempDir directory_;
  ManualClock clock_;
};

TEST_F(RocksRecordStoreTest, EverythingOutlivesTheStore) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  ASSERT_OK_AND_ASSIGN(
      PartitionVersion version,
      store->Commit("p", NumberedRequest(1), {},
                    {Mutation::Put("k", "v"), Mutation::Put("l", std::string(100'000, 'w'))}));
  store.reset();
  ASSERT_OK_AND_ASSIGN(store, Open());
  ASSERT_OK_AND_ASSIGN(Snapshot snapshot, store->Get("p", {"k", "l"}));
  EXPECT_EQ(snapshot.version, version);
  EXPECT_EQ(snapshot.values.at("k"), "v");
  EXPECT_EQ(snapshot.values.at("l").size(), 100'000u);
  EXPECT_THAT(store->Commit("p", NumberedRequest(1), {}, {}), IsOkAndHolds(version));
}

TEST_F(RocksRecordStoreTest, VersionDoesNotRepeatWhenTheStoreIsOpenedAgain) {
  PartitionVersion newest = 0;
  uint64_t request = 0;
  for (int life = 0; life < 6; ++life) {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
    // Nothing of the partition stays behind that could tell which versions it has had.
    for (const Mutation& mutation : {Mutation::Put("k", "v"), Mutation::DeletePartition()}) {
      ASSERT_OK_AND_ASSIGN(PartitionVersion version,
                           store->Commit("p", NumberedRequest(++request), {}, {mutation}));
      EXPECT_GT(version, newest);
      newest = version;
    }
  }
}

TEST_F(RocksRecordStoreTest, OpenIsRefusedWhileAnotherHoldsTheDirectory) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RecordStore> store, OpenRocksRecordStore(directory_.path()));
  EXPECT_THAT(OpenRocksRecordStore(directory_.path()), RefusedWith(Reason::kStoreUnavailable));
  store.reset();
  EXPECT_THAT(OpenRocksRecordStore(directory_.path()), IsOk());
}

TEST_F(RocksRecordStoreTest, OpenIsRefusedWhenSomethingElseHasTheName) {
  std::ofstream(records()) << "a file";
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(RocksRecordStoreTest, OpenIsRefusedWhenTheFormatIsUnknown) {
  Create();
  PutOnDisk(rocksdb::kDefaultColumnFamilyName, kFormatKey, EncodeNumber(kRecordFormat + 1));
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(RocksRecordStoreTest, StoreOfTheFormatBeforeIsTakenOver) {
  Create();
  PutOnDisk(rocksdb::kDefaultColumnFamilyName, kFormatKey, EncodeNumber(kOldestRecordFormat));
  ASSERT_THAT(Open(), IsOk());
  OnDisk([&](rocksdb::DB& db, const Families& families) {
    std::string format;
    ASSERT_TRUE(
        db.Get({}, families.at(rocksdb::kDefaultColumnFamilyName), std::string(kFormatKey), &format)
            .ok());
    EXPECT_EQ(DecodeNumber(format), kRecordFormat);
  });
  PutOnDisk(rocksdb::kDefaultColumnFamilyName, kFormatKey, EncodeNumber(kOldestRecordFormat - 1));
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(RocksRecordStoreTest, OpenIsRefusedWhenTheVersionLimitDoesNotDecode) {
  Create();
  PutOnDisk(rocksdb::kDefaultColumnFamilyName, kVersionLimitKey, "few");
  EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RocksRecordStoreTest, CallsAreRefusedWhenThePartitionHeaderDoesNotDecode) {
  Create();
  PutOnDisk("partitions", "p", "?");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  EXPECT_THAT(store->Get("p", {}), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store->Scan("p", "", "", 1, std::nullopt), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store->Commit("p", NumberedRequest(2), {}, {}), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RocksRecordStoreTest, CommitIsRefusedWhenItsOutcomeDoesNotDecode) {
  Create();
  PutOnDisk("outcomes", OutcomeKey("p", NumberedRequest(1)), "?");
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  EXPECT_THAT(store->Commit("p", NumberedRequest(1), {}, {}), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RocksRecordStoreTest, CommitIsRefusedWhenThePartitionIsNewerThanTheStore) {
  Create();
  PutOnDisk("partitions", "p", EncodePartitionHeader({.version = 1'000'000, .keys = 1}));
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  EXPECT_THAT(store->Commit("p", NumberedRequest(2), {}, {}), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RocksRecordStoreTest, ReadIsRefusedWhenItsBlockIsDamaged) {
  const std::string needle = "a value that stands out";
  {
    ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
    ASSERT_THAT(store->Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", needle)}), IsOk());
  }
  // Recovery moves what is in the log into a table.
  ASSERT_THAT(Open(), IsOk());
  int damaged = 0;
  for (const auto& entry : std::filesystem::directory_iterator(records())) {
    if (entry.path().extension() != ".sst") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes(std::istreambuf_iterator<char>(in), {});
    const size_t at = bytes.find(needle);
    if (at == std::string::npos) continue;
    bytes[at] ^= 1;
    std::ofstream(entry.path(), std::ios::binary) << bytes;
    ++damaged;
  }
  ASSERT_EQ(damaged, 1);
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  EXPECT_THAT(store->Get("p", {"k"}), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store->Scan("p", "", "", 1, std::nullopt), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store->Commit("p", NumberedRequest(2), {Precondition::KeyPresent("k")}, {}),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RocksRecordStoreTest, DirectoriesAreMadeForTheOwnerAlone) {
  const std::string deep = directory_.path() + "/a/b";
  ASSERT_THAT(OpenRocksRecordStore(deep), IsOk());
  for (const std::string& made : {directory_.path() + "/a", deep, deep + "/records"}) {
    struct stat info;
    ASSERT_EQ(stat(made.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u) << made;
  }
}

TEST_F(RocksRecordStoreTest, ExpiredOutcomesLeaveTheDisk) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  for (uint64_t request = 1; request <= 20; ++request) {
    ASSERT_THAT(store->Commit("p", NumberedRequest(request), {}, {Mutation::Put("k", "v")}),
                IsOk());
  }
  clock_.Advance(kHourMs);
  ASSERT_OK_AND_ASSIGN(PartitionVersion version,
                       store->Commit("p", NumberedRequest(21), {}, {Mutation::DeletePartition()}));
  ASSERT_THAT(store->DropExpiredOutcomes(), IsOk());
  EXPECT_THAT(store->Commit("p", NumberedRequest(21), {}, {}), IsOkAndHolds(version));
  store.reset();
  EXPECT_EQ(CountOnDisk("outcomes"), 1u);
}

TEST_F(RocksRecordStoreTest, DeletedPartitionLeavesNothingButOutcomes) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<RocksRecordStore> store, Open());
  uint64_t request = 0;
  for (const std::string partition : {"small", "large"}) {
    const int commits = partition == "small" ? 1 : 20;
    for (int i = 0; i < commits; ++i) {
      std::vector<Mutation> mutations;
      for (size_t k = 0; k < kMaxCommitOperations; ++k) {
        mutations.push_back(Mutation::Put(std::to_string(i) + "/" + std::to_string(k), "v"));
      }
      ASSERT_THAT(store->Commit(partition, NumberedRequest(++request), {}, mutations), IsOk());
    }
    ASSERT_THAT(
        store->Commit(partition, NumberedRequest(++request), {}, {Mutation::DeletePartition()}),
        IsOk());
  }
  store.reset();
  EXPECT_EQ(CountOnDisk("records"), 0u);
  EXPECT_EQ(CountOnDisk("partitions"), 0u);
  EXPECT_EQ(CountOnDisk("outcomes"), request);
}

}  // namespace
}  // namespace comity
