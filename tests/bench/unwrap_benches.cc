#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <grpcpp/client_context.h>

#include "client/key/key.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "tests/bench/bench.grpc.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/load.h"
#include "tests/bench/new_keys.h"

// Uses of data keys of one account whose key is in custody's cache, beside an echo of messages of
// the same sizes.
namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;

constexpr int kBatch = 256;
constexpr int kRewraps = 1'000;
constexpr std::chrono::seconds kCallTimeout(30);

// One call in flight: what gRPC needs to be kept, made anew for each call.
template <typename Response>
struct Place {
  std::optional<grpc::ClientContext> context;
  Response response;
};

// Calls `method` over the connection of each slot with the same request again and again. `Async` is
// deduced: in a template, the function async() of a client class hides its class of that name.
template <typename Stub, typename Async, typename Request, typename Response, typename Prepare>
Round LoadOf(const LoadPlan& plan, pid_t server,
             std::shared_ptr<std::vector<std::unique_ptr<Stub>>> stubs,
             std::shared_ptr<const Request> request,
             void (Async::*method)(grpc::ClientContext*, const Request*, Response*,
                                   std::function<void(grpc::Status)>),
             Prepare prepare) {
  return [=]() -> absl::StatusOr<Sample> {
    std::vector<Place<Response>> places(plan.slots);
    const double cpu = CpuSecondsOf(server);
    absl::StatusOr<Sample> sample =
        RunLoad(plan, [&](size_t slot, uint64_t, const Finished& finished) {
          Place<Response>& place = places[slot];
          place.context.emplace();
          prepare(*place.context);
          auto* stub = (*stubs)[slot % stubs->size()]->async();
          (stub->*method)(&*place.context, request.get(), &place.response, finished);
        });
    if (sample.ok()) sample->cpu_seconds = CpuSecondsOf(server) - cpu;
    return sample;
  };
}

template <typename T>
std::shared_ptr<T> Shared(T value) {
  return std::make_shared<T>(std::move(value));
}

// As long on the wire as `request`, and answered by as much as the key service answers.
std::shared_ptr<const v1::EchoRequest> EchoOf(size_t request_bytes, size_t answer_bytes) {
  auto echo = std::make_shared<v1::EchoRequest>();
  echo->set_answer_bytes(static_cast<uint32_t>(answer_bytes));
  echo->mutable_padding()->assign(request_bytes, 'p');
  while (echo->ByteSizeLong() > request_bytes) echo->mutable_padding()->pop_back();
  return echo;
}

template <typename Request, typename Response>
absl::StatusOr<Report> Compare(
    World& world, const Settings& settings, std::string name, std::string unit, const Owner& owner,
    std::shared_ptr<const Request> request, size_t answer_bytes, double scale,
    void (cpb::CustodyService::Stub::async::*method)(grpc::ClientContext*, const Request*,
                                                     Response*,
                                                     std::function<void(grpc::Status)>)) {
  using Api = cpb::CustodyService;
  const ServiceKind kind = ServiceKind::kCustody;
  ASSIGN_OR_RETURN(const World::Channels ours,
                   world.Connect(owner, kNewKeysRegion, kind, settings.connections));
  ASSIGN_OR_RETURN(const World::Channels bare,
                   world.ConnectBare(owner, kNewKeysRegion, kind, settings.connections));
  ASSIGN_OR_RETURN(const BareProcess* bare_process, world.BareFor(kNewKeysRegion, kind));
  LoadPlan plan;
  plan.slots = settings.connections * settings.streams;
  plan.duration = settings.round_time;
  Peers* const peers = &owner.session->peers();
  const Round our_round =
      LoadOf(plan, world.PidOf(kNewKeysRegion, kind), Shared(StubsOver<Api>(ours)), request, method,
             [=](grpc::ClientContext& context) { peers->Prepare(context, kCallTimeout); });
  using Echo =
      void (v1::BareService::Stub::async::*)(grpc::ClientContext*, const v1::EchoRequest*,
                                             v1::EchoResponse*, std::function<void(grpc::Status)>);
  const Round bare_round = LoadOf(
      plan, bare_process->pid(), Shared(StubsOver<v1::BareService>(bare)),
      EchoOf(request->ByteSizeLong(), answer_bytes),
      static_cast<Echo>(&v1::BareService::Stub::async::Echo), [](grpc::ClientContext& context) {
        context.set_deadline(std::chrono::system_clock::now() + kCallTimeout);
      });
  ASSIGN_OR_RETURN(const Rounds rounds,
                   Interleave(settings.rounds, our_round, bare_round, !settings.smoke));
  return Summarise(std::move(name), std::move(unit), rounds.ours, rounds.bare, scale);
}

}  // namespace

