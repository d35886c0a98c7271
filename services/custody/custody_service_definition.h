#ifndef COMITY_CUSTODY_CUSTODY_SERVICE_DEFINITION_H_
#define COMITY_CUSTODY_CUSTODY_SERVICE_DEFINITION_H_

#include <functional>
#include <memory>

#include "services/common/server/service_environment.h"
#include "services/custody/root_key.h"

namespace comity::custody {

using SealFactory = std::function<absl::StatusOr<std::unique_ptr<Seal>>(const ServiceEnvironment&)>;

// The keyfile seal: <service folder>/identity/root.key. NOT_DEVELOPMENT unless the topology is
// marked as development.
absl::StatusOr<std::unique_ptr<Seal>> MakeKeyfileSeal(const ServiceEnvironment& environment);

// What RunService() needs to run a custody.
ServiceDefinition CustodyDefinition(SealFactory make_seal = MakeKeyfileSeal);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CUSTODY_SERVICE_DEFINITION_H_
