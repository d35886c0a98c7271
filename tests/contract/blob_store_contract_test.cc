#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/open.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct FakeBlobs {
  std::unique_ptr<BlobStore> store = std::make_unique<FakeBlobStore>();
};

struct FileBlobs {
  TempDir directory;
  std::unique_ptr<BlobStore> store = OpenFileBlobStore(directory.path()).value();
};

template <typename Backend>
class BlobStoreContract : public ::testing::Test {
 protected:
  BlobStore& store() { return *backend_.store; }

  std::vector<std::string> Names(std::string_view prefix, std::string_view cursor, size_t limit) {
    std::vector<std::string> names;
    const std::vector<BlobStore::Entry> entries = store().List(prefix, cursor, limit).value();
    for (const BlobStore::Entry& entry : entries) {
      names.push_back(entry.name);
    }
    return names;
  }

 private:
  Backend backend_;
};
using BlobStores = ::testing::Types<FakeBlobs, FileBlobs>;
TYPED_TEST_SUITE(BlobStoreContract, BlobStores);

TYPED_TEST(BlobStoreContract, BlobIsReadBackAfterPut) {
  const std::string bytes("\0\xff\n@", 4);
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a/b.c_d-0", bytes), IsOk());
  EXPECT_THAT(this->store().Get("a/b.c_d-0"), IsOkAndHolds(bytes));
}

TYPED_TEST(BlobStoreContract, PutSucceedsAgainWhenBytesAreEqual) {
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a", "bytes"), IsOk());
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("a", "bytes"), IsOk());
  EXPECT_THAT(this->store().Get("a"), IsOkAndHolds(std::string("bytes")));
}

TYPED_TEST(BlobStoreContract, PutConflictsWhenBytesDiffer) {
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a", "bytes"), IsOk());
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("a", "other"), RefusedWith(Reason::kConflict));
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("a", "byte"), RefusedWith(Reason::kConflict));
  EXPECT_THAT(this->store().Get("a"), IsOkAndHolds(std::string("bytes")));
}

TYPED_TEST(BlobStoreContract, PutTakesOneByteToTheLargestBlob) {
  const std::string largest(kMaxBlobBytes, 'b');
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("a", "b"), IsOk());
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("large", largest), IsOk());
  EXPECT_THAT(this->store().Get("large"), IsOkAndHolds(largest));
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("larger", largest + "b"),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("empty", ""), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(BlobStoreContract, NameIsRefusedWhenMalformed) {
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"), std::string("."),
        std::string(".."), std::string("../a"), std::string("a/../b"), std::string("a/./b"),
        std::string("a/.."), std::string("A"), std::string("a b"), std::string("a@"),
        std::string("a\\b"), std::string("a\0b", 3), std::string("\xc3\xa9"), std::string("~"),
        std::string(kMaxBlobNameBytes + 1, 'a')}) {
    EXPECT_THAT(this->store().PutIfAbsentOrEqual(name, "b"), RefusedWith(Reason::kFieldInvalid))
        << name;
    EXPECT_THAT(this->store().Get(name), RefusedWith(Reason::kFieldInvalid)) << name;
    EXPECT_THAT(this->store().Delete(name), RefusedWith(Reason::kFieldInvalid)) << name;
  }
}

TYPED_TEST(BlobStoreContract, NameOfTheGreatestLengthIsTaken) {
  const std::string flat(kMaxBlobNameBytes, 'a');
  std::string deep = "b";
  while (deep.size() + 2 <= kMaxBlobNameBytes) deep += "/b";
  for (const std::string& name : {flat, deep, std::string("...a/..b"), std::string(".a")}) {
    ASSERT_THAT(this->store().PutIfAbsentOrEqual(name, "b"), IsOk()) << name;
    EXPECT_THAT(this->store().Get(name), IsOkAndHolds(std::string("b"))) << name;
  }
}

TYPED_TEST(BlobStoreContract, BlobAndFolderMayShareAName) {
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a", "1"), IsOk());
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a/b", "2"), IsOk());
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a/b/c", "3"), IsOk());
  EXPECT_THAT(this->store().Get("a"), IsOkAndHolds(std::string("1")));
  EXPECT_THAT(this->store().Get("a/b"), IsOkAndHolds(std::string("2")));
  EXPECT_THAT(this->store().Get("a/b/c"), IsOkAndHolds(std::string("3")));
}

TYPED_TEST(BlobStoreContract, GetFindsNothingWhenThereIsNoBlob) {
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a/b", "1"), IsOk());
  for (const char* name : {"a", "b", "a/c", "a/b/c", "c/d/e"}) {
    EXPECT_THAT(this->store().Get(name), RefusedWith(Reason::kObjectNotFound)) << name;
  }
}

