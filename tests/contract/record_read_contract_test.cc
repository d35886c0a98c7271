#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/contract/record_store_fixture.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

template <typename Backend>
class RecordReadContract : public RecordStoreFixture<Backend> {
 protected:
  std::vector<std::string> KeysIn(std::string_view partition, std::string_view begin,
                                  std::string_view end) {
    std::vector<std::string> keys;
    const ScanPage page = this->store().Scan(partition, begin, end, 100).value();
    for (const auto& item : page.items) {
      keys.push_back(item.first);
    }
    return keys;
  }
};
TYPED_TEST_SUITE(RecordReadContract, RecordStores);

TYPED_TEST(RecordReadContract, AbsentPartitionHasVersionZeroAndNoValues) {
  ASSERT_OK_AND_ASSIGN(Snapshot snapshot, this->store().Get("p", {"k"}));
  EXPECT_EQ(snapshot.version, 0u);
  EXPECT_THAT(snapshot.values, IsEmpty());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10, 0));
  EXPECT_EQ(page.version, 0u);
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_FALSE(page.more);
}

TYPED_TEST(RecordReadContract, GetGivesOnlyTheKeysThatExist) {
  ASSERT_THAT(this->Commit("p", {}, {Mutation::Put("a", "1"), Mutation::Put("b", "2")}), IsOk());
  ASSERT_OK_AND_ASSIGN(Snapshot snapshot, this->store().Get("p", {"b", "no", "a", "b"}));
  EXPECT_THAT(snapshot.values, ElementsAre(std::pair("a", "1"), std::pair("b", "2")));
  EXPECT_EQ(snapshot.Find("no"), nullptr);
}

TYPED_TEST(RecordReadContract, PartitionsDoNotSeeEachOther) {
  // Each pair would meet if partition and key were only strung together.
  ASSERT_THAT(this->Put("a", "bc", "1"), IsOk());
  ASSERT_THAT(this->Put("ab", "c", "2"), IsOk());
  ASSERT_THAT(this->Put("a/", "b", "3"), IsOk());
  ASSERT_THAT(this->Put(std::string("a\0", 2), "b", "4"), IsOk());
  EXPECT_THAT(this->KeysIn("a", "", ""), ElementsAre("bc"));
  EXPECT_THAT(this->KeysIn("ab", "", ""), ElementsAre("c"));
  EXPECT_THAT(this->ValueOf("a", "bc"), Optional(std::string("1")));
  EXPECT_THAT(this->ValueOf("ab", "c"), Optional(std::string("2")));
  EXPECT_THAT(this->KeysIn("a/", "", ""), ElementsAre("b"));
  EXPECT_EQ(this->ValueOf("a", "/b"), std::nullopt);
}

TYPED_TEST(RecordReadContract, ScanGoesByKeyBytes) {
  const std::vector<std::string> keys = {
      std::string("\0", 1), std::string("a\0", 2), "a", "\xff", "\xff\xff", "b"};
  for (const std::string& key : keys) ASSERT_THAT(this->Put("p", key, "v"), IsOk());
  EXPECT_THAT(
      this->KeysIn("p", "", ""),
      ElementsAre(std::string("\0", 1), "a", std::string("a\0", 2), "b", "\xff", "\xff\xff"));
}

TYPED_TEST(RecordReadContract, ScanIncludesBeginAndExcludesEnd) {
  for (const char* key : {"a", "b", "c", "d"}) ASSERT_THAT(this->Put("p", key, "v"), IsOk());
  EXPECT_THAT(this->KeysIn("p", "b", "d"), ElementsAre("b", "c"));
  EXPECT_THAT(this->KeysIn("p", "bb", ""), ElementsAre("c", "d"));
  EXPECT_THAT(this->KeysIn("p", "c", "c"), IsEmpty());
  EXPECT_THAT(this->KeysIn("p", "d", "a"), IsEmpty());
}

TYPED_TEST(RecordReadContract, PagesOfOneVersionJoinUp) {
  for (const char* key : {"a", "b", "c", "d", "e"}) ASSERT_THAT(this->Put("p", key, key), IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage first, this->store().Scan("p", "", "", 3));
  EXPECT_THAT(first.items,
              ElementsAre(std::pair("a", "a"), std::pair("b", "b"), std::pair("c", "c")));
  EXPECT_TRUE(first.more);
  ASSERT_OK_AND_ASSIGN(ScanPage second, this->store().Scan("p", first.items.back().first + '\0', "",
                                                           3, first.version));
  EXPECT_THAT(second.items, ElementsAre(std::pair("d", "d"), std::pair("e", "e")));
  EXPECT_FALSE(second.more);
}

TYPED_TEST(RecordReadContract, ScanEndsWithoutMoreWhenTheLimitIsMetExactly) {
  for (const char* key : {"a", "b"}) ASSERT_THAT(this->Put("p", key, "v"), IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 2));
  EXPECT_EQ(page.items.size(), 2u);
  EXPECT_FALSE(page.more);
}

