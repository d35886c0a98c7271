#ifndef COMITY_TESTS_BENCH_LOAD_H_
#define COMITY_TESTS_BENCH_LOAD_H_

#include <chrono>
#include <functional>

#include <grpcpp/support/status.h>
#include <sys/types.h>

#include "absl/status/statusor.h"

#include "tests/bench/report.h"

namespace comity::bench {

using Finished = std::function<void(const grpc::Status&)>;
// Starts call number `n` in the place `slot`, whose call before it has finished. `finished` is
// called once, from any thread.
using StartCall = std::function<void(size_t slot, uint64_t n, Finished finished)>;

struct LoadPlan {
  size_t slots = 1;                           // calls in flight at any time
  std::chrono::milliseconds duration{1'000};  // no call is started after it
  uint64_t most = ~uint64_t{0};               // calls in all
};

// A closed loop over gRPC's callback interface. INTERNAL with the first failed call's status.
absl::StatusOr<Sample> RunLoad(const LoadPlan& plan, const StartCall& start);

// CPU time that a running process has used so far, in all of its threads; 0 if it is gone.
double CpuSecondsOf(pid_t process);

// Runs `work` and measures it as one operation, with the CPU time of `server`.
absl::StatusOr<Sample> MeasureOnce(pid_t server, const std::function<absl::Status()>& work);

// Rounds of both sides in turn, the first of them changing, after one of each to warm up.
struct Rounds {
  std::vector<Sample> ours;
  std::vector<Sample> bare;
};
using Round = std::function<absl::StatusOr<Sample>()>;
absl::StatusOr<Rounds> Interleave(size_t rounds, const Round& ours, const Round& bare,
                                  bool warm_up);

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_LOAD_H_
