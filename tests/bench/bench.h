#ifndef COMITY_TESTS_BENCH_BENCH_H_
#define COMITY_TESTS_BENCH_BENCH_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "tests/bench/report.h"
#include "tests/bench/world.h"

namespace comity::bench {

// How much is measured. The smoke run only shows that a bench works.
struct Settings {
  std::string folder;  // exists; its disk is what is measured
  size_t rounds = 5;
  std::chrono::milliseconds round_time{2'000};
  size_t connections = 8;
  size_t streams = 4;  // calls in flight on each connection
  uint64_t object_bytes = uint64_t{1} << 30;
  size_t migrations = 12;        // accounts that move, one after the other
  size_t account_objects = 100;  // of each
  uint64_t account_object_bytes = 100 << 10;
  size_t creates_in_flight = 256;
  size_t crowd = 1'000'000;  // accounts of custody_start_1m, custody_memory_1m, unwrap_cold_1m
  bool backup = false;       // custodies keep one, on the same disk
  bool smoke = false;
};
Settings SmokeSettings(std::string folder);

using Bench = std::function<absl::StatusOr<Report>(World& world, const Settings& settings)>;
// In an order in which all of them can use one world, each with accounts of its own:
// migrate_account moves the deployment's clock.
std::vector<std::string> BenchNames();
// Those that make a crowd, which takes minutes: run when they are named.
bool NeedsCrowd(const std::string& name);
const Bench& FindBench(const std::string& name);  // one of those names (CHECK)

absl::StatusOr<Report> UnwrapUnary(World& world, const Settings& settings);
absl::StatusOr<Report> UnwrapBatch(World& world, const Settings& settings);
absl::StatusOr<Report> RewrapBatch(World& world, const Settings& settings);
absl::StatusOr<Report> KeyCreate(World& world, const Settings& settings);
absl::StatusOr<Report> Overload(World& world, const Settings& settings);
absl::StatusOr<Report> ObjectPut(World& world, const Settings& settings);
absl::StatusOr<Report> ObjectGet(World& world, const Settings& settings);
absl::StatusOr<Report> MigrateAccount(World& world, const Settings& settings);
absl::StatusOr<Report> RevocationBound(World& world, const Settings& settings);
absl::StatusOr<Report> CustodyStart(World& world, const Settings& settings);
absl::StatusOr<Report> CustodyMemory(World& world, const Settings& settings);
absl::StatusOr<Report> UnwrapCold(World& world, const Settings& settings);
// The embedded stores alone, without a service.
absl::StatusOr<Report> StoreCommit(World& world, const Settings& settings);
absl::StatusOr<Report> StoreGet(World& world, const Settings& settings);
absl::StatusOr<Report> BlobPut(World& world, const Settings& settings);

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_BENCH_H_