absl::StatusOr<Report> UnwrapUnary(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const Owner owner, world.NewOwner("HK"));
  ASSIGN_OR_RETURN(const cpb::BatchUnwrapDataKeysRequest wraps, WrapNewKeys(owner, 1));
  auto request = std::make_shared<cpb::UnwrapDataKeyRequest>(UnwrapOf(wraps, 0));
  constexpr size_t kAnswer = 32;  // and its tag, which an echo's answer has as well
  using Method = void (cpb::CustodyService::Stub::async::*)(
      grpc::ClientContext*, const cpb::UnwrapDataKeyRequest*, cpb::UnwrapDataKeyResponse*,
      std::function<void(grpc::Status)>);
  return Compare<cpb::UnwrapDataKeyRequest, cpb::UnwrapDataKeyResponse>(
      world, settings, "unwrap_unary", "calls/s", owner, request, kAnswer, 1,
      static_cast<Method>(&cpb::CustodyService::Stub::async::UnwrapDataKey));
}

absl::StatusOr<Report> UnwrapBatch(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const Owner owner, world.NewOwner("HK"));
  ASSIGN_OR_RETURN(cpb::BatchUnwrapDataKeysRequest wraps, WrapNewKeys(owner, kBatch));
  auto request = std::make_shared<const cpb::BatchUnwrapDataKeysRequest>(std::move(wraps));
  constexpr size_t kAnswer = kBatch * (32 + 2);
  using Method = void (cpb::CustodyService::Stub::async::*)(
      grpc::ClientContext*, const cpb::BatchUnwrapDataKeysRequest*,
      cpb::BatchUnwrapDataKeysResponse*, std::function<void(grpc::Status)>);
  Settings batch = settings;
  batch.streams = 1;
  return Compare<cpb::BatchUnwrapDataKeysRequest, cpb::BatchUnwrapDataKeysResponse>(
      world, batch, "unwrap_batch", "unwraps/s", owner, request, kAnswer, kBatch,
      static_cast<Method>(&cpb::CustodyService::Stub::async::BatchUnwrapDataKeys));
}

absl::StatusOr<Report> RewrapBatch(World& world, const Settings& settings) {
  ASSIGN_OR_RETURN(const Owner owner, world.NewOwner("HK"));
  ASSIGN_OR_RETURN(const cpb::BatchUnwrapDataKeysRequest wraps, WrapNewKeys(owner, kRewraps));
  // The wraps are under the version before the newest from now on, and each is made anew.
  RETURN_IF_ERROR(RotateKey(*owner.session, *owner.profile).status());
  auto request = std::make_shared<cpb::BatchRewrapDataKeysRequest>();
  request->set_account_id(wraps.account_id());
  request->set_reason(cpb::USE_REASON_OWNER_REWRAP);
  *request->mutable_items() = wraps.items();
  constexpr size_t kAnswer = kRewraps * (86 + 4);
  using Method = void (cpb::CustodyService::Stub::async::*)(
      grpc::ClientContext*, const cpb::BatchRewrapDataKeysRequest*,
      cpb::BatchRewrapDataKeysResponse*, std::function<void(grpc::Status)>);
  Settings batch = settings;
  batch.streams = 1;
  return Compare<cpb::BatchRewrapDataKeysRequest, cpb::BatchRewrapDataKeysResponse>(
      world, batch, "rewrap_batch", "rewraps/s", owner, request, kAnswer, kRewraps,
      static_cast<Method>(&cpb::CustodyService::Stub::async::BatchRewrapDataKeys));
}

}  // namespace comity::bench
