#ifndef COMITY_COMMON_SERVER_PEERS_H_
#define COMITY_COMMON_SERVER_PEERS_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/server/credentials.h"
#include "services/common/topology/topology.h"

namespace comity {

using AddressBook = std::function<std::string(const RegionId&, ServiceKind)>;  // "host:port"

// Channels to the services of a topology, made when first asked for and kept. Used by services and,
// with the certificate of a device or person, by the client library. Thread-safe.
class Peers final {
 public:
  struct Options {
    Topology topology;
    TlsIdentity identity;          // what this side presents
    const Clock* clock = nullptr;  // outlives the channels
    // Where a service is reached if not at its address in the topology (a tunnel; a test). Who must
    // answer there does not change.
    AddressBook addresses;
    // Whether calls say which topology this side has. Services must, across a border; nobody asks
    // devices and persons.
    bool names_topology = false;
  };
  explicit Peers(Options options);
  ~Peers();

  // Never null; waits up to half a second for the connection, so that it may block. COMITY_CHECK:
  // the region is in the topology.
  std::shared_ptr<grpc::Channel> ChannelTo(const RegionId& region, ServiceKind kind);
  // peers.StubTo<custody::v1::CustodyService>(region, ServiceKind::kCustody)->…
  template <typename Service>
  std::unique_ptr<typename Service::Stub> StubTo(const RegionId& region, ServiceKind kind) {
    return Service::NewStub(ChannelTo(region, kind));
  }

  // Whether a connection stands, so that the next call goes out at once. COMITY_CHECK as above.
  bool Connected(const RegionId& region, ServiceKind kind);

  // Before each call.
  void Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout) const;
  // The same for a call on behalf of one being served: not later than that one's deadline.
  void Prepare(grpc::ClientContext& context, std::chrono::milliseconds timeout,
               const Authorization& on_behalf_of) const;

  // After each call: as FromGrpcStatus(), with the name of the service in the cause when it could
  // not be reached or was refused for its certificate.
  absl::Status Outcome(const grpc::Status& status, const grpc::ClientContext& context,
                       const RegionId& region, ServiceKind kind) const;

  // Whether a call ended because there was no connection, or none any more: not by the word of the
  // service, which may have done what it was asked.
  static bool Broke(const grpc::Status& status, const grpc::ClientContext& context);

  const Topology& topology() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_PEERS_H_
