#include <atomic>
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
#include "tests/bench/load.h"
#include "tests/bench/new_account.h"
#include "tests/bench/new_keys.h"
#include "tests/bench/store_load.h"

// Account keys made, logged and stored durably, one account each, beside commits of the same size
// to an embedded store alone on the same disk, as many at a time.
namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;

constexpr std::chrono::seconds kCallTimeout(60);
constexpr size_t kMostPerRound = 20'000;
constexpr size_t kSmokeCreates = 8;
// What custody commits for an account: record, history, two sealed keys, a leaf's opening.
constexpr size_t kCommittedBytes = 2'000;

}  // namespace

absl::StatusOr<Report> KeyCreate(World& world, const Settings& settings) {
  using Api = cpb::CustodyService;
  ASSIGN_OR_RETURN(const Owner owner, world.NewOwner(kNewAccountTerritory));
  const ServiceKind kind = ServiceKind::kCustody;
  ASSIGN_OR_RETURN(const World::Channels channels,
                   world.Connect(owner, kNewAccountRegion, kind, settings.connections));
  const auto stubs = StubsOver<Api>(channels);
  const pid_t server = world.PidOf(kNewAccountRegion, kind);
  const PrivateKey recovery = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  ASSIGN_OR_RETURN(const std::unique_ptr<StoreLoad> store,
                   StoreLoad::Open(world, "key_create_baseline"));

  LoadPlan plan;
  plan.slots = settings.creates_in_flight;
  plan.duration = settings.round_time;
  plan.most = settings.smoke ? kSmokeCreates : kMostPerRound;
  double rate = 0;  // of the round before, for how many requests the next one needs

  const Round ours = [&]() -> absl::StatusOr<Sample> {
    // Signed before the clock runs: that is the devices' work.
    const double seconds = std::chrono::duration<double>(plan.duration).count();
    const auto wanted = static_cast<size_t>(2 * rate * seconds) + 2 * plan.slots;
    std::vector<cpb::CreateAccountRequest> requests(std::min<size_t>(plan.most, wanted));
    for (cpb::CreateAccountRequest& request : requests) {
      request = MakeNewAccount(world, owner, recovery).request;
    }
    LoadPlan round = plan;
    round.most = requests.size();
    struct Place {
      std::optional<grpc::ClientContext> context;
      cpb::CreateAccountResponse response;
    };
    std::vector<Place> places(round.slots);
    const double cpu = CpuSecondsOf(server);
    ASSIGN_OR_RETURN(Sample sample,
                     RunLoad(round, [&](size_t slot, uint64_t n, const Finished& finished) {
                       Place& place = places[slot];
                       place.context.emplace();
                       owner.session->peers().Prepare(*place.context, kCallTimeout);
                       stubs[slot % stubs.size()]->async()->CreateAccount(
                           &*place.context, &requests[n], &place.response, finished);
                     }));
    sample.cpu_seconds = CpuSecondsOf(server) - cpu;
    rate = sample.Rate();
    return sample;
  };
  const Round bare = [&]() -> absl::StatusOr<Sample> {
    return store->Commits(settings.creates_in_flight, plan.duration, kCommittedBytes,
                          settings.smoke ? kSmokeCreates : ~uint64_t{0});
  };
  ASSIGN_OR_RETURN(const Rounds rounds, Interleave(settings.rounds, ours, bare, !settings.smoke));
  return Summarise("key_create", "creates/s", rounds.ours, rounds.bare);
}

}  // namespace comity::bench
