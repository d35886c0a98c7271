#ifndef COMITY_COMMON_AUTHORISATION_CORE_RULES_H_
#define COMITY_COMMON_AUTHORISATION_CORE_RULES_H_

#include "absl/status/status.h"

#include "services/common/statement/legal.h"
#include "services/common/statement/operator.h"
#include "services/common/topology/topology.h"

// Internal to services/common/authorisation: what a core and its request must say, whoever signed
// them.
namespace comity::internal {

// The core is complete, for this deployment, region and audience. AUTHORISATION_INVALID.
absl::Status CheckCore(const AuthorisationCore& core, ServiceKind audience, const RegionId& region,
                       const Topology& topology);

// The request asks for what the core gives. AUTHORISATION_INVALID.
absl::Status CheckRequestCovers(const LegalRequest& request, const AuthorisationCore& core);

// Classes, instrument, time range and caps are within the region's rules, whatever review signed;
// `authorised` is how many accounts the approved list holds. RULES_FORBID.
absl::Status CheckRules(const AuthorisationCore& core, const LegalRequest& request,
                        size_t authorised, const ReviewRulesInfo& rules);

}  // namespace comity::internal

#endif  // COMITY_COMMON_AUTHORISATION_CORE_RULES_H_
