#include "services/common/server/grpc_server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include "services/common/server/limits.h"
#include "services/common/server/reflection.h"
#include "services/common/server/unreadable_message.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// A server is open to strangers until the guard has seen them: these, and the doorman, bound what
// they can hold.
constexpr size_t kMemoryBytes = 512 << 20;
constexpr int kMaxThreads = 256;
constexpr int kStreamsPerConnection = 256;
constexpr int kHandshakeMs = 10'000;
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kShortestPingIntervalMs = 10'000;
constexpr std::chrono::milliseconds kAnswerMs{1'000};

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const std::string& address, const TlsIdentity& identity, CallEnvironment* calls,
    const std::vector<grpc::Service*>& services, const Doorman::Limits& limits) {
  grpc::EnableDefaultHealthCheckService(true);
  std::unique_ptr<GrpcServer> result(new GrpcServer);
  result->calls_ = calls;
  grpc::ServerBuilder builder;
  ASSIGN_OR_RETURN(result->doorman_, Doorman::Listen(address, limits));
  // Not gRPC's own listener: that one accepts everybody, and accepts nobody any more once the
  // process has run out of files.
  result->acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      MakeServerCredentials(identity));
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  builder.SetResourceQuota(
      grpc::ResourceQuota("comity").Resize(kMemoryBytes).SetMaxThreads(kMaxThreads));
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kStreamWindowBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kShortestPingIntervalMs);
  for (grpc::Service* service : services) {
    builder.RegisterService(service);
  }
  result->reflection_ = MakeReflectionService(calls);
  builder.RegisterService(result->reflection_.get());
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(RefuseUnreadableMessages(calls));
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  result->server_ = builder.BuildAndStart();
  if (result->server_ == nullptr) {
    return Refuse(Reason::kPeerUnavailable, "cannot serve on " + address);
  }
  Doorman* const doorman = result->doorman_.get();
  calls->SetRecognise([doorman](const std::string& peer) { doorman->Recognise(peer); });
  doorman->Open([acceptor = result->acceptor_.get()](int fd) {
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = fd;
    acceptor->HandleNewConnection(&connection);
  });
  return result;
}

GrpcServer::~GrpcServer() {
  if (server_ != nullptr) {
    Drain(std::chrono::milliseconds(0));
  }
}

void GrpcServer::Drain(std::chrono::milliseconds patience, const std::function<bool()>& hurry) {
  const auto end = std::chrono::steady_clock::now() + patience;
  calls_->StartDraining();
  if (grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService()) {
    health->SetServingStatus(false);
  }
  calls_->AwaitNoneRunning(end, hurry);
  doorman_->Close();
  // A call has ended here a moment before its answer is on its way. What runs on after that is over
  // its time, or is not ours: somebody who watches the health of the server.
  server_->Shutdown(std::chrono::system_clock::now() +
                    std::min<std::chrono::milliseconds>(patience, kAnswerMs));
  server_->Wait();
}

}  // namespace comity
