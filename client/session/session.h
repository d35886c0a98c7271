#ifndef COMITY_CLIENT_SESSION_SESSION_H_
#define COMITY_CLIENT_SESSION_SESSION_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/server/credentials.h"
#include "services/common/server/peers.h"
#include "services/common/statement/statement.h"
#include "services/common/topology/topology.h"

namespace comity {

// Where a deployment's time comes from: its test clock when it has one, else the system.
absl::StatusOr<std::unique_ptr<Clock>> OpenDeploymentClock(const std::string& directory);

// A deployment as one identity sees it: its topology, its clock, and channels to its services that
// present that identity. Thread-safe. The base of everything else in the client library.
class Session final {
 public:
  // Loads and verifies `<directory>/topology.txtpb`; reads time from `<directory>/clock` when there
  // is one (development), else from the system. TOPOLOGY_INVALID, also when there is no such file.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const std::string& directory,
                                                       TlsIdentity identity);
  ~Session();

  const std::string& directory() const { return directory_; }
  const Topology& topology() const { return topology_; }
  const Clock& clock() const { return *clock_; }
  UnixMillis Now() const { return clock_->Now(); }
  Peers& peers() { return *peers_; }

  // FIELD_INVALID, naming the regions there are, when the topology has no such region.
  absl::StatusOr<RegionId> FindRegion(const std::string& name) const;

  // One unary call of a generated client's method. Adds deadline and topology mark; errors carry
  // the service's reason. When the connection breaks before the answer comes, the same message,
  // and with it the same request_id, is sent again while `timeout` lasts, at most kMostSends times
  // in all: the caller learns what became of the request, which is carried out once, and a request
  // that a service dies of does not keep it from coming back.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(const RegionId& region, ServiceKind kind,
                                grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                                const Request& request,
                                std::chrono::milliseconds timeout = std::chrono::seconds(30)) {
    const auto end = std::chrono::steady_clock::now() + timeout;
    for (int sends = 0;;) {
      const auto stub = peers_->StubTo<Service>(region, kind);
      const bool goes_out = peers_->Connected(region, kind);
      sends += goes_out ? 1 : 0;
      grpc::ClientContext context;
      peers_->Prepare(context, std::chrono::ceil<std::chrono::milliseconds>(
                                   end - std::chrono::steady_clock::now()));
      Response response;
      const grpc::Status status = (stub.get()->*method)(&context, request, &response);
      if (status.ok()) return response;
      if (sends == 0 || sends == kMostSends || !Peers::Broke(status, context) ||
          std::chrono::steady_clock::now() + kLeast >= end) {
        return peers_->Outcome(status, context, region, kind);
      }
    }
  }

 private:
  static constexpr int kMostSends = 5;
  // Less than this is left: not worth another attempt.
  static constexpr std::chrono::seconds kLeast{1};

  Session(std::string directory, Topology topology, std::unique_ptr<Clock> clock,
          TlsIdentity identity);
  std::string directory_;
  Topology topology_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Peers> peers_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_SESSION_SESSION_H_
