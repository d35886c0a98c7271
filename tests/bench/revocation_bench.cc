#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <grpcpp/client_context.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "client/key/key.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/new_keys.h"

// How long uses of a key still succeed after its owner has asked for its version to be disabled,
// while as many uses are made as custody can answer.
namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;
using Api = cpb::CustodyService;
using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds kCallTimeout(30);

// Unwraps in many places at once, each again and again until it is refused.
class Hammer final {
 public:
  Hammer(const Owner& owner, const World::Channels& channels, cpb::UnwrapDataKeyRequest request,
         size_t places)
      : owner_(owner),
        request_(std::move(request)),
        stubs_(StubsOver<Api>(channels)),
        places_(places) {}

  ~Hammer() {
    stops_ = true;
    LastSuccess();
  }
  Hammer(const Hammer&) = delete;
  Hammer& operator=(const Hammer&) = delete;

  void Start() {
    {
      absl::MutexLock lock(&mutex_);
      running_ = places_.size();
    }
    for (size_t i = 0; i < places_.size(); ++i) Next(i);
  }

  // When the last use began that succeeded. After all have been refused.
  Steady::time_point LastSuccess() {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](size_t* running) { return *running == 0; }, &running_));
    return Steady::time_point(Steady::duration(last_.load()));
  }
  uint64_t successes() const { return successes_.load(); }

 private:
  struct Place {
    std::optional<grpc::ClientContext> context;
    cpb::UnwrapDataKeyResponse response;
  };

  void Next(size_t index) {
    Place& place = places_[index];
    place.context.emplace();
    owner_.session->peers().Prepare(*place.context, kCallTimeout);
    const Steady::rep begin = Steady::now().time_since_epoch().count();
    stubs_[index % stubs_.size()]->async()->UnwrapDataKey(
        &*place.context, &request_, &place.response,
        [this, index, begin](const grpc::Status& status) {
          if (!status.ok() || stops_) {
            absl::MutexLock lock(&mutex_);
            --running_;
            return;
          }
          successes_.fetch_add(1);
          Steady::rep seen = last_.load();
          while (seen < begin && !last_.compare_exchange_weak(seen, begin)) {
          }
          Next(index);
        });
  }

  const Owner& owner_;
  const cpb::UnwrapDataKeyRequest request_;
  const std::vector<std::unique_ptr<Api::Stub>> stubs_;
  std::vector<Place> places_;
  std::atomic<Steady::rep> last_{0};
  std::atomic<uint64_t> successes_{0};
  std::atomic<bool> stops_{false};
  absl::Mutex mutex_;
  size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace

absl::StatusOr<Report> RevocationBound(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const Owner owner, world.NewOwner("HK"));
  ASSIGN_OR_RETURN(const cpb::BatchUnwrapDataKeysRequest wraps, WrapNewKeys(owner, 1));
  const cpb::UnwrapDataKeyRequest request = UnwrapOf(wraps, 0);
  ASSIGN_OR_RETURN(
      const World::Channels channels,
      world.Connect(owner, kNewKeysRegion, ServiceKind::kCustody, settings.connections));
  const pid_t server = world.PidOf(kNewKeysRegion, ServiceKind::kCustody);
  std::vector<Sample> samples;
  double longest_ms = 0;
  for (size_t i = 0; i < settings.rounds; ++i) {
    const double cpu = CpuSecondsOf(server);
    const Steady::time_point begin = Steady::now();
    Hammer hammer(owner, channels, request, settings.connections * settings.streams);
    hammer.Start();
    std::this_thread::sleep_for(settings.round_time);
    const Steady::time_point asked = Steady::now();
    RETURN_IF_ERROR(
        ChangeKey(*owner.session, *owner.profile, {.kind = KeyChangeKind::kDisable, .version = 1})
            .status());
    const Steady::duration late = hammer.LastSuccess() - asked;
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(late).count();
    Sample sample;
    sample.operations = static_cast<double>(hammer.successes());
    sample.seconds = std::chrono::duration<double>(Steady::now() - begin).count();
    sample.cpu_seconds = CpuSecondsOf(server) - cpu;
    sample.latency_us.push_back(static_cast<uint32_t>(std::max<int64_t>(us, 1)));
    longest_ms = std::max(longest_ms, static_cast<double>(us) / 1000);
    samples.push_back(std::move(sample));
    RETURN_IF_ERROR(
        ChangeKey(*owner.session, *owner.profile, {.kind = KeyChangeKind::kEnable, .version = 1})
            .status());
  }
  Report report = Summarise("revocation_bound", "ms", samples, {});
  report.value = longest_ms;
  return report;
}

}  // namespace comity::bench
