#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/contract/record_store_fixture.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

template <typename Backend>
class RecordLimitsContract : public RecordStoreFixture<Backend> {};
TYPED_TEST_SUITE(RecordLimitsContract, RecordStores);

TYPED_TEST(RecordLimitsContract, CommitTakesAsManyOperationsAsAllowed) {
  std::vector<Precondition> preconditions = {Precondition::PartitionAbsent()};
  std::vector<Mutation> mutations;
  while (preconditions.size() + mutations.size() < kMaxCommitOperations) {
    mutations.push_back(Mutation::Put("k" + std::to_string(mutations.size()), "v"));
  }
  EXPECT_THAT(this->Commit("p", preconditions, mutations), IsOk());
  preconditions = {Precondition::KeyPresent("k0"), Precondition::KeyPresent("k1")};
  EXPECT_THAT(this->Commit("p", preconditions, mutations), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, CommitTakesAsManyBytesAsAllowed) {
  const std::string value(kMaxCommitBytes - 1, 'v');
  EXPECT_THAT(this->Put("p", "k", value), IsOk());
  EXPECT_THAT(this->Put("p", "kk", value), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, BytesOfPreconditionsCount) {
  const std::string half(kMaxCommitBytes / 2, 'v');
  EXPECT_THAT(this->Commit("p", {Precondition::ValueIs("k", half)}, {Mutation::Put("k", half)}),
              RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, KeyIsRefusedWhenTooLong) {
  EXPECT_THAT(this->Put("p", std::string(kMaxKeyBytes, 'k'), "v"), IsOk());
  const std::string long_key(kMaxKeyBytes + 1, 'k');
  EXPECT_THAT(this->Put("p", long_key, "v"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().Get("p", {long_key}), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, EmptyKeyIsRefused) {
  EXPECT_THAT(this->Put("p", "", "v"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {}, {Mutation::Delete("")}), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {Precondition::KeyAbsent("")}, {}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().Get("p", {""}), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, EmptyValueIsRefused) {
  EXPECT_THAT(this->Put("p", "k", ""), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {Precondition::ValueIs("k", "")}, {}),
              RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, ReservedKeyIsRefusedInACommit) {
  EXPECT_THAT(this->Put("p", "req/x", "v"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {}, {Mutation::Delete("req/")}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {Precondition::KeyAbsent("req/x")}, {}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Put("p", "req", "v"), IsOk());
}

TYPED_TEST(RecordLimitsContract, OutcomesAreHiddenFromReads) {
  const RequestId request = this->NewRequest();
  ASSERT_THAT(this->store().Commit("p", request, {}, {Mutation::Put("k", "v")}), IsOk());
  ASSERT_OK_AND_ASSIGN(
      Snapshot snapshot,
      this->store().Get("p", {"req/" + request.ToString(), "req/" + std::string(request.bytes())}));
  EXPECT_TRUE(snapshot.values.empty());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_EQ(page.items.size(), 1u);
}

TYPED_TEST(RecordLimitsContract, ZeroRequestIdIsRefused) {
  EXPECT_THAT(this->store().Commit("p", RequestId(), {}, {Mutation::Put("k", "v")}),
              RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, PartitionNameIsRefusedWhenEmptyOrTooLong) {
  EXPECT_THAT(this->Put(std::string(kMaxPartitionNameBytes, 'p'), "k", "v"), IsOk());
  for (const std::string& name : {std::string(), std::string(kMaxPartitionNameBytes + 1, 'p')}) {
    EXPECT_THAT(this->Put(name, "k", "v"), RefusedWith(Reason::kFieldInvalid));
    EXPECT_THAT(this->store().Get(name, {}), RefusedWith(Reason::kFieldInvalid));
    EXPECT_THAT(this->store().Scan(name, "", "", 1), RefusedWith(Reason::kFieldInvalid));
  }
  const std::string long_name(kMaxPartitionNameBytes + 1, 'p');
  EXPECT_THAT(this->store().Partitions(long_name, "", 1), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().Partitions("", long_name, 1), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, PageLimitIsRefusedWhenOutOfRange) {
  for (size_t limit : {size_t{0}, kMaxPageItems + 1}) {
    EXPECT_THAT(this->store().Scan("p", "", "", limit), RefusedWith(Reason::kFieldInvalid));
    EXPECT_THAT(this->store().Partitions("", "", limit), RefusedWith(Reason::kFieldInvalid));
  }
  EXPECT_THAT(this->store().Scan("p", "", "", kMaxPageItems), IsOk());
  EXPECT_THAT(this->store().Partitions("", "", kMaxPageItems), IsOk());
}

TYPED_TEST(RecordLimitsContract, ScanBoundIsRefusedWhenTooLong) {
  const std::string after_longest = std::string(kMaxKeyBytes, 'k') + '\0';
  EXPECT_THAT(this->store().Scan("p", after_longest, "", 1), IsOk());
  EXPECT_THAT(this->store().Scan("p", after_longest + 'k', "", 1),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->store().Scan("p", "", after_longest + 'k', 1),
              RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordLimitsContract, FullPartitionTakesNoFurtherKey) {
  this->Fill("p", kMaxPartitionKeys);
  EXPECT_THAT(this->Put("p", "extra", "v"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Put("p", "k0", "w"), IsOk());
  EXPECT_THAT(this->Commit("p", {}, {Mutation::Put("extra", "v"), Mutation::Delete("k0")}), IsOk());
  EXPECT_THAT(this->Put("p", "k0", "v"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {}, {Mutation::DeletePartition()}), IsOk());
  EXPECT_THAT(this->Put("p", "extra", "v"), IsOk());
}

}  // namespace
}  // namespace comity
