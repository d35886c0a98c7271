#ifndef COMITY_TESTS_BENCH_CROWD_H_
#define COMITY_TESTS_BENCH_CROWD_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "comity/custody/v1/custody.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/world.h"

namespace comity::bench {

// Very many accounts in one custody, made as devices make them. All of them have the owner's device
// beside their own.
struct Crowd {
  Owner owner;
  // A data key of each of some accounts, spread over all, in no order: what to unwrap.
  std::vector<custody::v1::UnwrapDataKeyRequest> wraps;
};

// The crowd of this world, made when it is first asked for: a million accounts take minutes, told
// on standard error.
absl::StatusOr<std::shared_ptr<const Crowd>> CrowdOf(World& world, const Settings& settings);

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_CROWD_H_
