#ifndef COMITY_TESTS_CONTRACT_RECORD_STORE_FIXTURE_H_
#define COMITY_TESTS_CONTRACT_RECORD_STORE_FIXTURE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/backup/mirrored_stores.h"
#include "services/common/store/open.h"
#include "services/common/store/record_store.h"
#include "services/common/store/rocksdb_record_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/temp_dir.h"

// What the suites of the RecordStore contract share. They run against each of RecordStores.
namespace comity {

struct FakeRecords {
  ManualClock clock;
  std::unique_ptr<RecordStore> store = std::make_unique<FakeRecordStore>(&clock);
};

struct RocksRecords {
  TempDir directory;
  ManualClock clock;
  // Small blocks, so that every suite crosses from one into the next.
  std::unique_ptr<RecordStore> store =
      RocksRecordStore::Open(directory.path(), {.clock = &clock, .version_block = 3}).value();
};

// With everything in a backup before it is acknowledged.
struct MirroredRecords {
  TempDir own_directory;
  TempDir copy_directory;
  ManualClock clock;
  std::unique_ptr<RecordStore> own =
      RocksRecordStore::Open(own_directory.path(), {.clock = &clock, .version_block = 3}).value();
  std::unique_ptr<RecordStore> copy =
      OpenRocksRecordStore(copy_directory.path(), {.behind_another = true}).value();
  BackupCipher cipher =
      BackupCipher::Create(SecretBytes::CopyOf(std::string(kBackupKeySize, 'k'))).value();
  BackupArchive archive{copy.get(), &cipher};
  std::unique_ptr<RecordStore> store =
      std::make_unique<MirroredRecordStore>(own.get(), &archive, 0);
};

using RecordStores = ::testing::Types<FakeRecords, RocksRecords, MirroredRecords>;

template <typename Backend>
class RecordStoreFixture : public ::testing::Test {
 protected:
  using Preconditions = std::vector<Precondition>;
  using Mutations = std::vector<Mutation>;

  RecordStore& store() { return *backend_.store; }
  ManualClock& clock() { return backend_.clock; }
  RequestId NewRequest() { return NumberedRequest(++requests_); }

  // A commit with a request id of its own.
  absl::StatusOr<PartitionVersion> Commit(std::string_view partition,
                                          const Preconditions& preconditions,
                                          const Mutations& mutations) {
    return store().Commit(partition, NewRequest(), preconditions, mutations);
  }
  absl::StatusOr<PartitionVersion> Put(std::string_view partition, std::string key,
                                       std::string value) {
    return Commit(partition, {}, {Mutation::Put(std::move(key), std::move(value))});
  }
  std::optional<std::string> ValueOf(std::string_view partition, const std::string& key) {
    const Snapshot snapshot = store().Get(partition, {key}).value();
    const std::string* value = snapshot.Find(key);
    return value == nullptr ? std::nullopt : std::optional(*value);
  }
  PartitionVersion VersionOf(std::string_view partition) {
    return store().Get(partition, {}).value().version;
  }
  // Puts `count` keys "k0", "k1", ... in as few commits as the limits allow.
  void Fill(std::string_view partition, size_t count) {
    Mutations mutations;
    for (size_t i = 0; i < count; ++i) {
      mutations.push_back(Mutation::Put("k" + std::to_string(i), "v"));
      if (mutations.size() == kMaxCommitOperations || i + 1 == count) {
        ASSERT_TRUE(Commit(partition, {}, mutations).ok());
        mutations.clear();
      }
    }
  }

 private:
  Backend backend_;
  uint64_t requests_ = 0;
};

}  // namespace comity

#endif  // COMITY_TESTS_CONTRACT_RECORD_STORE_FIXTURE_H_
