#include "services/common/server/credentials.h"

#include <utility>
#include <vector>

#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "services/common/identity/caller.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace tls = grpc::experimental;

constexpr size_t kMaxPeerCertificate = 16 << 10;
constexpr std::string_view kPemBegin = "-----BEGIN CERTIFICATE-----";

// gRPC keeps its own copy of the key for as long as the credentials live; so does OpenSSL.
std::shared_ptr<tls::StaticDataCertificateProvider> ProviderOf(const TlsIdentity& identity) {
  tls::IdentityKeyCertPair pair;
  pair.private_key = std::string(identity.private_key.RevealView(RevealKey::ForCrypto()));
  pair.certificate_chain = identity.certificate;
  auto provider = std::make_shared<tls::StaticDataCertificateProvider>(
      std::vector<tls::IdentityKeyCertPair>{pair});
  WipeString(pair.private_key);
  return provider;
}

// The server's half: form only. What a certificate is worth is judged at the guard, which can
// answer why; a refusal here reaches the caller as a closed connection and nothing else.
class WellFormedPeer final : public tls::ExternalCertificateVerifier {
 public:
  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const grpc::string_ref pem = request->peer_cert();
    if (pem.size() > kMaxPeerCertificate || !pem.starts_with(kPemBegin.data())) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "no usable certificate");
    }
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}
};

// The client's half: the whole decision, before a byte of a request is sent.
class ExpectedService final : public tls::ExternalCertificateVerifier {
 public:
  ExpectedService(Topology topology, RegionId region, ServiceKind kind, const Clock* clock)
      : topology_(std::move(topology)), region_(std::move(region)), kind_(kind), clock_(clock) {}

  bool Verify(tls::TlsCustomVerificationCheckRequest* request, std::function<void(grpc::Status)>,
              grpc::Status* sync_status) override {
    const grpc::string_ref pem = request->peer_cert();
    const absl::Status decision =
        CheckServerCertificate({pem.data(), pem.size()}, topology_, region_, kind_, clock_->Now());
    if (!decision.ok()) {
      *sync_status = grpc::Status(grpc::StatusCode::UNAUTHENTICATED, CauseOf(decision));
    }
    return true;
  }
  void Cancel(tls::TlsCustomVerificationCheckRequest*) override {}

 private:
  const Topology topology_;
  const RegionId region_;
  const ServiceKind kind_;
  const Clock* const clock_;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> MakeServerCredentials(const TlsIdentity& identity) {
  tls::TlsServerCredentialsOptions options(ProviderOf(identity));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_BUT_DONT_VERIFY);
  options.set_certificate_verifier(tls::ExternalCertificateVerifier::Create<WellFormedPeer>());
  return tls::TlsServerCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> MakeChannelCredentials(const TlsIdentity& identity,
                                                                 const Topology& topology,
                                                                 const RegionId& region,
                                                                 ServiceKind kind,
                                                                 const Clock* clock) {
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(ProviderOf(identity));
  options.watch_identity_key_cert_pairs();
  // Names of hosts mean nothing here, and chains are checked by ExpectedService.
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(
      tls::ExternalCertificateVerifier::Create<ExpectedService>(topology, region, kind, clock));
  return tls::TlsCredentials(options);
}

absl::Status CheckServerCertificate(std::string_view pem, const Topology& topology,
                                    const RegionId& region, ServiceKind kind, UnixMillis now) {
  ASSIGN_OR_RETURN(const Caller server, IdentifyCaller(pem, topology, now));
  if (server.kind != Caller::Kind::kService || server.service != kind || server.region != region) {
    return Refuse(Reason::kCertificateInvalid,
                  "the server is not " + std::string(Name(kind)) + " of region " + region.name());
  }
  return absl::OkStatus();
}

std::optional<std::string> PeerCertificate(const grpc::ServerContextBase& context) {
  const std::shared_ptr<const grpc::AuthContext> peer = context.auth_context();
  if (peer == nullptr) {
    return std::nullopt;
  }
  const std::vector<grpc::string_ref> certificates =
      peer->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (certificates.size() != 1) {
    return std::nullopt;
  }
  return std::string(certificates.front().data(), certificates.front().size());
}

}  // namespace comity
