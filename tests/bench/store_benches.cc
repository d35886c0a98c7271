#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/store_load.h"

namespace comity::bench {
namespace {

using Steady = std::chrono::steady_clock;

constexpr size_t kThreads = 16;
constexpr size_t kRecordBytes = 300;
constexpr size_t kBlobBytes = 1 << 20;
constexpr uint64_t kSmokeOperations = 8;

// Calls `work` from `threads` threads until the time or the number is over.
absl::StatusOr<Sample> Measure(size_t threads, std::chrono::milliseconds duration, uint64_t most,
                               const std::function<absl::Status()>& work) {
  const Steady::time_point begin = Steady::now();
  const Steady::time_point end = begin + duration;
  std::atomic<uint64_t> started{0};
  absl::Mutex mutex;
  Sample sample;
  absl::Status failure;
  std::vector<std::thread> running;
  for (size_t i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      std::vector<uint32_t> latency;
      absl::Status status;
      while (status.ok() && Steady::now() < end && started.fetch_add(1) < most) {
        const Steady::time_point before = Steady::now();
        status = work();
        const auto took = Steady::now() - before;
        latency.push_back(static_cast<uint32_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
      }
      absl::MutexLock lock(&mutex);
      sample.latency_us.insert(sample.latency_us.end(), latency.begin(), latency.end());
      if (!status.ok()) failure = status;
    });
  }
  for (std::thread& thread : running) thread.join();
  if (!failure.ok()) return failure;
  sample.operations = static_cast<double>(sample.latency_us.size());
  sample.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  return sample;
}

std::string PartitionOf(uint64_t n) { return "bench/" + std::to_string(n); }

using Once = std::function<absl::StatusOr<Sample>(StoreLoad&, uint64_t most)>;
absl::StatusOr<Report> RunStore(World& world, const Settings& settings, std::string name,
                                std::string unit, double scale, const Once& once) {
  ASSIGN_OR_RETURN(const std::unique_ptr<StoreLoad> store, StoreLoad::Open(world, name));
  std::vector<Sample> samples;
  for (size_t i = 0; i < settings.rounds; ++i) {
    ASSIGN_OR_RETURN(Sample sample, once(*store, settings.smoke ? kSmokeOperations : ~uint64_t{0}));
    samples.push_back(std::move(sample));
  }
  return Summarise(std::move(name), std::move(unit), samples, {}, scale);
}

}  // namespace

absl::StatusOr<std::unique_ptr<StoreLoad>> StoreLoad::Open(World& world, const std::string& name) {
  ASSIGN_OR_RETURN(const std::string folder, world.NewFolder(name));
  std::unique_ptr<StoreLoad> store(new StoreLoad());
  ASSIGN_OR_RETURN(store->records_, OpenRocksRecordStore(folder));
  ASSIGN_OR_RETURN(store->blobs_, OpenFileBlobStore(folder));
  return store;
}

absl::StatusOr<Sample> StoreLoad::Commits(size_t threads, std::chrono::milliseconds duration,
                                          size_t bytes, uint64_t most) {
  const std::string value(bytes, 'v');
  return Measure(threads, duration, most, [&]() -> absl::Status {
    return records_
        ->Commit(PartitionOf(next_.fetch_add(1)), RandomId<RequestId>(), {},
                 {Mutation::Put("account", value), Mutation::Put("key/1", "k")})
        .status();
  });
}

absl::StatusOr<Sample> StoreLoad::Gets(size_t threads, std::chrono::milliseconds duration,
                                       uint64_t most) {
  const uint64_t written = std::max<uint64_t>(1, next_.load());
  std::atomic<uint64_t> n{0};
  return Measure(threads, duration, most, [&]() -> absl::Status {
    return records_->Get(PartitionOf(n.fetch_add(104'729) % written), {"account", "key/1"})
        .status();
  });
}

absl::StatusOr<Sample> StoreLoad::Blobs(size_t threads, std::chrono::milliseconds duration,
                                        size_t bytes, uint64_t most) {
  const std::string bytes_of_blob(bytes, 'b');
  return Measure(threads, duration, most, [&]() -> absl::Status {
    const uint64_t n = next_.fetch_add(1);
    return blobs_->PutIfAbsentOrEqual("bench/" + std::to_string(n % 64) + "/" + std::to_string(n),
                                      bytes_of_blob);
  });
}

absl::StatusOr<Report> StoreCommit(World& world, const Settings& settings) {
  return RunStore(world, settings, "store_commit", "commits/s", 1,
                  [&](StoreLoad& store, uint64_t most) {
                    return store.Commits(kThreads, settings.round_time, kRecordBytes, most);
                  });
}

absl::StatusOr<Report> StoreGet(World& world, const Settings& settings) {
  bool filled = false;
  return RunStore(
      world, settings, "store_get", "gets/s", 1,
      [&](StoreLoad& store, uint64_t most) -> absl::StatusOr<Sample> {
        if (!filled) {
          RETURN_IF_ERROR(
              store.Commits(kThreads, settings.round_time, kRecordBytes, most).status());
          filled = true;
        }
        return store.Gets(2, settings.round_time, most);
      });
}

absl::StatusOr<Report> BlobPut(World& world, const Settings& settings) {
  return RunStore(world, settings, "blob_put", "MiB/s", 1, [&](StoreLoad& store, uint64_t most) {
    return store.Blobs(4, settings.round_time, kBlobBytes, most);
  });
}

}  // namespace comity::bench
