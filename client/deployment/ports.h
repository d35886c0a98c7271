#ifndef COMITY_CLIENT_DEPLOYMENT_PORTS_H_
#define COMITY_CLIENT_DEPLOYMENT_PORTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace comity {

// `count` different TCP ports of 127.0.0.1 for the deployment in the folder `owner`: nobody listens
// on them at this moment, and no other deployment of this user has taken them. They are written
// down in the folder for temporary files (.comity-<uid>/ports) and are the owner's for as long as
// its folder exists, so that a deployment that is made while a service is stopped does not move in
// where that service will start again. Should that file not be to be had, or be lost, only what
// listens is kept clear of.
//
// All lie below the kernel's ephemeral range, so that an outgoing connection does not take one
// before the service that it is meant for. STATE_NOT_READY if not enough are free.
// Processes may call it at the same time: each gets ports of its own.
absl::StatusOr<std::vector<int>> TakeLoopbackPorts(int count, const std::string& owner);

// Does anybody listen at "127.0.0.1:<port>"? False for any other address.
bool IsListening(const std::string& address);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_PORTS_H_
