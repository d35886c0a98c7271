#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "services/common/store/rocksdb_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

// What is erased leaves every file of the store, wherever the database has put it, and nothing else
// does.
namespace comity {
namespace {

constexpr size_t kValueBytes = 64;
// Many times the buffer, so that values lie in files of several levels.
constexpr size_t kBufferBytes = 64 << 10;
constexpr int kOthers = 200;
constexpr size_t kOtherBytes = 4 << 10;

class RocksEraserTest : public ::testing::Test {
 protected:
  RocksEraserTest() { Open(); }

  void Open(std::chrono::milliseconds erase_after = std::chrono::hours(1),
            std::chrono::milliseconds patience = std::chrono::seconds(30)) {
    store_.reset();
    auto store = RocksRecordStore::Open(directory_.path(), {.clock = &clock_,
                                                            .write_buffer_bytes = kBufferBytes,
                                                            .erase_after = erase_after,
                                                            .erase_patience = patience});
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
  }
  void Commit(const std::string& partition, const std::vector<Mutation>& mutations) {
    ASSERT_THAT(store_->Commit(partition, RandomId<RequestId>(), {}, mutations), IsOk());
  }
  std::string Put(const std::string& partition, const std::string& key) {
    const std::string value = RandomBytes(kValueBytes);
    Commit(partition, {Mutation::Put(key, value)});
    return value;
  }
  // Before, between and after the partitions that are looked at.
  void PutOthers() {
    for (int i = 0; i < kOthers; ++i) {
      Commit("abcd"[i % 4] + std::string("/other ") + std::to_string(i % 40),
             {Mutation::Put("key " + std::to_string(i), RandomBytes(kOtherBytes))});
    }
  }
  bool SomeFileHolds(const std::string& value) const {
    const std::filesystem::recursive_directory_iterator files(directory_.path());
    return std::any_of(begin(files), end(files), [&](const auto& entry) {
      if (!entry.is_regular_file()) return false;
      const absl::StatusOr<std::string> bytes = ReadFile(entry.path().string());
      return bytes.ok() && bytes->find(value) != std::string::npos;
    });
  }
  std::string Read(const std::string& partition, const std::string& key) {
    const absl::StatusOr<Snapshot> snapshot = store_->Get(partition, {key});
    const std::string* const value = snapshot.ok() ? snapshot->Find(key) : nullptr;
    return value == nullptr ? "" : *value;
  }

