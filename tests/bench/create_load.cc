#include "tests/bench/create_load.h"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <grpcpp/client_context.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/server/status_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/load.h"
#include "tests/bench/new_account.h"
#include "tests/bench/new_keys.h"

namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kCallTimeout(60);
constexpr ServiceKind kKind = ServiceKind::kCustody;
// Calls that are due within this are sent together.
constexpr std::chrono::milliseconds kPace(1);

// Calls that nobody waits for before the next is sent.
class OpenLoad final {
 public:
  struct Call {
    grpc::ClientContext context;
    cpb::CreateAccountResponse response;
    Steady::time_point begin;
  };

  explicit OpenLoad(size_t calls) : calls_(calls) {}

  Call& at(size_t n) { return calls_[n]; }

  void Ended(size_t n, const grpc::Status& status) {
    const auto latency =
        std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - calls_[n].begin);
    const absl::Status outcome = FromGrpcStatus(status, calls_[n].context);
    absl::MutexLock lock(&mutex_);
    ++ended_;
    if (outcome.ok()) {
      latency_us_.push_back(static_cast<uint32_t>(latency.count()));
    } else if (ReasonOf(outcome) == Reason::kOverloaded) {
      ++turned_away_;
    } else if (failure_.ok()) {
      failure_ = outcome;
    }
  }

  // Waits for the answers to the first `sent` calls.
  absl::StatusOr<CreateLoad::Offered> Finish(size_t sent) {
    absl::MutexLock lock(&mutex_);
    awaited_ = sent;
    mutex_.Await(absl::Condition(
        +[](OpenLoad* load)
             ABSL_NO_THREAD_SAFETY_ANALYSIS { return load->ended_ == load->awaited_; },
        this));
    if (!failure_.ok()) {
      return Refuse(Reason::kInternal, "a call failed: " + std::string(failure_.message()));
    }
    CreateLoad::Offered offered;
    offered.calls = sent;
    offered.turned_away = turned_away_;
    offered.done.operations = static_cast<double>(latency_us_.size());
    offered.done.latency_us = std::move(latency_us_);
    return offered;
  }

 private:
  std::vector<Call> calls_;
  absl::Mutex mutex_;
  size_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t awaited_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t turned_away_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<uint32_t> latency_us_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

CreateLoad::CreateLoad(World& world, Owner owner)
    : world_(world),
      owner_(std::move(owner)),
      recovery_(PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256)),
      server_(world.PidOf(kNewAccountRegion, kKind)) {}

absl::StatusOr<std::unique_ptr<CreateLoad>> CreateLoad::Open(World& world, size_t connections) {
  ASSIGN_OR_RETURN(Owner owner, world.NewOwner(kNewAccountTerritory));
  std::unique_ptr<CreateLoad> load(new CreateLoad(world, std::move(owner)));
  ASSIGN_OR_RETURN(const World::Channels channels,
                   world.Connect(load->owner_, kNewAccountRegion, kKind, connections));
  load->stubs_ = StubsOver<Api>(channels);
  return load;
}

std::vector<cpb::CreateAccountRequest> CreateLoad::Sign(size_t count) {
  std::vector<cpb::CreateAccountRequest> requests(count);
  for (cpb::CreateAccountRequest& request : requests) {
    request = MakeNewAccount(world_, owner_, recovery_).request;
  }
  return requests;
}

absl::StatusOr<Sample> CreateLoad::KeepInFlight(size_t in_flight,
                                                std::chrono::milliseconds duration, uint64_t most) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const auto wanted = static_cast<uint64_t>(2 * rate_ * seconds) + 2 * in_flight;
  std::vector<cpb::CreateAccountRequest> requests = Sign(std::min(most, wanted));
  LoadPlan plan;
  plan.slots = in_flight;
  plan.duration = duration;
  plan.most = requests.size();
  struct Place {
    std::optional<grpc::ClientContext> context;
    cpb::CreateAccountResponse response;
  };
  std::vector<Place> places(in_flight);
  const double cpu = CpuSecondsOf(server_);
  ASSIGN_OR_RETURN(Sample sample,
                   RunLoad(plan, [&](size_t slot, uint64_t n, const Finished& finished) {
                     Place& place = places[slot];
                     place.context.emplace();
                     owner_.session->peers().Prepare(*place.context, kCallTimeout);
                     stubs_[slot % stubs_.size()]->async()->CreateAccount(
                         &*place.context, &requests[n], &place.response, finished);
                   }));
  sample.cpu_seconds = CpuSecondsOf(server_) - cpu;
  rate_ = sample.Rate();
  return sample;
}

absl::StatusOr<CreateLoad::Offered> CreateLoad::Offer(double per_second,
                                                      std::chrono::milliseconds duration) {
  const double seconds = std::chrono::duration<double>(duration).count();
  const std::vector<cpb::CreateAccountRequest> requests =
      Sign(std::max<size_t>(1, static_cast<size_t>(per_second * seconds)));
  OpenLoad load(requests.size());
  const double cpu = CpuSecondsOf(server_);
  const Steady::time_point begin = Steady::now();
  size_t sent = 0;
  while (sent < requests.size() && Steady::now() - begin < duration) {
    const double passed = std::chrono::duration<double>(Steady::now() - begin + kPace).count();
    const size_t due = std::min(requests.size(), static_cast<size_t>(passed * per_second) + 1);
    for (; sent < due; ++sent) {
      OpenLoad::Call& call = load.at(sent);
      owner_.session->peers().Prepare(call.context, kCallTimeout);
      call.begin = Steady::now();
      stubs_[sent % stubs_.size()]->async()->CreateAccount(
          &call.context, &requests[sent], &call.response,
          [&load, sent](const grpc::Status& status) { load.Ended(sent, status); });
    }
    std::this_thread::sleep_for(kPace);
  }
  ASSIGN_OR_RETURN(Offered offered, load.Finish(sent));
  offered.done.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
  offered.done.cpu_seconds = CpuSecondsOf(server_) - cpu;
  return offered;
}

}  // namespace comity::bench
