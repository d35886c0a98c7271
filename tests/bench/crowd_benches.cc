#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/client_context.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.h"
#include "tests/bench/crowd.h"
#include "tests/bench/load.h"
#include "tests/bench/new_account.h"

// One custody that has very many accounts.
namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;
using Api = cpb::CustodyService;

constexpr ServiceKind kKind = ServiceKind::kCustody;
constexpr std::chrono::seconds kCallTimeout(30);

// As after a failure of power, so that the store has a log to read again.
absl::Status Restart(World& world) {
  RETURN_IF_ERROR(world.supervisor().Kill(kNewAccountRegion, kKind));
  return world.supervisor().Start();
}

// One call at a time. `pick` says which of the crowd's wraps is the n-th to be unwrapped.
absl::StatusOr<Sample> UnwrapOneByOne(World& world, const Crowd& crowd, Api::Stub& stub,
                                      size_t calls, std::chrono::milliseconds time,
                                      const std::function<size_t(uint64_t n)>& pick) {
  std::optional<grpc::ClientContext> context;
  cpb::UnwrapDataKeyResponse response;
  LoadPlan plan;
  plan.duration = time;
  plan.most = calls;
  const pid_t server = world.PidOf(kNewAccountRegion, kKind);
  const double cpu = CpuSecondsOf(server);
  ASSIGN_OR_RETURN(Sample sample, RunLoad(plan, [&](size_t, uint64_t n, const Finished& finished) {
                     context.emplace();
                     crowd.owner.session->peers().Prepare(*context, kCallTimeout);
                     stub.async()->UnwrapDataKey(&*context, &crowd.wraps[pick(n)], &response,
                                                 finished);
                   }));
  sample.cpu_seconds = CpuSecondsOf(server) - cpu;
  return sample;
}

// What the process has in memory, in MiB: proc(5), VmRSS.
absl::StatusOr<double> ResidentMib(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  }
  return Refuse(Reason::kStateNotReady, "custody does not run");
}

}  // namespace

absl::StatusOr<Report> CustodyStart(World& world, const Settings& settings) {
  RETURN_IF_ERROR(CrowdOf(world, settings).status());
  std::vector<Sample> starts;
  std::vector<double> seconds;
  for (size_t i = 0; i < settings.rounds; ++i) {
    RETURN_IF_ERROR(world.supervisor().Kill(kNewAccountRegion, kKind));
    ASSIGN_OR_RETURN(Sample start, MeasureOnce(0, [&world] { return world.supervisor().Start(); }));
    start.cpu_seconds = CpuSecondsOf(world.PidOf(kNewAccountRegion, kKind));
    seconds.push_back(start.seconds);
    starts.push_back(std::move(start));
  }
  Report report = Summarise("custody_start_1m", "s", starts, {});
  report.value = Median(seconds);
  return report;
}

absl::StatusOr<Report> CustodyMemory(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const Crowd> crowd, CrowdOf(world, settings));
  RETURN_IF_ERROR(Restart(world));
  ASSIGN_OR_RETURN(const World::Channels channels,
                   world.Connect(crowd->owner, kNewAccountRegion, kKind, 1));
  const auto stub = Api::NewStub(channels.at(0));
  // With as many accounts in its cache as it keeps there, or as there are.
  ASSIGN_OR_RETURN(const Sample used,
                   UnwrapOneByOne(world, *crowd, *stub, crowd->wraps.size(), std::chrono::hours(1),
                                  [](uint64_t n) { return static_cast<size_t>(n); }));
  Report report = Summarise("custody_memory_1m", "MiB", {used}, {});
  ASSIGN_OR_RETURN(report.value, ResidentMib(world.PidOf(kNewAccountRegion, kKind)));
  return report;
}

absl::StatusOr<Report> UnwrapCold(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const std::shared_ptr<const Crowd> crowd, CrowdOf(world, settings));
  RETURN_IF_ERROR(Restart(world));
  ASSIGN_OR_RETURN(const World::Channels channels,
                   world.Connect(crowd->owner, kNewAccountRegion, kKind, 1));
  const auto stub = Api::NewStub(channels.at(0));
  // The last account is the hot one; each of the others is used once.
  const size_t hot = crowd->wraps.size() - 1;
  const size_t each = hot / (settings.rounds + 1);
  size_t used = 0;
  const Round cold_round = [&] {
    const size_t first = used;
    used += each;
    return UnwrapOneByOne(world, *crowd, *stub, each, settings.round_time,
                          [first](uint64_t n) { return first + n; });
  };
  const Round hot_round = [&] {
    return UnwrapOneByOne(world, *crowd, *stub, each, settings.round_time,
                          [hot](uint64_t) { return hot; });
  };
  ASSIGN_OR_RETURN(const Rounds rounds,
                   Interleave(settings.rounds, cold_round, hot_round, !settings.smoke));
  return Summarise("unwrap_cold_1m", "calls/s", rounds.ours, rounds.bare);
}

}  // namespace comity::bench
