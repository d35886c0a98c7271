#include "client/session/session.h"

#include <utility>

#include "client/deployment/paths.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {

absl::StatusOr<std::unique_ptr<Clock>> OpenDeploymentClock(const std::string& directory) {
  const DeploymentPaths paths(directory);
  if (!FileExists(paths.Clock())) return std::make_unique<SystemClock>();
  ASSIGN_OR_RETURN(std::unique_ptr<FileClock> clock, FileClock::Open(paths.Clock()));
  return std::unique_ptr<Clock>(std::move(clock));
}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const std::string& directory,
                                                       TlsIdentity identity) {
  const DeploymentPaths paths(directory);
  ASSIGN_OR_RETURN(Topology topology, Topology::Load(paths.Topology()));
  ASSIGN_OR_RETURN(std::unique_ptr<Clock> clock, OpenDeploymentClock(directory));
  return std::unique_ptr<Session>(
      new Session(directory, std::move(topology), std::move(clock), std::move(identity)));
}

Session::Session(std::string directory, Topology topology, std::unique_ptr<Clock> clock,
                 TlsIdentity identity)
    : directory_(std::move(directory)),
      topology_(std::move(topology)),
      clock_(std::move(clock)),
      peers_(
          std::make_unique<Peers>(Peers::Options{topology_, std::move(identity), clock_.get()})) {}

Session::~Session() = default;

absl::StatusOr<RegionId> Session::FindRegion(const std::string& name) const {
  if (const RegionInfo* region = topology_.FindRegion(name); region != nullptr) return region->id;
  std::string known;
  for (const auto& [id, info] : topology_.regions()) known += " " + id.name();
  return Refuse(Reason::kFieldInvalid, "no region \"" + name + "\" here; there are:" + known);
}

}  // namespace comity