TYPED_TEST(RecordReadContract, ScanConflictsWhenTheVersionHasPassed) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "a", "v"));
  EXPECT_THAT(this->store().Scan("p", "", "", 1, version), IsOk());
  ASSERT_THAT(this->Put("p", "b", "v"), IsOk());
  EXPECT_THAT(this->store().Scan("p", "", "", 1, version), RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordReadContract, ScanConflictsWhenThePartitionIsDeleted) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "a", "v"));
  ASSERT_THAT(this->Commit("p", {}, {Mutation::DeletePartition()}), IsOk());
  EXPECT_THAT(this->store().Scan("p", "", "", 1, version), RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordReadContract, PageOfLargeValuesEndsSooner) {
  const std::string large(1'000'000, 'v');
  for (int i = 0; i < 8; ++i) ASSERT_THAT(this->Put("p", std::to_string(i), large), IsOk());
  size_t seen = 0;
  std::string begin;
  for (bool more = true; more;) {
    ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", begin, "", kMaxPageItems));
    ASSERT_THAT(page.items,
                ::testing::SizeIs(::testing::AllOf(::testing::Ge(1), ::testing::Le(6))));
    seen += page.items.size();
    begin = page.items.back().first + '\0';
    more = page.more;
  }
  EXPECT_EQ(seen, 8u);
}

TYPED_TEST(RecordReadContract, PartitionsAreListedByPrefixInPages) {
  for (const char* name : {"a/1", "b/1", "b/2", "b/3", "b", "c"}) {
    ASSERT_THAT(this->Put(name, "k", "v"), IsOk());
  }
  EXPECT_THAT(this->store().Partitions("b/", "", 2), IsOkAndHolds(ElementsAre("b/1", "b/2")));
  EXPECT_THAT(this->store().Partitions("b/", "b/2", 2), IsOkAndHolds(ElementsAre("b/3")));
  EXPECT_THAT(this->store().Partitions("b/", "b/3", 2), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(this->store().Partitions("b/", "c", 2), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(this->store().Partitions("b/", "a", 1), IsOkAndHolds(ElementsAre("b/1")));
  EXPECT_THAT(this->store().Partitions("", "b/3", 9), IsOkAndHolds(ElementsAre("c")));
}

TYPED_TEST(RecordReadContract, ReadsNeverSeeHalfACommit) {
  ASSERT_THAT(this->Commit("p", {}, {Mutation::Put("a", "0"), Mutation::Put("b", "0")}), IsOk());
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (int i = 1; i <= 200; ++i) {
      const std::string value = std::to_string(i);
      EXPECT_THAT(this->Commit("p", {}, {Mutation::Put("a", value), Mutation::Put("b", value)}),
                  IsOk());
    }
    done.store(true);
  });
  PartitionVersion last = 0;
  std::string value_at_last;
  for (bool again = true; again;) {
    again = !done.load();
    const Snapshot snapshot = this->store().Get("p", {"a", "b"}).value();
    EXPECT_EQ(snapshot.values.at("a"), snapshot.values.at("b"));
    EXPECT_GE(snapshot.version, last);
    if (snapshot.version == last) {
      EXPECT_EQ(snapshot.values.at("a"), value_at_last);
    }
    const ScanPage page = this->store().Scan("p", "", "", 10).value();
    EXPECT_EQ(page.items.at(0).second, page.items.at(1).second);
    EXPECT_GE(page.version, snapshot.version);
    last = page.version;
    value_at_last = page.items.at(0).second;
  }
  writer.join();
  EXPECT_EQ(value_at_last, "200");
}

TYPED_TEST(RecordReadContract, NoIncrementIsLostWhenManyCompareAndSet) {
  constexpr int kThreads = 4;
  constexpr int kIncrements = 50;
  ASSERT_THAT(this->Put("p", "n", "0"), IsOk());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      uint64_t request = 1'000'000 * (t + 1);
      for (int applied = 0; applied < kIncrements;) {
        const Snapshot seen = this->store().Get("p", {"n"}).value();
        const std::string next = std::to_string(std::stoi(seen.values.at("n")) + 1);
        absl::StatusOr<PartitionVersion> result = this->store().Commit(
            "p", NumberedRequest(++request), {Precondition::VersionIs(seen.version)},
            {Mutation::Put("n", next), Mutation::Put("by", next)});
        if (result.ok()) {
          ++applied;
          // Linearizable: what this thread was told of, it sees.
          EXPECT_GE(this->store().Get("p", {}).value().version, *result);
        } else {
          EXPECT_EQ(ReasonOf(result.status()), Reason::kConflict);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(this->ValueOf("p", "n"), Optional(std::to_string(kThreads * kIncrements)));
}

}  // namespace
}  // namespace comity