TYPED_TEST(BlobStoreContract, DeletedBlobIsGoneAndMayComeBackOtherwise) {
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a/b", "1"), IsOk());
  ASSERT_THAT(this->store().Delete("a/b"), IsOk());
  EXPECT_THAT(this->store().Get("a/b"), RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(this->Names("", "", 10), IsEmpty());
  EXPECT_THAT(this->store().PutIfAbsentOrEqual("a/b", "2"), IsOk());
  EXPECT_THAT(this->store().Get("a/b"), IsOkAndHolds(std::string("2")));
}

TYPED_TEST(BlobStoreContract, DeleteSucceedsWhenThereIsNone) {
  EXPECT_THAT(this->store().Delete("a"), IsOk());
  EXPECT_THAT(this->store().Delete("a/b/c"), IsOk());
}

TYPED_TEST(BlobStoreContract, ListIsSortedByBytesAndPaged) {
  // A file system would order '-' and '.' against '/' otherwise.
  const std::vector<std::string> sorted = {"a", "a-b", "a.b", "a/b", "a/b/c", "a/c", "a0", "b/a"};
  for (auto it = sorted.rbegin(); it != sorted.rend(); ++it) {
    ASSERT_THAT(this->store().PutIfAbsentOrEqual(*it, "bytes"), IsOk());
  }
  EXPECT_EQ(this->Names("", "", 100), sorted);
  std::vector<std::string> paged;
  for (std::vector<std::string> page = this->Names("", "", 1); !page.empty();
       page = this->Names("", paged.back(), 1)) {
    paged.push_back(page.front());
  }
  EXPECT_EQ(paged, sorted);
}

TYPED_TEST(BlobStoreContract, ListKeepsToItsFolderAndCursor) {
  for (const char* name : {"a/1", "b", "b/1", "b/1/2", "b/3", "b0"}) {
    ASSERT_THAT(this->store().PutIfAbsentOrEqual(name, "bytes"), IsOk());
  }
  EXPECT_THAT(this->Names("b/", "", 10), ElementsAre("b/1", "b/1/2", "b/3"));
  EXPECT_THAT(this->Names("b/1/", "", 10), ElementsAre("b/1/2"));
  EXPECT_THAT(this->Names("b/", "b/1", 10), ElementsAre("b/1/2", "b/3"));
  EXPECT_THAT(this->Names("b/", "b/2", 10), ElementsAre("b/3"));
  EXPECT_THAT(this->Names("b/", "a", 2), ElementsAre("b/1", "b/1/2"));
  EXPECT_THAT(this->Names("b/", "c", 10), IsEmpty());
  EXPECT_THAT(this->Names("no/such/", "", 10), IsEmpty());
}

TYPED_TEST(BlobStoreContract, ListTellsSizeAndRealTime) {
  const auto now = [] {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  };
  // File times step coarsely and so may lag a little.
  const UnixMillis before = now() - kSecondMs;
  ASSERT_THAT(this->store().PutIfAbsentOrEqual("a", "bytes"), IsOk());
  ASSERT_OK_AND_ASSIGN(std::vector<BlobStore::Entry> entries, this->store().List("", "", 1));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].size, 5u);
  EXPECT_GE(entries[0].modified, before);
  EXPECT_LE(entries[0].modified, now());
}

TYPED_TEST(BlobStoreContract, ListIsRefusedWhenMalformed) {
  for (const char* prefix : {"a", "/", "a//", "../", "A/", "./"}) {
    EXPECT_THAT(this->store().List(prefix, "", 1), RefusedWith(Reason::kFieldInvalid)) << prefix;
  }
  EXPECT_THAT(this->store().List("", std::string(kMaxBlobNameBytes + 1, 'a'), 1),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().List("", "", 0), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().List("", "", kMaxBlobPageEntries + 1),
              RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(BlobStoreContract, OneOfManyDifferentPutsWins) {
  constexpr int kThreads = 4;
  for (int round = 0; round < 20; ++round) {
    const std::string name = "race/" + std::to_string(round);
    std::vector<absl::Status> results(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        results[t] = this->store().PutIfAbsentOrEqual(name, std::string(1000, 'a' + t));
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_OK_AND_ASSIGN(std::string winner, this->store().Get(name));
    int won = 0;
    for (int t = 0; t < kThreads; ++t) {
      if (results[t].ok()) {
        ++won;
        EXPECT_EQ(winner, std::string(1000, 'a' + t));
      } else {
        EXPECT_THAT(results[t], RefusedWith(Reason::kConflict));
      }
    }
    EXPECT_EQ(won, 1);
  }
}

TYPED_TEST(BlobStoreContract, AllOfManyEqualPutsSucceed) {
  for (int round = 0; round < 20; ++round) {
    const std::string name = "same/" + std::to_string(round) + "/x";
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back(
          [&] { EXPECT_THAT(this->store().PutIfAbsentOrEqual(name, "bytes"), IsOk()); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(this->store().Get(name), IsOkAndHolds(std::string("bytes")));
  }
}

}  // namespace
}  // namespace comity
