#ifndef COMITY_COMMON_SERVER_GRPC_SERVER_H_
#define COMITY_COMMON_SERVER_GRPC_SERVER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include "absl/status/statusor.h"

#include "services/common/server/call_environment.h"
#include "services/common/server/credentials.h"
#include "services/common/server/doorman.h"

namespace comity {

// One gRPC server with our credentials, limits, reflection for every verified identity, and the
// standard health service (whose answer is public). Thread-safe.
class GrpcServer final {
 public:
  // Listens on `address` ("host:port"; port 0 picks one). `calls` and `services` outlive it.
  // PEER_UNAVAILABLE when the address cannot be had.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const std::string& address, const TlsIdentity& identity, CallEnvironment* calls,
      const std::vector<grpc::Service*>& services,
      const Doorman::Limits& limits = Doorman::LimitsOfProcess());
  // Stops at once if Drain() was not called.
  ~GrpcServer();

  int port() const { return doorman_->port(); }
  const Doorman& doorman() const { return *doorman_; }
  // Refuses new work (DRAINING; health says NOT_SERVING), gives running calls, streams too,
  // `patience`, cancels what is left, and returns when none runs. Until then it goes on listening,
  // so that whoever calls is told what to do instead of finding nobody. `hurry` is asked again and
  // again meanwhile; true ends the patience.
  void Drain(std::chrono::milliseconds patience, const std::function<bool()>& hurry = {});

 private:
  GrpcServer() = default;
  std::unique_ptr<Doorman> doorman_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::Service> reflection_;
  CallEnvironment* calls_ = nullptr;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_GRPC_SERVER_H_
