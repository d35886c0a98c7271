#ifndef COMITY_CLIENT_DEPLOYMENT_SUPERVISOR_H_
#define COMITY_CLIENT_DEPLOYMENT_SUPERVISOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/deployment/paths.h"
#include "client/deployment/process.h"
#include "client/session/session.h"
#include "services/common/clock/clock.h"
#include "services/common/faults/fault_file.h"
#include "services/common/ids/ids.h"

namespace comity {

// One service as it says of itself, or why it says nothing.
struct ServiceReport {
  std::string region;
  ServiceKind kind = ServiceKind::kStorage;
  std::string operator_name;
  std::string address;
  std::string log_url;
  std::string metrics_url;  // for this machine alone; empty if it was made without
  int pid = 0;              // 0 = not running, or not started by this machine's `up`
  bool answers = false;
  std::string problem;  // when it does not answer
  uint64_t accounts = 0;
  uint64_t log_size = 0;
  std::string log_quorum;
  std::string seal;  // custody only
  bool sealed = false;
  uint32_t shares_entered = 0;
  uint32_t shares_needed = 0;
  bool development = false;
  UnixMillis time = 0;
  uint64_t topology_serial = 0;
  std::string version;
  uint64_t uptime_seconds = 0;
};

// The service processes of a deployment on this machine. Not thread-safe; two supervisors of one
// deployment (two `up` at once) wait for each other.
class Supervisor final {
 public:
  using Progress = std::function<void(const std::string&)>;  // told in words; may be null

  // `directory` holds a deployment that MakeDeployment() made.
  static absl::StatusOr<Supervisor> Open(const std::string& directory);

  // Starts what does not run and waits until every service answers over mTLS with this topology.
  // Custodies that people open are opened as those people, whose shares lie on this machine, or
  // left sealed. STORE_UNAVAILABLE when a program is not there; STATE_NOT_READY, with the last
  // lines of its log, when a service ends or does not answer in time: the others go on running.
  enum class Seals { kOpen, kLeave };
  absl::Status Start(const Progress& progress = nullptr, Seals seals = Seals::kOpen);
  // Asks all to end, waits for running calls, and kills what does not end.
  absl::Status Stop(const Progress& progress = nullptr);
  // As a power failure would, without warning. For tests of what survives.
  absl::Status Kill(std::string_view region, ServiceKind kind);

  // All services, in order of region and kind; asks each.
  std::vector<ServiceReport> Report();

  // Development only: moves the test clock and waits until every running service shows it.
  // NOT_DEVELOPMENT when the deployment runs on the system's clock.
  absl::Status AdvanceClock(int64_t delta_ms);

  // Development only: the faults that the deployment is to have, and replaces them. Waits until
  // every running service has taken them; the first time, running services are stopped and started
  // again, since from then on what they say over a border has to pass a relay. NOT_DEVELOPMENT.
  absl::StatusOr<FaultPlan> Faults() const;
  absl::Status SetFaults(const FaultPlan& plan);

  const DeploymentPaths& paths() const { return paths_; }
  const Topology& topology() const { return session_->topology(); }
  UnixMillis Now() const { return session_->Now(); }

 private:
  Supervisor(DeploymentPaths paths, std::unique_ptr<Session> session);
  struct Service;
  std::vector<Service> Services() const;
  DetachedProcess ProcessOf(const Service& service) const;
  std::string LogFile(const Service& service) const;
  std::string MetricsAddress(const Service& service) const;
  std::vector<std::string> Limits(const Service& service) const;
  absl::Status StartOne(const Service& service, const std::string& programs) const;
  bool RunsElsewhere(const Service& service);
  absl::Status AwaitAnswer(const Service& service);
  absl::Status AwaitFaults(const Service& service, const std::string& text) const;
  ServiceReport Ask(const Service& service);

  DeploymentPaths paths_;
  // Asks as a device of no account: a state is told to every verified identity.
  std::unique_ptr<Session> session_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_SUPERVISOR_H_
