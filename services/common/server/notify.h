#ifndef COMITY_COMMON_SERVER_NOTIFY_H_
#define COMITY_COMMON_SERVER_NOTIFY_H_

#include <string_view>

#include "absl/status/status.h"

namespace comity {

// Tells the service manager (sd_notify protocol: one datagram to the unix socket that NOTIFY_SOCKET
// names), for example "READY=1". Success and nothing done when there is none. STORE_UNAVAILABLE
// when the socket cannot be reached.
absl::Status NotifyServiceManager(std::string_view state);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_NOTIFY_H_
