#ifndef COMITY_TESTS_BENCH_STORE_LOAD_H_
#define COMITY_TESTS_BENCH_STORE_LOAD_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "tests/bench/report.h"
#include "tests/bench/world.h"

namespace comity::bench {

// The embedded stores of a service, in this process, on the disk of the world.
class StoreLoad final {
 public:
  static absl::StatusOr<std::unique_ptr<StoreLoad>> Open(World& world, const std::string& name);

  // Durable commits of one record of `bytes` to partitions of their own, from `threads` threads.
  absl::StatusOr<Sample> Commits(size_t threads, std::chrono::milliseconds duration, size_t bytes,
                                 uint64_t most);
  // Reads of two keys of partitions that Commits() has written.
  absl::StatusOr<Sample> Gets(size_t threads, std::chrono::milliseconds duration, uint64_t most);
  // Durable blobs of `bytes`.
  absl::StatusOr<Sample> Blobs(size_t threads, std::chrono::milliseconds duration, size_t bytes,
                               uint64_t most);

 private:
  StoreLoad() = default;
  std::unique_ptr<RecordStore> records_;
  std::unique_ptr<BlobStore> blobs_;
  std::atomic<uint64_t> next_{0};
};

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_STORE_LOAD_H_
