#ifndef COMITY_CLIENT_CLI_FOLLOWED_DEVICE_H_
#define COMITY_CLIENT_CLI_FOLLOWED_DEVICE_H_

#include "absl/status/statusor.h"

#include "client/cli/context.h"

namespace comity::cli {

// Context::OpenDevice(), and follows a move first, so that a command goes to the right region; says
// so when there was one.
absl::StatusOr<Context::Device> OpenFollowed(const Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_FOLLOWED_DEVICE_H_
