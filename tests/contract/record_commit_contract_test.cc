#include <string>
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
class RecordCommitContract : public RecordStoreFixture<Backend> {};
TYPED_TEST_SUITE(RecordCommitContract, RecordStores);

TYPED_TEST(RecordCommitContract, ValueIsReadBackAfterCommit) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "k", "v"));
  EXPECT_GT(version, 0u);
  EXPECT_EQ(this->VersionOf("p"), version);
  EXPECT_THAT(this->ValueOf("p", "k"), Optional(std::string("v")));
}

TYPED_TEST(RecordCommitContract, AnyBytesAreKeptAsTheyAre) {
  const std::string key("\0\xff/\n", 4);
  const std::string value("\xff\0\x01", 3);
  const std::string partition("\0\xff", 2);
  ASSERT_THAT(this->Put(partition, key, value), IsOk());
  EXPECT_THAT(this->ValueOf(partition, key), Optional(value));
}

TYPED_TEST(RecordCommitContract, VersionGrowsWithEachCommit) {
  PartitionVersion last = 0;
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "k", "v"));
    EXPECT_GT(version, last);
    last = version;
  }
}

TYPED_TEST(RecordCommitContract, VersionStaysWhenAnotherPartitionChanges) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "k", "v"));
  ASSERT_THAT(this->Put("q", "k", "v"), IsOk());
  EXPECT_EQ(this->VersionOf("p"), version);
}

TYPED_TEST(RecordCommitContract, AllMutationsApplyTogether) {
  ASSERT_THAT(this->Put("p", "old", "v"), IsOk());
  ASSERT_THAT(
      this->Commit("p", {},
                   {Mutation::Put("a", "1"), Mutation::Put("b", "2"), Mutation::Delete("old")}),
      IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_THAT(page.items, ElementsAre(std::pair("a", "1"), std::pair("b", "2")));
}

TYPED_TEST(RecordCommitContract, LaterMutationOfAKeyWins) {
  ASSERT_THAT(
      this->Commit("p", {},
                   {Mutation::Put("a", "1"), Mutation::Delete("a"), Mutation::Delete("b"),
                    Mutation::Put("b", "1"), Mutation::Put("c", "1"), Mutation::Put("c", "2")}),
      IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_THAT(page.items, ElementsAre(std::pair("b", "1"), std::pair("c", "2")));
}

TYPED_TEST(RecordCommitContract, ErasingIsDeleting) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  ASSERT_THAT(this->Put("p", "l", "v"), IsOk());
  ASSERT_THAT(this->Commit("p", {Precondition::KeyPresent("k")},
                           {Mutation::Erase("k"), Mutation::Erase("absent"), Mutation::Erase("l"),
                            Mutation::Put("l", "w")}),
              IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_THAT(page.items, ElementsAre(std::pair("l", "w")));
  EXPECT_THAT(this->Commit("p", {}, {Mutation::Erase("req/x")}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(this->Commit("p", {}, {Mutation::Erase("")}), RefusedWith(Reason::kFieldInvalid));
}

TYPED_TEST(RecordCommitContract, PartitionStaysWhenItsLastKeyIsDeleted) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Commit("p", {}, {Mutation::Delete("k")}));
  EXPECT_EQ(this->VersionOf("p"), version);
  EXPECT_THAT(this->Commit("p", {Precondition::PartitionAbsent()}, {Mutation::Put("k", "v")}),
              RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordCommitContract, PartitionStaysAbsentWhenNothingIsPut) {
  ASSERT_THAT(this->Commit("p", {}, {Mutation::Delete("k")}), IsOk());
  ASSERT_THAT(this->Commit("p", {}, {}), IsOk());
  ASSERT_THAT(this->Commit("p", {}, {Mutation::DeletePartition()}), IsOk());
  EXPECT_EQ(this->VersionOf("p"), 0u);
  EXPECT_THAT(this->store().Partitions("", "", 10), IsOkAndHolds(IsEmpty()));
}

TYPED_TEST(RecordCommitContract, CommitWithoutMutationsRaisesTheVersion) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion before, this->Put("p", "k", "v"));
  ASSERT_OK_AND_ASSIGN(PartitionVersion after, this->Commit("p", {}, {}));
  EXPECT_GT(after, before);
  EXPECT_EQ(this->VersionOf("p"), after);
}

// Preconditions.

TYPED_TEST(RecordCommitContract, AppliesWhenEveryPreconditionHolds) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "k", "v"));
  EXPECT_THAT(this->Commit("p",
                           {Precondition::VersionIs(version), Precondition::KeyPresent("k"),
                            Precondition::ValueIs("k", "v"), Precondition::KeyAbsent("other")},
                           {Mutation::Put("k", "w")}),
              IsOk());
  EXPECT_THAT(this->Commit("q", {Precondition::PartitionAbsent(), Precondition::VersionIs(0)},
                           {Mutation::Put("k", "v")}),
              IsOk());
}

