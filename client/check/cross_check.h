#ifndef COMITY_CLIENT_CHECK_CROSS_CHECK_H_
#define COMITY_CLIENT_CHECK_CROSS_CHECK_H_

#include <string>
#include <vector>

#include "client/check/facts.h"

namespace comity {

// What no service can see alone: the invariants of docs/residency.md over what all services of a
// deployment say, and that what reviews had carried out stands in custody and storage too. Services
// whose facts are missing are not held against the others. Pure.
std::vector<Finding> CrossCheck(const std::vector<ServiceFacts>& services);

}  // namespace comity

#endif  // COMITY_CLIENT_CHECK_CROSS_CHECK_H_
