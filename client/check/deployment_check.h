#ifndef COMITY_CLIENT_CHECK_DEPLOYMENT_CHECK_H_
#define COMITY_CLIENT_CHECK_DEPLOYMENT_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/check/expectations.h"
#include "client/check/facts.h"
#include "client/deployment/supervisor.h"

namespace comity {

struct DeploymentCheck {
  std::vector<Finding> findings;  // violations first
  size_t services = 0;
  size_t accounts = 0;
  size_t objects = 0;  // held by storages that serve them
  size_t cases = 0;
  uint64_t log_entries = 0;
  size_t acts = 0;  // that were looked for
  size_t violations = 0;

  bool ok() const { return violations == 0; }
};

struct CheckOptions {
  std::vector<Act> acts;
  // Nothing may be under way: what is, is a violation "half-done".
  bool settled = false;
};

// Has each service of a stopped deployment on this machine check its own store, and compares what
// they say. STATE_NOT_READY when a service runs; STORE_UNAVAILABLE or DATA_CORRUPT, naming the
// service and the end of what it said, when one could not check.
absl::StatusOr<DeploymentCheck> CheckDeployment(const Supervisor& supervisor,
                                                const CheckOptions& options);

// The comparison alone, over facts from wherever they come: every operator can print those of its
// own services (docs/check.md).
DeploymentCheck Judge(const std::vector<ServiceFacts>& services, const CheckOptions& options);

}  // namespace comity

#endif  // COMITY_CLIENT_CHECK_DEPLOYMENT_CHECK_H_
