#ifndef COMITY_CLIENT_DEPLOYMENT_PORTS_H_
#define COMITY_CLIENT_DEPLOYMENT_PORTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace comity {

// `count` different TCP ports of 127.0.0.1 that nobody listens on at this moment. They are taken
// from below the kernel's ephemeral range, so that an outgoing connection does not take one before
// the service that it is meant for. STATE_NOT_READY if not enough are free.
absl::StatusOr<std::vector<int>> FreeLoopbackPorts(int count);

// Does anybody listen at "127.0.0.1:<port>"? False for any other address.
bool IsListening(const std::string& address);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_PORTS_H_
