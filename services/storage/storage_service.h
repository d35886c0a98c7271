#ifndef COMITY_STORAGE_STORAGE_SERVICE_H_
#define COMITY_STORAGE_STORAGE_SERVICE_H_

#include <memory>

#include "services/common/server/guard.h"
#include "services/common/server/service_environment.h"
#include "services/storage/storage_node.h"

namespace comity::storage {

// Who may call which method of comity.storage.v1.StorageService.
MethodRules StorageRules();
// Streams may take long, everything else may not.
CallLimits StorageLimits();

// The gRPC adapter. Every method: identify and authorise, decode, domain call, encode.
// `environment` and `node` outlive it.
std::unique_ptr<grpc::Service> MakeStorageService(ServiceEnvironment* environment,
                                                  StorageNode* node);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORAGE_SERVICE_H_
