#ifndef COMITY_TESTS_TESTING_TEST_SERVER_H_
#define COMITY_TESTS_TESTING_TEST_SERVER_H_

#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/channel.h>

#include "services/common/clock/clock.h"
#include "services/common/server/grpc_server.h"
#include "services/common/server/service_environment.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "tests/testing/deployment.h"

namespace comity {

// Where the test servers of one deployment listen. Thread-safe; outlives them.
class TestAddresses final {
 public:
  TestAddresses();
  ~TestAddresses();
  void Set(std::string_view region, ServiceKind kind, std::string address);
  // Of a service that was not started: an address that nobody listens on.
  std::string Get(std::string_view region, ServiceKind kind) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// One service of a TestDeployment, served over real gRPC and mTLS on a port of its own, with
// in-memory stores. Destroying it stops it; the stores that were passed in live on, so that a
// second server over them is a restart.
class TestServer final {
 public:
  struct Options {
    std::string region = "cn";
    ServiceDefinition definition;          // says the kind
    std::shared_ptr<const Clock> clock;    // none: a ManualClock at TestDeployment::kStart
    std::shared_ptr<RecordStore> records;  // none: new fakes
    std::shared_ptr<BlobStore> blobs;
    std::shared_ptr<AuditLog> audit;     // none: no audit records
    TestAddresses* addresses = nullptr;  // of this service's peers; none: nobody is reachable
    bool run_tickers = false;            // otherwise the test calls environment().TickOnce()
    Doorman::Limits limits = Doorman::LimitsOfProcess();
    Rates rates{};  // nothing is limited without
  };
  // Fails the test and returns null when it cannot start. `deployment` outlives the server.
  static std::unique_ptr<TestServer> Start(const TestDeployment& deployment, Options options);
  ~TestServer();

  ServiceEnvironment& environment() { return *environment_; }
  ServiceInstance& instance() { return *instance_; }
  GrpcServer& server() { return *server_; }
  std::string address() const;

  // Channels to this server, as somebody.
  std::shared_ptr<grpc::Channel> As(const std::string& certificate, const PrivateKey& key) const;
  std::shared_ptr<grpc::Channel> AsDevice(const TestDevice& device) const;
  std::shared_ptr<grpc::Channel> AsService(std::string_view region, ServiceKind kind) const;
  std::shared_ptr<grpc::Channel> AsPerson(std::string_view region, std::string_view name) const;
  std::shared_ptr<grpc::Channel> WithoutCertificate() const;

 private:
  TestServer(const TestDeployment& deployment, Options options);
  const TestDeployment& deployment_;
  Options options_;
  std::unique_ptr<ServiceEnvironment> environment_;
  std::unique_ptr<ServiceInstance> instance_;
  std::unique_ptr<GrpcServer> server_;
};

// What a service of `deployment` is made of, with in-memory stores where `options` has none.
ServiceResources TestResources(const TestDeployment& deployment,
                               const TestServer::Options& options);

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_TEST_SERVER_H_
