#include "services/common/server/peers.h"

#include <algorithm>
#include <map>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/support/channel_arguments.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/server/limits.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/topology_mark.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kFirstReconnectMs = 100;
constexpr int kConnectTimeoutMs = 10'000;
constexpr int kLongestReconnectMs = 5'000;
constexpr std::chrono::milliseconds kConnectPatience(500);

grpc::ChannelArguments ChannelSettings() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kFirstReconnectMs);
  // Despite its name: how long one attempt, handshake included, may take.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kLongestReconnectMs);
  // gRPC shares connections between channels that look alike; what a verifier expects is not part
  // of that look.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // Proxies, service configs and retries are decided by nobody outside.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  return arguments;
}

}  // namespace

struct Peers::Impl {
  explicit Impl(Options o)
      : options(std::move(o)), mark(FormatTopologyMark(MarkOf(options.topology))) {}

  std::shared_ptr<grpc::Channel> Connect(const RegionId& region, ServiceKind kind) const {
    const RegionInfo* info = options.topology.FindRegion(region);
    COMITY_CHECK(info != nullptr);
    const std::string address =
        options.addresses ? options.addresses(region, kind) : info->service(kind).address;
    return grpc::CreateCustomChannel(
        address,
        MakeChannelCredentials(options.identity, options.topology, region, kind, options.clock),
        ChannelSettings());
  }

  std::shared_ptr<grpc::Channel> Channel(const RegionId& region, ServiceKind kind) {
    absl::MutexLock lock(&mutex);
    std::shared_ptr<grpc::Channel>& channel = channels[{region, kind}];
    if (channel == nullptr) channel = Connect(region, kind);
    return channel;
  }

  void Prepare(grpc::ClientContext& context, Authorization::Deadline deadline) const {
    context.set_deadline(deadline);
    if (options.names_topology) context.AddMetadata(kTopologyMetadata, mark);
  }

  const Options options;
  const std::string mark;
  absl::Mutex mutex;
  std::map<std::pair<RegionId, ServiceKind>, std::shared_ptr<grpc::Channel>> channels
      ABSL_GUARDED_BY(mutex);
};

Peers::Peers(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Peers::~Peers() = default;

const Topology& Peers::topology() const { return impl_->options.topology; }

std::shared_ptr<grpc::Channel> Peers::ChannelTo(const RegionId& region, ServiceKind kind) {
  std::shared_ptr<grpc::Channel> channel = impl_->Channel(region, kind);
  // Between two attempts to connect a call fails at once, and gRPC's own sockets are served only
  // while some call waits: without this a caller that retries with pauses never gets through a
  // handshake, also not with a peer that is back.
  if (channel->GetState(true) != GRPC_CHANNEL_READY) {
    channel->WaitForConnected(std::chrono::system_clock::now() + kConnectPatience);
  }
  return channel;
}

bool Peers::Connected(const RegionId& region, ServiceKind kind) {
  return impl_->Channel(region, kind)->GetState(false) == GRPC_CHANNEL_READY;
}

bool Peers::Broke(const grpc::Status& status, const grpc::ClientContext& context) {
  // Our services give a reason with whatever they refuse.
  return status.error_code() == grpc::StatusCode::UNAVAILABLE &&
         !context.GetServerTrailingMetadata().contains(kErrorMetadata);
}

void Peers::Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout) const {
  impl_->Prepare(context, std::chrono::system_clock::now() + timeout);
}

void Peers::Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout,
                    const Authorization& on_behalf_of) const {
  impl_->Prepare(context,
                 std::min(on_behalf_of.deadline(), std::chrono::system_clock::now() + timeout));
}

absl::Status Peers::Outcome(const grpc::Status& status, const grpc::ClientContext& context,
                            const RegionId& region, ServiceKind kind) const {
  absl::Status outcome = FromGrpcStatus(status, context);
  const Reason reason = ReasonOf(outcome);
  if (reason != Reason::kPeerUnavailable && reason != Reason::kCertificateInvalid) {
    return outcome;
  }
  std::string cause(Name(kind));
  cause.append(" of region ").append(region.name());
  // It may be the service that was reached and says so of another one.
  if (reason == Reason::kPeerUnavailable && !Broke(status, context)) cause.append(" says so");
  const std::string why = CauseOf(outcome);
  return Refuse(reason, why.empty() ? cause : cause.append(": ").append(why));
}

}  // namespace comity
