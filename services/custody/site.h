#ifndef COMITY_CUSTODY_SITE_H_
#define COMITY_CUSTODY_SITE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/service_signer.h"
#include "services/common/ids/ids.h"
#include "services/common/limits/rate_limits.h"
#include "services/common/statement/statement.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"
#include "services/custody/root_backup.h"

namespace comity::custody {

// Who this custody is and by which rules it goes: what every part of the domain shares. All that
// is pointed at outlives it.
struct Site {
  const Topology* topology = nullptr;
  const Roster* roster = nullptr;
  const Clock* clock = nullptr;
  ServiceSigner* signer = nullptr;
  RegionId region;
  std::string operator_name;
  int64_t seal_lease_ms = 0;     // how long custody stays open before it seals itself; 0: for ever
  RateLimits* limits = nullptr;  // null: nothing is limited
  RootBackup* backup = nullptr;  // null: none is kept
  // Told of what did not work out and is tried again later, for the operator's log. May be null.
  std::function<void(std::string_view event, const absl::Status&)> report;

  UnixMillis Now() const { return clock->Now(); }
  const Statement& endorsement() const { return signer->endorsement(); }

  template <typename Body>
  absl::StatusOr<Statement> Sign(const AccountId& account, const Body& body,
                                 UnixMillis expiry = 0) const {
    return signer->Sign(std::string(account.bytes()), body, expiry);
  }
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SITE_H_
