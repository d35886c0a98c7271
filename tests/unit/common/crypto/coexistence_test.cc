#include <memory>
#include <string>

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include "absl/synchronization/notification.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/aead.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/x509.h"
#include "tests/testing/matchers.h"

// gRPC brings OpenSSL, we bring BoringSSL, and both define the same names. One process does a
// mutual TLS call through the one and seals through the other.
namespace comity {
namespace {

constexpr RevealKey kReveal = RevealKey::ForTest();

struct Identity {
  std::string key_pem;
  std::string certificate_pem;
};

class CoexistenceTest : public ::testing::Test {
 protected:
  CoexistenceTest() {
    CertificateSpec spec = {.common_name = "cn root",
                            .not_before = now_ - kDayMs,
                            .not_after = now_ + kDayMs,
                            .permitted_uri_host = "cn.example.comity"};
    root_ = SelfSignedAuthority(root_key_, spec);
    server_ = Issue("custody");
    client_ = Issue("storage");
  }

  Identity Issue(const std::string& name) const {
    const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
    const CertificateSpec spec = {.common_name = name,
                                  .uris = {"spiffe://cn.example.comity/operator/o/" + name + "/0"},
                                  .dns = {"localhost"},
                                  .not_before = now_ - kDayMs,
                                  .not_after = now_ + kDayMs};
    return {std::string(key.ToPem().RevealView(kReveal)),
            *IssueCertificate(root_key_, root_, key.public_key(), spec)};
  }

  std::shared_ptr<grpc::ServerCredentials> ServerCredentials() const {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = root_;
    options.pem_key_cert_pairs.push_back({server_.key_pem, server_.certificate_pem});
    return grpc::SslServerCredentials(options);
  }

  std::shared_ptr<grpc::ChannelCredentials> ClientCredentials() const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = root_;
    options.pem_private_key = client_.key_pem;
    options.pem_cert_chain = client_.certificate_pem;
    return grpc::SslCredentials(options);
  }

  const UnixMillis now_ = SystemClock().Now();  // TLS reads the machine's clock
  const PrivateKey root_key_ = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  std::string root_;
  Identity server_;
  Identity client_;
};

TEST_F(CoexistenceTest, TlsCallAndSealWorkInOneProcess) {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::CallbackGenericService no_methods;  // a server does not start without any service
  grpc::ServerBuilder builder;
  builder.RegisterCallbackGenericService(&no_methods);
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", ServerCredentials(), &port);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  ASSERT_NE(server, nullptr);
  ASSERT_NE(port, 0);

  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("localhost");
  grpc::GenericStub stub(grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(port),
                                                   ClientCredentials(), arguments));
  const auto key = *GcmSivKey::Create(RandomSecret(kAeadKeySize));
  const std::string sealed_before = key->Seal(SecretBytes::CopyOf("secret"), "");

  // grpc.health.v1: the empty request asks for the server as a whole, field 1 = 1 says SERVING.
  grpc::ClientContext context;
  const grpc::ByteBuffer request(nullptr, 0);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", grpc::StubOptions(), &request, &response,
                 [&status, &done](grpc::Status result) {
                   status = std::move(result);
                   done.Notify();
                 });
  done.WaitForNotification();
  ASSERT_TRUE(status.ok()) << status.error_message();
  grpc::Slice slice;
  ASSERT_TRUE(response.DumpToSingleSlice(&slice).ok());
  EXPECT_EQ(std::string(slice.begin(), slice.end()), "\x08\x01");

  ASSERT_OK_AND_ASSIGN(const SecretBytes opened, key->Open(sealed_before, ""));
  EXPECT_EQ(opened.RevealView(kReveal), "secret");
  server->Shutdown();
}

}  // namespace
}  // namespace comity
