#include <memory>

#include "services/common/status/macros.h"
#include "tests/bench/bench.h"
#include "tests/bench/create_load.h"
#include "tests/bench/load.h"
#include "tests/bench/store_load.h"

// Account keys made, logged and stored durably, one account each, beside commits of the same size
// to an embedded store alone on the same disk, as many at a time.
namespace comity::bench {
namespace {

constexpr uint64_t kMostPerRound = 20'000;
constexpr uint64_t kSmokeCreates = 8;
// What custody commits for an account: record, history, two sealed keys, a leaf's opening.
constexpr size_t kCommittedBytes = 2'000;

}  // namespace

absl::StatusOr<Report> KeyCreate(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<CreateLoad> creates,
                   CreateLoad::Open(world, settings.connections));
  ASSIGN_OR_RETURN(const std::unique_ptr<StoreLoad> store,
                   StoreLoad::Open(world, "key_create_baseline"));
  const Round ours = [&] {
    return creates->KeepInFlight(settings.creates_in_flight, settings.round_time,
                                 settings.smoke ? kSmokeCreates : kMostPerRound);
  };
  const Round bare = [&]() -> absl::StatusOr<Sample> {
    return store->Commits(settings.creates_in_flight, settings.round_time, kCommittedBytes,
                          settings.smoke ? kSmokeCreates : ~uint64_t{0});
  };
  ASSIGN_OR_RETURN(const Rounds rounds, Interleave(settings.rounds, ours, bare, !settings.smoke));
  return Summarise("key_create", "creates/s", rounds.ours, rounds.bare);
}

}  // namespace comity::bench
