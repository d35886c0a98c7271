#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/storage/stored_commit.h"
#include "services/storage/stored_object_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"

namespace comity::storage {
namespace {

const ObjectId kObject = ObjectInBucket(7);

class ObjectsTest : public ::testing::Test {
 protected:
  static const TestDeployment& Deployment() {
    static const TestDeployment deployment;
    return deployment;
  }
  absl::StatusOr<OwnerAccess> Own(Access access) {
    return world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_), account_.id(),
                                            access);
  }
  absl::Status Delete(const ObjectId& object, uint64_t expected,
                      const RequestId& request = RandomId<RequestId>()) {
    auto access = Own(Access::kWrite);
    if (!access.ok()) return access.status();
    return world_.us.node->objects().Delete(*access, request, object, expected);
  }
  absl::Status ReplaceKeys(const ReplaceKeysCommand& command) {
    auto access = Own(Access::kWrite);
    if (!access.ok()) return access.status();
    return world_.us.node->objects().ReplaceKeys(*access, command);
  }
  static ReplaceKeysCommand NewKeysFor(const ObjectRecord& record) {
    return {RandomId<RequestId>(), record.object,     record.version,
            record.content,        "new content key", "new attributes key"};
  }
  absl::StatusOr<ListedObjects> List(const std::optional<ObjectId>& after, size_t limit) {
    auto access = Own(Access::kRead);
    if (!access.ok()) return access.status();
    return world_.us.node->objects().List(*access, after, limit);
  }
  size_t Blobs() { return world_.us.blobs.List("", "", 10'000).value().size(); }

  StorageWorld world_{Deployment()};
  TestAccount& account_ = world_.Open("HK");
};

TEST_F(ObjectsTest, PutObjectIsReadBack) {
  const ObjectRecord record = world_.Put(world_.us, account_, kObject, "ciphertext");
  EXPECT_EQ(record.version, 1u);
  EXPECT_EQ(record.size, 10u);
  EXPECT_EQ(record.digest, Sha256Digest("ciphertext"));
  EXPECT_EQ(record.create_time, world_.clock.Now());
  EXPECT_THAT(world_.Get(world_.us, account_, kObject), IsOkAndHolds(std::string("ciphertext")));
}

TEST_F(ObjectsTest, NewObjectMustNotExist) {
  world_.Put(world_.us, account_, kObject, "one");
  EXPECT_THAT(world_.TryPut(world_.us, account_, kObject, "two").status(),
              RefusedWith(Reason::kObjectExists));
}

TEST_F(ObjectsTest, ReplacementNeedsTheVersionItReplaces) {
  EXPECT_THAT(world_.TryPut(world_.us, account_, kObject, "x", 1).status(),
              RefusedWith(Reason::kObjectNotFound));
  world_.Put(world_.us, account_, kObject, "one");
  EXPECT_THAT(world_.TryPut(world_.us, account_, kObject, "x", 2).status(),
              RefusedWith(Reason::kConflict));
  EXPECT_EQ(world_.Put(world_.us, account_, kObject, "two", 1).version, 2u);
  EXPECT_THAT(world_.Get(world_.us, account_, kObject), IsOkAndHolds(std::string("two")));
}

TEST_F(ObjectsTest, OnlyTheNewestVersionIsKept) {
  world_.Put(world_.us, account_, kObject, "one");
  world_.Put(world_.us, account_, kObject, "two", 1);
  ASSERT_OK_AND_ASSIGN(const OwnerAccess access, Own(Access::kRead));
  EXPECT_THAT(world_.us.node->objects().Open(access, kObject, 1, 0).status(),
              RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(world_.us.node->objects().Open(access, kObject, 2, 0).status(), IsOk());
}

TEST_F(ObjectsTest, SameRequestGivesTheSameAnswerAndStoresNothingTwice) {
  const auto request = RandomId<RequestId>();
  ASSERT_OK_AND_ASSIGN(const ObjectRecord first,
                       world_.TryPut(world_.us, account_, kObject, "one", 0, request));
  const size_t blobs = Blobs();
  world_.clock.Advance(1000);
  ASSERT_OK_AND_ASSIGN(const ObjectRecord second,
                       world_.TryPut(world_.us, account_, kObject, "one", 0, request));
  EXPECT_EQ(first, second);
  EXPECT_EQ(Blobs(), blobs);
}

TEST_F(ObjectsTest, SameRequestIdForOtherBytesIsRefused) {
  const auto request = RandomId<RequestId>();
  ASSERT_THAT(world_.TryPut(world_.us, account_, kObject, "one", 0, request).status(), IsOk());
  EXPECT_THAT(world_.TryPut(world_.us, account_, kObject, "two", 0, request).status(),
              RefusedWith(Reason::kRequestIdReused));
  EXPECT_THAT(world_.Get(world_.us, account_, kObject), IsOkAndHolds(std::string("one")));
}

TEST_F(ObjectsTest, UploadThatIsDroppedLeavesNothing) {
  ASSERT_OK_AND_ASSIGN(const OwnerAccess access, Own(Access::kWrite));
  const size_t before = Blobs();
  {
    PutCommand command;
    command.request = RandomId<RequestId>();
    command.object = kObject;
    ASSERT_OK_AND_ASSIGN(const auto upload, world_.us.node->objects().BeginPut(access, command));
    ASSERT_THAT(upload->Write(std::string(9 << 20, 'x')), IsOk());
    EXPECT_GT(Blobs(), before);
  }
  EXPECT_EQ(Blobs(), before);
  EXPECT_THAT(world_.Get(world_.us, account_, kObject).status(),
              RefusedWith(Reason::kObjectNotFound));
}

TEST_F(ObjectsTest, OfTwoConcurrentPutsOneWins) {
  ASSERT_OK_AND_ASSIGN(const OwnerAccess access, Own(Access::kWrite));
  std::vector<std::unique_ptr<Upload>> uploads;
  for (int i = 0; i < 2; ++i) {
    PutCommand command;
    command.request = RandomId<RequestId>();
    command.object = kObject;
    ASSERT_OK_AND_ASSIGN(uploads.emplace_back(),
                         world_.us.node->objects().BeginPut(access, command));
    ASSERT_THAT(uploads.back()->Write("x"), IsOk());
  }
  EXPECT_THAT(uploads[0]->Finish().status(), IsOk());
  EXPECT_THAT(uploads[1]->Finish().status(), RefusedWith(Reason::kObjectExists));
}

TEST_F(ObjectsTest, DeletedObjectIsGone) {
  world_.Put(world_.us, account_, kObject, "one");
  EXPECT_THAT(Delete(kObject, 2), RefusedWith(Reason::kConflict));
  const auto request = RandomId<RequestId>();
  EXPECT_THAT(Delete(kObject, 1, request), IsOk());
  EXPECT_THAT(Delete(kObject, 1, request), IsOk()) << "a repeat is the same deletion";
  EXPECT_THAT(Delete(kObject, 0, request), RefusedWith(Reason::kRequestIdReused));
  EXPECT_THAT(Delete(kObject, 0), RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(world_.Get(world_.us, account_, kObject).status(),
              RefusedWith(Reason::kObjectNotFound));
}

TEST_F(ObjectsTest, OtherWrapsOfAVersionChangeNothingElse) {
  ObjectRecord record = world_.Put(world_.us, account_, kObject, "ciphertext");
  const size_t blobs = Blobs();
  world_.clock.Advance(kDayMs);
  ASSERT_THAT(ReplaceKeys(NewKeysFor(record)), IsOk());
  record.wrapped_content_key = "new content key";
  record.wrapped_attributes_key = "new attributes key";
  ASSERT_OK_AND_ASSIGN(const ListedObjects listed, List(std::nullopt, 10));
  ASSERT_EQ(listed.objects.size(), 1u);
  EXPECT_EQ(listed.objects[0], record);
  EXPECT_EQ(Blobs(), blobs);
  StoredObjectStore objects(&world_.us.records);
  ASSERT_OK_AND_ASSIGN(const auto gone, objects.Gone(account_.id(), 7, std::nullopt));
  EXPECT_TRUE(gone.empty()) << "its bytes are in use";
  EXPECT_THAT(world_.Get(world_.us, account_, kObject), IsOkAndHolds(std::string("ciphertext")));
  ASSERT_OK_AND_ASSIGN(
      const AccountReport report,
      world_.us.node->accounts().Get(StorageWorld::DeviceOf(account_), account_.id()));
  EXPECT_EQ(report.sum.objects, 1u);
  EXPECT_EQ(report.sum.bytes, 10u);
}

TEST_F(ObjectsTest, WrapsOfAnotherVersionAreNotTaken) {
  const ObjectRecord first = world_.Put(world_.us, account_, kObject, "one");
  const ObjectRecord second = world_.Put(world_.us, account_, kObject, "two", 1);
  EXPECT_THAT(ReplaceKeys(NewKeysFor(first)), RefusedWith(Reason::kConflict));
  ReplaceKeysCommand other = NewKeysFor(second);
  other.content = RandomId<ContentId>();
  EXPECT_THAT(ReplaceKeys(other), RefusedWith(Reason::kConflict));
  other = NewKeysFor(second);
  other.object = ObjectInBucket(9);
  EXPECT_THAT(ReplaceKeys(other), RefusedWith(Reason::kObjectNotFound));
  ASSERT_OK_AND_ASSIGN(const ListedObjects listed, List(std::nullopt, 10));
  EXPECT_EQ(listed.objects[0], second);
}

TEST_F(ObjectsTest, OlderKeyVersionDoesNotComeBack) {
  const ObjectRecord record = world_.Put(world_.us, account_, kObject, "one");
  const auto under = [&](KeyVersion version) {
    ReplaceKeysCommand command = NewKeysFor(record);
    command.wrapped_content_key = WrappedKeyPrefix({account_.id(), version});
    command.wrapped_content_key.resize(kWrappedKeySize, 'w');
    command.wrapped_attributes_key = command.wrapped_content_key;
    return command;
  };
  ASSERT_THAT(ReplaceKeys(under(3)), IsOk());
  EXPECT_THAT(ReplaceKeys(under(2)), RefusedWith(Reason::kConflict)) << "a slow device";
  EXPECT_THAT(ReplaceKeys(under(3)), IsOk());
  EXPECT_THAT(ReplaceKeys(under(4)), IsOk());
}

TEST_F(ObjectsTest, RepeatedReplacementDoesNotUndoALaterOne) {
  const ObjectRecord record = world_.Put(world_.us, account_, kObject, "one");
  const ReplaceKeysCommand first = NewKeysFor(record);
  ReplaceKeysCommand second = NewKeysFor(record);
  second.wrapped_content_key = "newest content key";
  ASSERT_THAT(ReplaceKeys(first), IsOk());
  ASSERT_THAT(ReplaceKeys(second), IsOk());
  EXPECT_THAT(ReplaceKeys(first), IsOk()) << "a repeat is the same replacement";
  ASSERT_OK_AND_ASSIGN(const ListedObjects listed, List(std::nullopt, 10));
  EXPECT_EQ(listed.objects[0].wrapped_content_key, "newest content key");
  second.request = first.request;
  EXPECT_THAT(ReplaceKeys(second), RefusedWith(Reason::kRequestIdReused));
}

TEST_F(ObjectsTest, ListIsByIdOverAllBucketsAndPaged) {
  std::vector<ObjectId> expected;
  for (const int bucket : {0, 5, 5, 254, 255}) {
    expected.push_back(
        ObjectInBucket(static_cast<uint8_t>(bucket), static_cast<uint8_t>(expected.size())));
  }
  for (auto it = expected.rbegin(); it != expected.rend(); ++it) {
    world_.Put(world_.us, account_, *it, "x");
  }
  std::vector<ObjectId> listed;
  std::optional<ObjectId> after;
  int pages = 0;
  for (bool more = true; more; ++pages) {
    ASSERT_OK_AND_ASSIGN(const ListedObjects page, List(after, 2));
    for (const ObjectRecord& record : page.objects) listed.push_back(record.object);
    after = listed.back();
    more = page.more;
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(pages, 3);
}

TEST_F(ObjectsTest, CountsFollowPutsAndDeletions) {
  world_.Put(world_.us, account_, ObjectInBucket(1), "12345");
  world_.Put(world_.us, account_, ObjectInBucket(2), "123");
  ASSERT_THAT(Delete(ObjectInBucket(1), 0), IsOk());
  ASSERT_OK_AND_ASSIGN(
      const AccountReport report,
      world_.us.node->accounts().Get(StorageWorld::DeviceOf(account_), account_.id()));
  EXPECT_EQ(report.sum.objects, 1u);
  EXPECT_EQ(report.sum.bytes, 3u);
}

TEST_F(ObjectsTest, UnknownOutcomeOfTheCommitIsResolvedByTheRepeat) {
  const auto request = RandomId<RequestId>();
  world_.Put(world_.us, account_, ObjectInBucket(7, 1), "lists the bucket");
  // The store answers the commit twice with an error although it took it: as if it were not known.
  FailurePlan* plan = new FailurePlan(1'000'000, FailurePlan::Fate::kApplied);
  world_.Restart(world_.us, std::unique_ptr<FailurePlan>(plan));
  world_.us.records.FailNextCommit(FakeRecordStore::Fate::kApplied);
  ASSERT_OK_AND_ASSIGN(const ObjectRecord first,
                       world_.TryPut(world_.us, account_, kObject, "one", 0, request));
  EXPECT_EQ(first.version, 1u) << "asked again under the same id, the store told the outcome";
  EXPECT_THAT(world_.Get(world_.us, account_, kObject), IsOkAndHolds(std::string("one")));
}

TEST_F(ObjectsTest, FullBucketIsOverloaded) {
  world_.Put(world_.us, account_, kObject, "x");
  const std::string partition = BucketPartition(account_.id(), 7);
  for (size_t i = 0; i < kMaxPartitionKeys; i += 100) {
    std::vector<Mutation> mutations;
    for (size_t j = i; j < i + 100 && j + 8 < kMaxPartitionKeys; ++j) {
      mutations.push_back(Mutation::Put("z" + std::to_string(j), "x"));
    }
    ASSERT_THAT(world_.us.records.Commit(partition, RandomId<RequestId>(), {}, mutations).status(),
                IsOk());
  }
  absl::Status last;
  for (uint8_t i = 1; i < 8 && last.ok(); ++i) {
    last = world_.TryPut(world_.us, account_, ObjectInBucket(7, i), "x").status();
  }
  EXPECT_THAT(last, RefusedWith(Reason::kOverloaded));
}

TEST_F(ObjectsTest, ClosingAccountTakesNoWritesAndStillReads) {
  world_.Put(world_.us, account_, kObject, "one");
  ASSERT_THAT(
      world_.Deliver(world_.us, account_, {account_.Sign(Close{}, world_.clock.Now())}).status(),
      IsOk());
  EXPECT_THAT(world_.TryPut(world_.us, account_, ObjectInBucket(8), "x").status(),
              RefusedWith(Reason::kAccountClosing));
  EXPECT_THAT(Delete(kObject, 0), RefusedWith(Reason::kAccountClosing));
  EXPECT_THAT(world_.Get(world_.us, account_, kObject), IsOkAndHolds(std::string("one")));
}

TEST_F(ObjectsTest, SuspendedAccountTakesNoNewDataAndStillReads) {
  TestAccount& mainland = world_.Open("CN");
  world_.Put(world_.us, mainland, kObject, "one");
  world_.clock.Advance(TestDeployment::kWindowEnd - world_.clock.Now());
  EXPECT_THAT(world_.TryPut(world_.us, mainland, ObjectInBucket(8), "x").status(),
              RefusedWith(Reason::kAccountSuspended));
  EXPECT_THAT(world_.Get(world_.us, mainland, kObject), IsOkAndHolds(std::string("one")));
}

}  // namespace
}  // namespace comity::storage
