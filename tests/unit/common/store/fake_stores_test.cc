#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"

// The doors by which other suites make the stores fail.
namespace comity {
namespace {

TEST(FakeRecordStoreTest, CommitToldToFailUnappliedChangesNothing) {
  FakeRecordStore store;
  store.FailNextCommit(FakeRecordStore::Fate::kNotApplied);
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", "v")}),
              RefusedWith(Reason::kStoreUnavailable));
  EXPECT_EQ(store.applied(), 0u);
  EXPECT_EQ(store.Get("p", {})->version, 0u);
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", "v")}), IsOk());
  EXPECT_EQ(store.applied(), 1u);
}

TEST(FakeRecordStoreTest, CommitToldToFailAppliedAnswersItsRepetition) {
  FakeRecordStore store;
  store.FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", "v")}),
              RefusedWith(Reason::kStoreUnavailable));
  ASSERT_OK_AND_ASSIGN(Snapshot snapshot, store.Get("p", {"k"}));
  EXPECT_EQ(snapshot.values.at("k"), "v");
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", "v")}),
              IsOkAndHolds(snapshot.version));
  EXPECT_EQ(store.applied(), 1u);
}

TEST(FakeRecordStoreTest, ConflictDoesNotUseUpTheFailure) {
  FakeRecordStore store;
  store.FailNextCommit(FakeRecordStore::Fate::kNotApplied);
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {Precondition::KeyPresent("k")}, {}),
              RefusedWith(Reason::kConflict));
  EXPECT_THAT(store.Commit("p", NumberedRequest(2), {}, {}),
              RefusedWith(Reason::kStoreUnavailable));
}

TEST(FakeRecordStoreTest, EverythingIsRefusedWhileUnavailable) {
  FakeRecordStore store;
  store.SetUnavailable(true);
  EXPECT_THAT(store.Get("p", {}), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Scan("p", "", "", 1), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Partitions("", "", 1), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {}, {}),
              RefusedWith(Reason::kStoreUnavailable));
  store.SetUnavailable(false);
  EXPECT_THAT(store.Commit("p", NumberedRequest(1), {}, {}), IsOk());
}

TEST(FakeBlobStoreTest, PutToldToFailIsAppliedOrNot) {
  FakeBlobStore store;
  store.FailNextPut(FakeBlobStore::Fate::kNotApplied);
  EXPECT_THAT(store.PutIfAbsentOrEqual("a", "b"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Get("a"), RefusedWith(Reason::kObjectNotFound));
  store.FailNextPut(FakeBlobStore::Fate::kApplied);
  EXPECT_THAT(store.PutIfAbsentOrEqual("a", "b"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Get("a"), IsOkAndHolds(std::string("b")));
}

TEST(FakeBlobStoreTest, EverythingIsRefusedWhileUnavailable) {
  FakeBlobStore store;
  store.SetUnavailable(true);
  EXPECT_THAT(store.PutIfAbsentOrEqual("a", "b"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Get("a"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.Delete("a"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store.List("", "", 1), RefusedWith(Reason::kStoreUnavailable));
}

TEST(FakeBlobStoreTest, BlobIsDatedByTheClockAndCanBeDamaged) {
  ManualClock clock;
  FakeBlobStore store(&clock);
  ASSERT_THAT(store.PutIfAbsentOrEqual("a", "b"), IsOk());
  clock.Advance(kHourMs);
  ASSERT_THAT(store.PutIfAbsentOrEqual("a", "b"), IsOk());
  ASSERT_OK_AND_ASSIGN(std::vector<BlobStore::Entry> entries, store.List("", "", 1));
  EXPECT_EQ(entries.at(0).modified, ManualClock::kStart);
  store.Overwrite("a", "c");
  EXPECT_THAT(store.Get("a"), IsOkAndHolds(std::string("c")));
}

}  // namespace
}  // namespace comity
