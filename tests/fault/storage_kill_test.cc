#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/store/open.h"
#include "services/storage/content_reader.h"
#include "services/storage/object_walk.h"
#include "services/storage/stored_account_store.h"
#include "services/storage/stored_legal_store.h"
#include "services/storage/stored_object_store.h"
#include "services/storage/sweeper.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/killed_process.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

// A storage process is killed in the middle of its puts, over the real stores.
namespace comity::storage {
namespace {

struct Reported {
  std::optional<AccountId> account;
  std::map<ObjectId, Digest> put;
  std::set<ObjectId> deleting;
};

Reported Parse(const std::vector<std::string>& lines) {
  Reported reported;
  for (const std::string& line : lines) {
    const size_t first = line.find(' ');
    const std::string kind = line.substr(0, first);
    const std::string rest = line.substr(first + 1);
    if (kind == "account") {
      reported.account = AccountId::Parse(rest).value();
    } else if (kind == "put") {
      const size_t second = rest.find(' ');
      reported.put.emplace(ObjectId::Parse(rest.substr(0, second)).value(),
                           Digest::Parse(rest.substr(second + 1)).value());
    } else {
      reported.deleting.insert(ObjectId::Parse(rest).value());
    }
  }
  return reported;
}

absl::StatusOr<Digest> DigestOf(BlobStore& blobs, const AccountId& account,
                                const StoredObject& object) {
  ContentReader reader(&blobs, account, object.tree, object.record.size);
  Sha256Hasher hasher;
  for (;;) {
    absl::StatusOr<std::string> next = reader.Next();
    if (!next.ok()) return next.status();
    if (next->empty()) return std::move(hasher).Finish();
    hasher.Update(*next);
  }
}

TEST(StorageKillTest, AcknowledgedObjectsSurviveAndNothingElseStays) {
  std::mt19937_64 random(20'180'228);
  const TempDir directory;
  for (uint32_t round = 0; round < 6; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    KilledProcess process(COMITY_STORAGE_PUT_LOOP, {directory.path(), std::to_string(round)});
    const Reported reported = Parse(process.KillAfter(random() % 60 + 2));
    ASSERT_TRUE(reported.account.has_value());
    const AccountId& account = *reported.account;

    ASSERT_OK_AND_ASSIGN(const auto records, OpenRocksRecordStore(directory.path()));
    ASSERT_OK_AND_ASSIGN(const auto blobs, OpenFileBlobStore(directory.path()));
    StoredAccountStore accounts(records.get());
    StoredObjectStore objects(records.get());
    StoredLegalStore legal(records.get(), blobs.get());
    for (const auto& [id, digest] : reported.put) {
      ASSERT_OK_AND_ASSIGN(const BucketView view, objects.Read(account, id, std::nullopt));
      if (reported.deleting.contains(id) && !view.object.has_value()) continue;
      ASSERT_TRUE(view.object.has_value()) << "an acknowledged object is lost";
      EXPECT_THAT(DigestOf(*blobs, account, *view.object), IsOkAndHolds(digest));
    }

    // Every object that is there is whole, and is counted once.
    ASSERT_OK_AND_ASSIGN(const SnapshotPtr snapshot, accounts.Load(account));
    ASSERT_NE(snapshot, nullptr);
    ObjectWalk walk(&objects, *snapshot);
    uint64_t found = 0;
    uint64_t segments = 0;
    for (;;) {
      ASSERT_OK_AND_ASSIGN(const std::optional<StoredObject> object, walk.Next());
      if (!object.has_value()) break;
      ++found;
      segments += object->tree.extent.segments;
      EXPECT_THAT(DigestOf(*blobs, account, *object), IsOkAndHolds(object->record.digest));
    }
    uint64_t counted = 0;
    for (const uint8_t bucket : snapshot->buckets) {
      ASSERT_OK_AND_ASSIGN(const BucketSum sum, objects.Sum(account, bucket));
      counted += sum.objects;
    }
    EXPECT_EQ(counted, found);

    // What the kill left behind goes with the next sweeps.
    const ManualClock later(SystemClock().Now() + 10 * kDayMs);
    Site site;
    site.clock = &later;
    Sweeper sweeper(site, &accounts, &objects, &legal, blobs.get(), &later);
    ASSERT_THAT(sweeper.Sweep(account), IsOk());
    ASSERT_THAT(sweeper.SweepOrphans(account), IsOk());
    ASSERT_OK_AND_ASSIGN(const auto left, blobs->List(BlobFolder(account), "", 10'000));
    EXPECT_EQ(left.size(), segments);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace comity::storage
