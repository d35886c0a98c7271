#ifndef COMITY_CUSTODY_CUSTODY_SERVICE_DEFINITION_H_
#define COMITY_CUSTODY_CUSTODY_SERVICE_DEFINITION_H_

#include <functional>
#include <memory>

#include "services/common/server/service_environment.h"
#include "services/custody/seal.h"

namespace comity::custody {

using SealFactory = std::function<absl::StatusOr<std::unique_ptr<Seal>>(ServiceEnvironment&)>;

// The seal that the topology names: shares of persons (<service folder>/identity/seal), a token
// (identity/wrapped-root), else a key file (identity/root.key), which is NOT_DEVELOPMENT unless the
// topology is marked as development. The environment outlives it.
absl::StatusOr<std::unique_ptr<Seal>> MakeSeal(ServiceEnvironment& environment);

// What RunService() needs to run a custody.
ServiceDefinition CustodyDefinition(SealFactory make_seal = MakeSeal);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CUSTODY_SERVICE_DEFINITION_H_
