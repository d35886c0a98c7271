#include <memory>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.h"
#include "tests/bench/create_load.h"
#include "tests/bench/load.h"

// What a custody still gets done when it is asked for five times as much as it can do, beside what
// it does when it is asked for just that. Who is turned away is told so at once, and counts
// nothing.
namespace comity::bench {
namespace {

constexpr double kTimesAsMuch = 5;
constexpr uint64_t kMostPerRound = 20'000;
constexpr uint64_t kSmokeCreates = 8;
constexpr double kSmokeRate = 200;

}  // namespace

absl::StatusOr<Report> Overload(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const std::unique_ptr<CreateLoad> creates,
                   CreateLoad::Open(world, settings.connections));
  double capacity = kSmokeRate;
  uint64_t turned_away = 0;
  const Round bare = [&]() -> absl::StatusOr<Sample> {
    ASSIGN_OR_RETURN(Sample sample,
                     creates->KeepInFlight(settings.creates_in_flight, settings.round_time,
                                           settings.smoke ? kSmokeCreates : kMostPerRound));
    if (!settings.smoke) capacity = sample.Rate();
    return sample;
  };
  const Round ours = [&]() -> absl::StatusOr<Sample> {
    ASSIGN_OR_RETURN(CreateLoad::Offered offered,
                     creates->Offer(kTimesAsMuch * capacity, settings.round_time));
    turned_away += offered.turned_away;
    return std::move(offered.done);
  };
  if (!settings.smoke) {
    RETURN_IF_ERROR(bare().status());  // how much it can do
  }
  ASSIGN_OR_RETURN(const Rounds rounds, Interleave(settings.rounds, ours, bare, false));
  if (!settings.smoke && turned_away == 0) {
    return Refuse(Reason::kInternal, "nobody was turned away: it was not overloaded");
  }
  return Summarise("overload", "creates/s", rounds.ours, rounds.bare);
}

}  // namespace comity::bench
