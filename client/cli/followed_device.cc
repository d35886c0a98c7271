#include "client/cli/followed_device.h"

#include <string>

#include "client/account/account.h"
#include "services/common/status/macros.h"

namespace comity::cli {

absl::StatusOr<Context::Device> OpenFollowed(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  const std::string before = device.profile->state().home_region;
  AccountClient account(device.session.get(), device.profile.get());
  RETURN_IF_ERROR(account.Show().status());
  const std::string& after = device.profile->state().home_region;
  if (after != before) {
    context.Note("The account has moved from " + before + " to " + after +
                 " as you consented; the proofs were checked. `comity account confirm-move` reads "
                 "everything back and lets the old copies be destroyed.");
  }
  return device;
}

}  // namespace comity::cli
