#include "services/storage/storage_service_definition.h"

#include <memory>
#include <utility>
#include <vector>

#include "services/common/status/macros.h"
#include "services/storage/peer_custody_client.h"
#include "services/storage/peer_storage_client.h"
#include "services/storage/storage_service.h"
#include "services/storage/store_check.h"
#include "services/storage/transparency_event_log.h"

namespace comity::storage {
namespace {

class StorageInstance final : public ServiceInstance {
 public:
  static absl::StatusOr<std::unique_ptr<StorageInstance>> Create(
      ServiceEnvironment& environment, const StorageNode::Options& options) {
    std::unique_ptr<StorageInstance> instance(new StorageInstance(environment));
    StorageNode::Ports ports;
    ports.topology = &environment.topology();
    ports.region = environment.region();
    ports.clock = &environment.clock();
    ports.real_time = &instance->real_time_;
    ports.signer = &environment.signer();
    ports.roster = &environment.roster();
    ports.log = &instance->log_;
    ports.records = &environment.records();
    ports.blobs = &environment.blobs();
    ports.peer = &instance->peer_;
    ports.custody = &instance->custody_;
    ASSIGN_OR_RETURN(instance->node_, StorageNode::Create(ports, options));
    instance->service_ = MakeStorageService(&environment, instance->node_.get());
    return instance;
  }

  StorageNode& node() { return *node_; }
  std::vector<grpc::Service*> GrpcServices() override { return {service_.get()}; }

 private:
  explicit StorageInstance(ServiceEnvironment& environment)
      : log_(&environment.transparency_log()),
        peer_(&environment.peers()),
        custody_(&environment.peers(), environment.region()) {}

  const SystemClock real_time_;
  TransparencyEventLog log_;
  PeerStorageClient peer_;
  PeerCustodyClient custody_;
  std::unique_ptr<StorageNode> node_;
  std::unique_ptr<grpc::Service> service_;
};

}  // namespace

ServiceDefinition StorageDefinition(StorageNode::Options options) {
  ServiceDefinition definition;
  definition.kind = ServiceKind::kStorage;
  definition.rules = StorageRules();
  definition.limits = StorageLimits();
  definition.check_store = CheckStorageStore;
  definition.make =
      [options](
          ServiceEnvironment& environment) -> absl::StatusOr<std::unique_ptr<ServiceInstance>> {
    ASSIGN_OR_RETURN(std::unique_ptr<StorageInstance> instance,
                     StorageInstance::Create(environment, options));
    environment.metrics().AddGauge(
        "comity_accounts", "Accounts known here.",
        [node = &instance->node()] { return static_cast<double>(node->index().size()); });
    environment.RegisterTicker("storage", [&environment, node = &instance->node()] {
      node->Maintain([&environment] { return environment.stopping(); });
    });
    return std::unique_ptr<ServiceInstance>(std::move(instance));
  };
  return definition;
}

}  // namespace comity::storage
