#ifndef COMITY_CLIENT_SEAL_OPEN_SEALS_H_
#define COMITY_CLIENT_SEAL_OPEN_SEALS_H_

#include <functional>
#include <string>

#include "absl/status/status.h"

#include "client/session/session.h"

namespace comity {

// Opens what is sealed in a development deployment, where the shares of all holders lie on this
// machine: enters them as those persons, one by one, until each custody opens. `session` is
// anybody's; it asks which are sealed. NOT_DEVELOPMENT elsewhere: there people enter their own.
absl::Status OpenSeals(Session& session, const std::function<void(const std::string&)>& progress);

}  // namespace comity

#endif  // COMITY_CLIENT_SEAL_OPEN_SEALS_H_
