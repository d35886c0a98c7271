#ifndef COMITY_REVIEW_SITE_H_
#define COMITY_REVIEW_SITE_H_

#include <string>
#include <utility>

#include "services/common/clock/clock.h"
#include "services/common/identity/service_signer.h"
#include "services/common/ids/ids.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"

namespace comity::review {

// Who this review is and by which rules it goes: what every part of the domain shares. All that is
// pointed at outlives it. A copyable handle.
struct Site {
  const Topology* topology = nullptr;
  const Roster* roster = nullptr;
  const Clock* clock = nullptr;
  ServiceSigner* signer = nullptr;
  RegionId region;

  UnixMillis Now() const { return clock->Now(); }
  const ReviewRulesInfo& rules() const { return topology->review_rules(region); }
  // The authorities of a region are those of its jurisdiction.
  const std::string& country() const { return topology->FindRegion(region)->jurisdiction; }
  const Statement& endorsement() const { return signer->endorsement(); }

  template <typename Body>
  absl::StatusOr<Statement> Sign(std::string subject, const Body& body,
                                 UnixMillis expiry = 0) const {
    return signer->Sign(std::move(subject), body, expiry);
  }
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_SITE_H_
