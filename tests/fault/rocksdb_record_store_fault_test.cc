#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/rocksdb_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fault/record_history.h"
#include "tests/fault/unsteady_file_system.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

// A store on an unsteady disk. Small buffers and blocks of versions bring flushes, compactions and
// reservations within reach of a short history.
class Machine final {
 public:
  absl::Status Open() {
    store_.reset();
    RocksRecordStoreOptions options;
    options.env = env_.get();
    options.clock = &clock_;
    options.write_buffer_bytes = 64 << 10;
    options.version_block = 5;
    options.erase_after = std::chrono::hours(1);
    options.erase_patience = std::chrono::milliseconds(500);
    ASSIGN_OR_RETURN(store_, RocksRecordStore::Open(directory_.path(), options));
    return absl::OkStatus();
  }
  void Close() { store_.reset(); }
  void CutPower(std::mt19937_64& random) {
    Close();
    disk_->LoseUnsynced(random);
    disk_->FailAt(0, FailureKind::kOnce);
  }
  RocksRecordStore& store() { return *store_; }
  UnsteadyFileSystem& disk() { return *disk_; }
  const std::string& directory() const { return directory_.path(); }

 private:
  TempDir directory_;
  ManualClock clock_;
  std::shared_ptr<UnsteadyFileSystem> disk_ = std::make_shared<UnsteadyFileSystem>();
  std::unique_ptr<rocksdb::Env> env_ = NewUnsteadyEnv(disk_);
  std::unique_ptr<RocksRecordStore> store_;
};

// Commits until something fails or `steps` are done.
void Advance(Machine& machine, RecordHistory& history, int steps) {
  for (int i = 0; i < steps; ++i) {
    const absl::Status status = history.Step(machine.store());
    if (status.ok()) continue;
    ASSERT_TRUE(machine.disk().failed()) << status;
    EXPECT_THAT(status, RefusedWith(Reason::kStoreUnavailable));
    return;
  }
}

class RecordStoreFault : public ::testing::TestWithParam<FailureKind> {};

TEST_P(RecordStoreFault, NothingAcknowledgedIsLostWhicheverCallFails) {
  bool reached_the_end = false;
  for (uint64_t call = 1; !reached_the_end; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    std::mt19937_64 random(call);
    RecordHistory history(call);
    Machine machine;
    machine.disk().FailAt(call, GetParam());

    // Two lives, so that recovery meets failures as well.
    for (int life = 0; life < 2 && !machine.disk().failed(); ++life) {
      const absl::Status opened = machine.Open();
      if (opened.ok()) {
        Advance(machine, history, 24);
        if (HasFatalFailure()) return;
      } else {
        EXPECT_TRUE(machine.disk().failed()) << opened;
        EXPECT_THAT(opened, RefusedWith(Reason::kStoreUnavailable));
      }
      if (history.unresolved()) {
        EXPECT_THAT(machine.store().Commit("other", NumberedRequest(1), {}, {}),
                    RefusedWith(Reason::kStoreUnavailable));
      }
      machine.Close();
    }
    reached_the_end = !machine.disk().failed();

    machine.CutPower(random);
    ASSERT_THAT(machine.Open(), IsOk());
    history.Verify(machine.store());
    history.Resolve(machine.store());
    Advance(machine, history, 4);
    history.Verify(machine.store());
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, RecordStoreFault,
                         ::testing::Values(FailureKind::kOnce, FailureKind::kForGood),
                         [](const ::testing::TestParamInfo<FailureKind>& kind) {
                           return kind.param == FailureKind::kOnce ? "Once" : "ForGood";
                         });

bool SomeFileHolds(const std::string& directory, const std::string& value) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    if (std::string(std::istreambuf_iterator<char>(file), {}).find(value) != std::string::npos) {
      return true;
    }
  }
  return false;
}

