#ifndef COMITY_COMMON_FAULTS_BORDER_RELAY_H_
#define COMITY_COMMON_FAULTS_BORDER_RELAY_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "services/common/faults/fault_file.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"
#include "services/common/topology/topology.h"

namespace comity {

// The border of one process of a development deployment: what it says to services of other regions
// goes through TCP relays on loopback, one for each such service, which do to the bytes what the
// fault file says (fault_file.h). TLS runs through them from end to end: they read nothing and can
// forge nothing. Runs one thread; stops when destroyed.
class BorderRelay final {
 public:
  // Writes to `in_effect` (empty: nowhere) what it has taken from the file, each time that changes.
  // STORE_UNAVAILABLE when no port of loopback can be had.
  static absl::StatusOr<std::unique_ptr<BorderRelay>> Start(const Topology& topology,
                                                            const RegionId& region,
                                                            std::shared_ptr<const FaultFile> file,
                                                            std::string in_effect);
  ~BorderRelay();

  // Where to reach a service: its relay, or for the own region its address in the topology.
  std::string AddressOf(const RegionId& region, ServiceKind kind) const;

 private:
  struct Impl;
  explicit BorderRelay(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_FAULTS_BORDER_RELAY_H_
