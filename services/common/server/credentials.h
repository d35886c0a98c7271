#ifndef COMITY_COMMON_SERVER_CREDENTIALS_H_
#define COMITY_COMMON_SERVER_CREDENTIALS_H_

#include <memory>
#include <optional>
#include <string>

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_context.h>

#include "absl/status/status.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/operator.h"
#include "services/common/topology/topology.h"

// TLS in both directions. gRPC's own checks accept a `us` name under `cn`'s root, so both sides use
// their own: the client refuses a server in the handshake, the server takes any well-formed client
// certificate there and judges it at the guard, where a refusal can say why.
namespace comity {

// A certificate and its private key, PEM.
struct TlsIdentity {
  std::string certificate;
  SecretBytes private_key;
};

// Requires a client certificate (of any issuer) and proof of its key.
std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsIdentity& identity);

// Presents `identity`; accepts only a server whose certificate identifies it as this service of
// this region, run by the topology's operator. `clock` outlives the credentials and their channels.
std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const TlsIdentity& identity,
                                                                 const Topology& topology,
                                                                 const RegionId& region,
                                                                 ServiceKind kind,
                                                                 const Clock* clock);

// The decision of MakeChannelCredentials(): CERTIFICATE_INVALID unless `pem` is that service.
absl::Status CheckServerCertificate(std::string_view pem, const Topology& topology,
                                    const RegionId& region, ServiceKind kind, UnixMillis now);

// The certificate that the peer presented, PEM; nothing if it presented none.
std::optional<std::string> PeerCertificate(const grpc::ServerContextBase& context);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_CREDENTIALS_H_
