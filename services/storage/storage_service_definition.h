#ifndef COMITY_STORAGE_STORAGE_SERVICE_DEFINITION_H_
#define COMITY_STORAGE_STORAGE_SERVICE_DEFINITION_H_

#include "services/common/server/service_environment.h"
#include "services/storage/storage_node.h"

namespace comity::storage {

// What RunService() needs to run a storage.
ServiceDefinition StorageDefinition(StorageNode::Options options = {});

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORAGE_SERVICE_DEFINITION_H_