TYPED_TEST(RecordCommitContract, ConflictsWhenVersionDiffers) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "k", "v"));
  EXPECT_THAT(this->Commit("p", {Precondition::VersionIs(version + 1)}, {Mutation::Delete("k")}),
              RefusedWith(Reason::kConflict));
  EXPECT_THAT(this->Commit("p", {Precondition::VersionIs(0)}, {Mutation::Delete("k")}),
              RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordCommitContract, ConflictsWhenPartitionExists) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  EXPECT_THAT(this->Commit("p", {Precondition::PartitionAbsent()}, {Mutation::Put("k", "w")}),
              RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordCommitContract, ConflictsWhenKeyIsPresent) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  EXPECT_THAT(this->Commit("p", {Precondition::KeyAbsent("k")}, {Mutation::Put("k", "w")}),
              RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordCommitContract, ConflictsWhenKeyIsAbsent) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  EXPECT_THAT(this->Commit("p", {Precondition::KeyPresent("other")}, {Mutation::Put("k", "w")}),
              RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordCommitContract, ConflictsWhenValueDiffersOrIsAbsent) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  EXPECT_THAT(this->Commit("p", {Precondition::ValueIs("k", "w")}, {Mutation::Put("k", "w")}),
              RefusedWith(Reason::kConflict));
  EXPECT_THAT(this->Commit("p", {Precondition::ValueIs("other", "v")}, {Mutation::Put("k", "w")}),
              RefusedWith(Reason::kConflict));
}

TYPED_TEST(RecordCommitContract, PreconditionsSeeThePartitionBeforeTheMutations) {
  EXPECT_THAT(this->Commit("p", {Precondition::KeyAbsent("k")}, {Mutation::Put("k", "v")}), IsOk());
  EXPECT_THAT(this->Commit("p", {Precondition::KeyPresent("k")}, {Mutation::Delete("k")}), IsOk());
}

TYPED_TEST(RecordCommitContract, ConflictChangesNothing) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion version, this->Put("p", "k", "v"));
  ASSERT_THAT(this->Commit("p", {Precondition::KeyPresent("k"), Precondition::KeyPresent("no")},
                           {Mutation::Put("k", "w"), Mutation::Put("l", "w")}),
              RefusedWith(Reason::kConflict));
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_EQ(page.version, version);
  EXPECT_THAT(page.items, ElementsAre(std::pair("k", "v")));
}

// Request ids.

TYPED_TEST(RecordCommitContract, RepeatedRequestGetsTheFirstOutcome) {
  const RequestId request = this->NewRequest();
  const std::vector<Precondition> absent = {Precondition::KeyAbsent("k")};
  ASSERT_OK_AND_ASSIGN(PartitionVersion first,
                       this->store().Commit("p", request, absent, {Mutation::Put("k", "v")}));
  ASSERT_THAT(this->Put("p", "k", "w"), IsOk());
  EXPECT_THAT(this->store().Commit("p", request, absent, {Mutation::Put("k", "v")}),
              IsOkAndHolds(first));
  EXPECT_THAT(this->ValueOf("p", "k"), Optional(std::string("w")));
}

TYPED_TEST(RecordCommitContract, RequestIdBelongsToItsPartition) {
  const RequestId request = this->NewRequest();
  ASSERT_THAT(this->store().Commit("p", request, {}, {Mutation::Put("k", "v")}), IsOk());
  ASSERT_THAT(this->store().Commit("q", request, {}, {Mutation::Put("k", "w")}), IsOk());
  EXPECT_THAT(this->ValueOf("q", "k"), Optional(std::string("w")));
}

TYPED_TEST(RecordCommitContract, ConflictIsNotKeptUnderItsRequestId) {
  const RequestId request = this->NewRequest();
  const std::vector<Precondition> present = {Precondition::KeyPresent("k")};
  ASSERT_THAT(this->store().Commit("p", request, present, {Mutation::Put("l", "v")}),
              RefusedWith(Reason::kConflict));
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  EXPECT_THAT(this->store().Commit("p", request, present, {Mutation::Put("l", "v")}), IsOk());
}

TYPED_TEST(RecordCommitContract, OutcomeIsKeptForAnHourThroughOtherCommits) {
  const RequestId request = this->NewRequest();
  ASSERT_OK_AND_ASSIGN(PartitionVersion first,
                       this->store().Commit("p", request, {}, {Mutation::Put("k", "v")}));
  for (int i = 0; i < 50; ++i) ASSERT_THAT(this->Put("p", "k", "w"), IsOk());
  this->clock().Advance(kHourMs - 1);
  ASSERT_THAT(this->Put("p", "k", "x"), IsOk());
  EXPECT_THAT(this->store().Commit("p", request, {}, {Mutation::Put("k", "v")}),
              IsOkAndHolds(first));
  EXPECT_THAT(this->ValueOf("p", "k"), Optional(std::string("x")));
}

