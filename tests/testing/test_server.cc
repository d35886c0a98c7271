#include "tests/testing/test_server.h"

#include <map>
#include <utility>

#include <grpcpp/create_channel.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <gtest/gtest.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/server/grpc_log.h"
#include "services/common/status/check.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr char kNobody[] = "127.0.0.1:1";

PrivateKey Copy(const PrivateKey& key) { return *PrivateKey::FromPem(key.ToPem()); }

}  // namespace

struct TestAddresses::Impl {
  mutable absl::Mutex mutex;
  std::map<std::pair<std::string, ServiceKind>, std::string> addresses ABSL_GUARDED_BY(mutex);
};

TestAddresses::TestAddresses() : impl_(std::make_unique<Impl>()) {}
TestAddresses::~TestAddresses() = default;

void TestAddresses::Set(std::string_view region, ServiceKind kind, std::string address) {
  absl::MutexLock lock(&impl_->mutex);
  impl_->addresses[{std::string(region), kind}] = std::move(address);
}

std::string TestAddresses::Get(std::string_view region, ServiceKind kind) const {
  absl::MutexLock lock(&impl_->mutex);
  const auto found = impl_->addresses.find({std::string(region), kind});
  return found == impl_->addresses.end() ? kNobody : found->second;
}

ServiceResources TestResources(const TestDeployment& deployment,
                               const TestServer::Options& options) {
  const ServiceKind kind = options.definition.kind;
  const TestService& service = deployment.service(options.region, kind);
  const RegionId region = *RegionId::Create(options.region);
  std::shared_ptr<RecordStore> records = options.records;
  if (records == nullptr) {
    records = std::make_shared<FakeRecordStore>();
  }
  std::shared_ptr<BlobStore> blobs = options.blobs;
  if (blobs == nullptr) {
    blobs = std::make_shared<FakeBlobStore>();
  }
  std::shared_ptr<const Clock> clock = options.clock;
  if (clock == nullptr) {
    clock = std::make_shared<ManualClock>(TestDeployment::kStart);
  }
  absl::StatusOr<std::unique_ptr<TransparencyLog>> log =
      TransparencyLog::Open({.origin = deployment.topology().LogOrigin(region, kind),
                             .partition_name = "log/" + std::string(Name(kind))},
                            Copy(service.log_key), records.get(), blobs.get());
  COMITY_CHECK(log.ok());
  TestAddresses* addresses = options.addresses;
  return ServiceResources{
      .topology = deployment.topology(),
      .region = region,
      .kind = kind,
      .clock = std::move(clock),
      .tls = {.certificate = service.certificate, .private_key = service.tls_key.ToPem()},
      .statement_key = Copy(service.statement_key),
      .endorsement = service.endorsement,
      .roster = std::make_shared<const Roster>(deployment.roster(options.region)),
      .records = std::move(records),
      .blobs = std::move(blobs),
      .log = *std::move(log),
      .audit = options.audit,
      .audit_keep_ms = kDayMs,
      .addresses =
          [addresses](const RegionId& peer, ServiceKind peer_kind) {
            return addresses == nullptr ? kNobody : addresses->Get(peer.name(), peer_kind);
          },
      .log_level = LogLevel::kWarn,
      .rates = options.rates};
}

TestServer::TestServer(const TestDeployment& deployment, Options options)
    : deployment_(deployment), options_(std::move(options)) {}

std::unique_ptr<TestServer> TestServer::Start(const TestDeployment& deployment, Options options) {
  InstallGrpcLog(LogFormat::kText);
  std::unique_ptr<TestServer> result(new TestServer(deployment, std::move(options)));
  const ServiceDefinition& definition = result->options_.definition;
  absl::StatusOr<std::unique_ptr<ServiceEnvironment>> environment =
      ServiceEnvironment::Create(TestResources(deployment, result->options_), definition);
  if (!environment.ok()) {
    ADD_FAILURE() << DescribeStatus(environment.status());
    return nullptr;
  }
  result->environment_ = *std::move(environment);
  absl::StatusOr<std::unique_ptr<ServiceInstance>> instance =
      definition.make(*result->environment_);
  if (!instance.ok()) {
    ADD_FAILURE() << DescribeStatus(instance.status());
    return nullptr;
  }
  result->instance_ = *std::move(instance);
  absl::StatusOr<std::unique_ptr<GrpcServer>> server =
      GrpcServer::Start("127.0.0.1:0", result->environment_->tls(), &result->environment_->calls(),
                        result->instance_->GrpcServices(), result->options_.limits);
  if (!server.ok()) {
    ADD_FAILURE() << DescribeStatus(server.status());
    return nullptr;
  }
  result->server_ = *std::move(server);
  if (result->options_.addresses != nullptr) {
    result->options_.addresses->Set(result->options_.region, definition.kind, result->address());
  }
  if (result->options_.run_tickers) {
    result->environment_->StartTickers();
  }
  return result;
}

TestServer::~TestServer() {
  server_.reset();
  if (environment_ != nullptr) {
    environment_->StopTickers();
  }
  instance_.reset();
}

std::string TestServer::address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

std::shared_ptr<grpc::Channel> TestServer::As(const std::string& certificate,
                                              const PrivateKey& key) const {
  const TlsIdentity identity{.certificate = certificate, .private_key = key.ToPem()};
  grpc::ChannelArguments arguments;
  // Otherwise channels to one address share a connection, and so an identity.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address(),
      MakeChannelCredentials(identity, deployment_.topology(), environment_->region(),
                             environment_->kind(), &environment_->clock()),
      arguments);
}

std::shared_ptr<grpc::Channel> TestServer::AsDevice(const TestDevice& device) const {
  return As(device.certificate, device.key);
}

std::shared_ptr<grpc::Channel> TestServer::AsService(std::string_view region,
                                                     ServiceKind kind) const {
  const TestService& service = deployment_.service(region, kind);
  return As(service.certificate, service.tls_key);
}

std::shared_ptr<grpc::Channel> TestServer::AsPerson(std::string_view region,
                                                    std::string_view name) const {
  const TestPerson& person = deployment_.person(region, name);
  return As(person.certificate, person.key);
}

std::shared_ptr<grpc::Channel> TestServer::WithoutCertificate() const {
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address(), grpc::experimental::TlsCredentials(options),
                                   arguments);
}

}  // namespace comity