  const TempDir directory_;
  ManualClock clock_;
  std::unique_ptr<RocksRecordStore> store_;
};

TEST_F(RocksEraserTest, ValueThatIsInTheLogAloneLeavesIt) {
  const std::string value = Put("b/account", "key");
  const std::string kept = Put("b/account", "other");
  Commit("b/account", {Mutation::Erase("key")});
  EXPECT_EQ(store_->owed_erasures(), 1u);
  ASSERT_TRUE(SomeFileHolds(value)) << "erasing alone takes nothing out of a file";
  ASSERT_THAT(store_->EraseNow(), IsOk());
  EXPECT_FALSE(SomeFileHolds(value));
  EXPECT_EQ(store_->owed_erasures(), 0u);
  EXPECT_TRUE(SomeFileHolds(kept));
  EXPECT_EQ(Read("b/account", "other"), kept);
  EXPECT_EQ(Read("b/account", "key"), "");
}

TEST_F(RocksEraserTest, ValuesLeaveFilesOfEveryLevel) {
  // The oldest is carried down furthest.
  std::vector<std::string> values;
  for (int i = 0; i < 4; ++i) {
    values.push_back(Put("b/account", "key"));
    values.push_back(Put("c/account " + std::to_string(i), "key"));
    PutOthers();
  }
  const std::string kept = Put("c/account 9", "key");
  Commit("b/account", {Mutation::Erase("key")});
  PutOthers();
  for (int i = 0; i < 4; ++i) {
    Commit("c/account " + std::to_string(i), {Mutation::Erase("key")});
  }
  ASSERT_TRUE(SomeFileHolds(values.back()));
  ASSERT_THAT(store_->EraseNow(), IsOk());
  for (const std::string& value : values) EXPECT_FALSE(SomeFileHolds(value));
  EXPECT_EQ(Read("c/account 9", "key"), kept);
  Open();
  EXPECT_EQ(store_->owed_erasures(), 0u);
  EXPECT_EQ(Read("c/account 9", "key"), kept);
}

TEST_F(RocksEraserTest, ValuesOfManyPartitionsLeaveTogether) {
  std::vector<std::string> values;
  for (int i = 0; i < 100; ++i) values.push_back(Put("b/account " + std::to_string(i), "key"));
  PutOthers();
  for (int i = 0; i < 100; ++i) {
    Commit("b/account " + std::to_string(i), {Mutation::Erase("key")});
  }
  EXPECT_EQ(store_->owed_erasures(), 100u);
  ASSERT_THAT(store_->EraseNow(), IsOk());
  for (const std::string& value : values) EXPECT_FALSE(SomeFileHolds(value));
}

TEST_F(RocksEraserTest, WhatIsOwedOutlivesTheStore) {
  const std::string value = Put("b/account", "key");
  PutOthers();
  Commit("b/account", {Mutation::Erase("key")});
  Open();
  EXPECT_EQ(store_->owed_erasures(), 1u);
  ASSERT_TRUE(SomeFileHolds(value));
  ASSERT_THAT(store_->EraseNow(), IsOk());
  EXPECT_FALSE(SomeFileHolds(value));
}

// A folder stands for a table file that was left and cannot be removed: the database tries to.
TEST_F(RocksEraserTest, NothingIsForgottenWhileAFileThatIsNotInUseIsThere) {
  Open(std::chrono::hours(1), std::chrono::milliseconds(200));
  const std::string value = Put("b/account", "key");
  const std::filesystem::path left = directory_.path() + "/records/000001.sst";
  Commit("b/account", {Mutation::Erase("key")});
  std::filesystem::create_directory(left);
  // Again, when its own files have long been rewritten.
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(store_->EraseNow(), RefusedWith(Reason::kStoreUnavailable));
    EXPECT_EQ(store_->owed_erasures(), 1u);
  }
  std::filesystem::remove(left);
  ASSERT_THAT(store_->EraseNow(), IsOk());
  EXPECT_EQ(store_->owed_erasures(), 0u);
  EXPECT_FALSE(SomeFileHolds(value));
}

TEST_F(RocksEraserTest, ItIsWorkedOffByItself) {
  const std::string first = Put("b/account", "first");
  const std::string second = Put("b/account", "second");
  Commit("b/account", {Mutation::Erase("first")});
  // Owed from before, and owed from now on.
  Open(std::chrono::milliseconds(1));
  Commit("b/account", {Mutation::Erase("second")});
  while (store_->owed_erasures() != 0) std::this_thread::yield();
  EXPECT_FALSE(SomeFileHolds(first));
  EXPECT_FALSE(SomeFileHolds(second));
}

TEST_F(RocksEraserTest, KeyThatComesBackKeepsItsNewValue) {
  const std::string value = Put("b/account", "key");
  Commit("b/account", {Mutation::Erase("key")});
  const std::string next = Put("b/account", "key");
  ASSERT_THAT(store_->EraseNow(), IsOk());
  EXPECT_FALSE(SomeFileHolds(value));
  EXPECT_EQ(Read("b/account", "key"), next);
  // Erased in one commit with what takes its place.
  Commit("b/account", {Mutation::Erase("key"), Mutation::Put("key", value)});
  ASSERT_THAT(store_->EraseNow(), IsOk());
  EXPECT_FALSE(SomeFileHolds(next));
  EXPECT_EQ(Read("b/account", "key"), value);
}

TEST_F(RocksEraserTest, NothingIsOwedForAKeyThatIsNotThere) {
  const std::string kept = Put("b/account", "other");
  Commit("b/account", {Mutation::Erase("key")});
  EXPECT_EQ(store_->owed_erasures(), 0u);
  EXPECT_THAT(store_->EraseNow(), IsOk());
  EXPECT_EQ(Read("b/account", "other"), kept);
}

TEST_F(RocksEraserTest, DeletedPartitionOwesWhatWasErasedBefore) {
  const std::string value = Put("b/account", "key");
  Commit("b/account", {Mutation::Erase("key"), Mutation::DeletePartition()});
  EXPECT_EQ(store_->owed_erasures(), 1u);
  ASSERT_THAT(store_->EraseNow(), IsOk());
  EXPECT_FALSE(SomeFileHolds(value));
}

TEST_F(RocksEraserTest, OthersReadAndWriteMeanwhile) {
  std::atomic<bool> over{false};
  std::vector<std::string> last(2);
  std::vector<std::thread> threads;
  for (size_t who = 0; who < last.size(); ++who) {
    threads.emplace_back([&, who] {
      for (int i = 0; !over; ++i) {
        const std::string partition = "b/writer " + std::to_string(who);
        last[who] = Put(partition, "key " + std::to_string(i % 50));
        EXPECT_EQ(Read(partition, "key " + std::to_string(i % 50)), last[who]);
      }
    });
  }
  for (int i = 0; i < 3; ++i) {
    const std::string value = Put("b/account", "key");
    PutOthers();
    Commit("b/account", {Mutation::Erase("key")});
    EXPECT_THAT(store_->EraseNow(), IsOk());
    EXPECT_FALSE(SomeFileHolds(value));
  }
  over = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace comity