TYPED_TEST(RecordCommitContract, RequestIsNewAgainWhenItsOutcomeIsAnHourOld) {
  const RequestId request = this->NewRequest();
  ASSERT_OK_AND_ASSIGN(PartitionVersion first,
                       this->store().Commit("p", request, {}, {Mutation::Put("k", "v")}));
  this->clock().Advance(kHourMs);
  ASSERT_OK_AND_ASSIGN(PartitionVersion second,
                       this->store().Commit("p", request, {}, {Mutation::Put("k", "w")}));
  EXPECT_GT(second, first);
  EXPECT_THAT(this->store().Commit("p", request, {}, {}), IsOkAndHolds(second));
  EXPECT_THAT(this->ValueOf("p", "k"), Optional(std::string("w")));
}

TYPED_TEST(RecordCommitContract, OutcomeOutlivesItsPartition) {
  const RequestId create = this->NewRequest();
  ASSERT_OK_AND_ASSIGN(PartitionVersion created,
                       this->store().Commit("p", create, {}, {Mutation::Put("k", "v")}));
  const RequestId remove = this->NewRequest();
  ASSERT_OK_AND_ASSIGN(PartitionVersion removed,
                       this->store().Commit("p", remove, {}, {Mutation::DeletePartition()}));
  EXPECT_THAT(this->store().Commit("p", create, {}, {Mutation::Put("k", "v")}),
              IsOkAndHolds(created));
  EXPECT_EQ(this->VersionOf("p"), 0u);
  ASSERT_THAT(this->Put("p", "k", "new"), IsOk());
  EXPECT_THAT(this->store().Commit("p", remove, {}, {Mutation::DeletePartition()}),
              IsOkAndHolds(removed));
  EXPECT_THAT(this->ValueOf("p", "k"), Optional(std::string("new")));
}

// Deleting partitions.

TYPED_TEST(RecordCommitContract, DeletedPartitionIsAbsent) {
  ASSERT_THAT(this->Put("p", "k", "v"), IsOk());
  ASSERT_THAT(this->Put("q", "k", "v"), IsOk());
  ASSERT_OK_AND_ASSIGN(PartitionVersion deleted,
                       this->Commit("p", {}, {Mutation::DeletePartition()}));
  EXPECT_GT(deleted, 0u);
  ASSERT_OK_AND_ASSIGN(Snapshot snapshot, this->store().Get("p", {"k"}));
  EXPECT_EQ(snapshot.version, 0u);
  EXPECT_THAT(snapshot.values, IsEmpty());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_THAT(page.items, IsEmpty());
  EXPECT_THAT(this->store().Partitions("", "", 10), IsOkAndHolds(ElementsAre("q")));
  EXPECT_THAT(this->ValueOf("q", "k"), Optional(std::string("v")));
}

TYPED_TEST(RecordCommitContract, VersionDoesNotRepeatWhenPartitionIsMadeAgain) {
  ASSERT_OK_AND_ASSIGN(PartitionVersion first, this->Put("p", "k", "v"));
  ASSERT_OK_AND_ASSIGN(PartitionVersion deleted,
                       this->Commit("p", {}, {Mutation::DeletePartition()}));
  EXPECT_GT(deleted, first);
  ASSERT_OK_AND_ASSIGN(PartitionVersion again, this->Commit("p", {Precondition::PartitionAbsent()},
                                                            {Mutation::Put("l", "v")}));
  EXPECT_GT(again, deleted);
  EXPECT_EQ(this->ValueOf("p", "k"), std::nullopt);
}

TYPED_TEST(RecordCommitContract, PutsAfterDeletePartitionStartItAnew) {
  ASSERT_THAT(this->Commit("p", {}, {Mutation::Put("a", "1"), Mutation::Put("b", "1")}), IsOk());
  ASSERT_THAT(this->Commit("p", {Precondition::KeyPresent("a")},
                           {Mutation::Put("c", "1"), Mutation::DeletePartition(),
                            Mutation::Delete("b"), Mutation::Put("a", "2")}),
              IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_THAT(page.items, ElementsAre(std::pair("a", "2")));
}

TYPED_TEST(RecordCommitContract, DeletePartitionRemovesManyKeysAndNoNeighbours) {
  this->Fill("p", 1500);
  ASSERT_THAT(this->Put("o", "k", "v"), IsOk());
  ASSERT_THAT(this->Put("q", "k", "v"), IsOk());
  ASSERT_THAT(this->Put("p\1", "k", "v"), IsOk());
  ASSERT_THAT(this->Commit("p", {}, {Mutation::DeletePartition(), Mutation::Put("k7", "new")}),
              IsOk());
  ASSERT_OK_AND_ASSIGN(ScanPage page, this->store().Scan("p", "", "", 10));
  EXPECT_THAT(page.items, ElementsAre(std::pair("k7", "new")));
  for (const char* neighbour : {"o", "q", "p\1"}) {
    EXPECT_THAT(this->ValueOf(neighbour, "k"), Optional(std::string("v"))) << neighbour;
  }
}

}  // namespace
}  // namespace comity