// Wherever the disk fails while what was erased leaves the files: it is either gone or still owed.
TEST_P(RecordStoreFault, ErasureIsOwedUntilItIsDoneWhicheverCallFails) {
  const std::string secret(64, 's');
  bool reached_the_end = false;
  for (uint64_t call = 1; !reached_the_end; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    std::mt19937_64 random(call);
    Machine machine;
    ASSERT_THAT(machine.Open(), IsOk());
    const auto commit = [&](uint64_t n, const Mutation& mutation) {
      ASSERT_THAT(machine.store().Commit("account", NumberedRequest(n), {}, {mutation}), IsOk());
    };
    commit(1, Mutation::Put("key", secret));
    commit(2, Mutation::Put("other", "kept"));
    ASSERT_THAT(machine.Open(), IsOk());  // into a file of its own
    commit(3, Mutation::Erase("key"));
    machine.disk().FailAt(call, GetParam());
    const absl::Status erased = machine.store().EraseNow();
    reached_the_end = !machine.disk().failed();
    if (erased.ok()) {
      EXPECT_FALSE(SomeFileHolds(machine.directory(), secret));
    } else {
      EXPECT_TRUE(machine.disk().failed()) << erased;
      EXPECT_THAT(erased, RefusedWith(Reason::kStoreUnavailable));
    }

    machine.CutPower(random);
    ASSERT_THAT(machine.Open(), IsOk());
    EXPECT_TRUE(machine.store().owed_erasures() == 1 ||
                !SomeFileHolds(machine.directory(), secret));
    ASSERT_THAT(machine.store().EraseNow(), IsOk());
    EXPECT_FALSE(SomeFileHolds(machine.directory(), secret));
    EXPECT_EQ(*machine.store().Get("account", {"other"})->Find("other"), "kept");
    if (HasFailure()) return;
  }
}

TEST(RecordStoreFaultTest, NothingAcknowledgedIsLostWhenThePowerGoesAgainAndAgain) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    RecordHistory history(seed);
    Machine machine;
    for (int life = 0; life < 20; ++life) {
      ASSERT_THAT(machine.Open(), IsOk());
      history.Verify(machine.store());
      history.Resolve(machine.store());
      machine.disk().FailAt(random() % 60 + 1, FailureKind::kForGood);
      Advance(machine, history, 30);
      machine.CutPower(random);
      if (HasFailure()) return;
    }
  }
}

TEST(RecordStoreFaultTest, RefusesCommitsAfterAFailedSyncUntilOpenedAgain) {
  Machine machine;
  ASSERT_THAT(machine.Open(), IsOk());
  ASSERT_THAT(machine.store().Commit("p", NumberedRequest(1), {}, {Mutation::Put("k", "old")}),
              IsOk());
  machine.disk().FailSyncAt(1, FailureKind::kOnce);
  EXPECT_THAT(machine.store().Commit("p", NumberedRequest(2), {}, {Mutation::Put("k", "new")}),
              RefusedWith(Reason::kStoreUnavailable));
  ASSERT_TRUE(machine.disk().failed());

  // The disk is well again, but what it holds is not known.
  for (uint64_t request = 2; request < 6; ++request) {
    EXPECT_THAT(
        machine.store().Commit("q", NumberedRequest(request), {}, {Mutation::Put("k", "v")}),
        RefusedWith(Reason::kStoreUnavailable));
  }
  ASSERT_OK_AND_ASSIGN(Snapshot snapshot, machine.store().Get("p", {"k"}));
  EXPECT_EQ(snapshot.values.at("k"), "old");

  ASSERT_THAT(machine.Open(), IsOk());
  ASSERT_THAT(machine.store().Commit("p", NumberedRequest(2), {}, {Mutation::Put("k", "new")}),
              IsOk());
  ASSERT_OK_AND_ASSIGN(snapshot, machine.store().Get("p", {"k"}));
  EXPECT_EQ(snapshot.values.at("k"), "new");
  EXPECT_THAT(machine.store().Get("q", {}), IsOk());
}

TEST(RecordStoreFaultTest, RefusesToOpenWhenADirectoryCannotBeMade) {
  EXPECT_THAT(RocksRecordStore::Open("/proc/no-such-place", {}),
              RefusedWith(Reason::kStoreUnavailable));
}

}  // namespace
}  // namespace comity
