#ifndef COMITY_TESTS_TESTING_STORAGE_WORLD_H_
#define COMITY_TESTS_TESTING_STORAGE_WORLD_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/storage/storage_node.h"
#include "tests/fakes/direct_peer_storage.h"
#include "tests/fakes/failing_stores.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_event_log.h"
#include "tests/fakes/fake_move_custody.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"

namespace comity::storage {

// The storages of `us` and `cn` in one process, over stores in memory, without threads: moves
// advance when a test says so. Each can be killed and started again over its stores.
class StorageWorld final {
 public:
  // `deployment` outlives the world.
  explicit StorageWorld(const TestDeployment& deployment, UnixMillis now = TestDeployment::kStart);

  struct Side {
    std::string region;
    FakeRecordStore records;
    FakeBlobStore blobs;
    FakeEventLog log;
    std::unique_ptr<ServiceSigner> signer;
    std::unique_ptr<DirectPeerStorage> peer;
    // While one is set, the machine dies at one of its calls.
    std::unique_ptr<FailurePlan> plan;
    std::unique_ptr<FailingRecordStore> faulty_records;
    std::unique_ptr<FailingBlobStore> faulty_blobs;
    std::unique_ptr<StorageNode> node;

    Side(std::string name, const Clock* clock)
        : region(std::move(name)), records(clock), blobs(clock) {}
  };

  // Starts a side again over its stores; with a plan, on a machine that dies.
  void Restart(Side& side, std::unique_ptr<FailurePlan> plan = nullptr);
  void Kill(Side& side) { side.node.reset(); }

  // A new account of this territory at its home, opened by its device.
  TestAccount& Open(std::string_view territory);
  CreateCommand MakeOpening(TestAccount& account, std::string_view territory);

  static Authorization DeviceOf(const TestAccount& account, size_t device = 0);
  // Puts an object of `size` bytes; expects that it is taken.
  ObjectRecord Put(Side& side, const TestAccount& account, const ObjectId& object,
                   std::string_view bytes, uint64_t expected_version = 0);
  absl::StatusOr<ObjectRecord> TryPut(Side& side, const TestAccount& account,
                                      const ObjectId& object, std::string_view bytes,
                                      uint64_t expected_version = 0,
                                      const RequestId& request = RequestId());
  absl::StatusOr<std::string> Get(Side& side, const TestAccount& account, const ObjectId& object);
  absl::StatusOr<std::vector<Statement>> Deliver(Side& side, const TestAccount& account,
                                                 const std::vector<Statement>& statements);

  // The account's consent to the move to `cn`, given to custody and to `us`.
  Statement Consent(TestAccount& account);
  // Starts a migration of everybody who is eligible; returns its id.
  RequestId StartMigration();
  // Advances the account's move until it is done, waits, or has failed `tries` times.
  Progress Advance(const TestAccount& account, int tries = 20);
  // Whether a side serves the account to its device.
  bool Serves(Side& side, const TestAccount& account);
  // The newest move record at `us`.
  MoveRecord Move(const TestAccount& account);
  SnapshotPtr Account(Side& side, const TestAccount& account);

  const TestDeployment& deployment;
  size_t task_threads = 0;  // of a side that is started again
  ManualClock clock;
  FakeMoveCustody custody;
  Side us;
  Side cn;

 private:
  std::vector<std::unique_ptr<TestAccount>> accounts_;
};

// An object id in a bucket.
ObjectId ObjectInBucket(uint8_t bucket, uint8_t number = 0);

}  // namespace comity::storage

#endif  // COMITY_TESTS_TESTING_STORAGE_WORLD_H_
