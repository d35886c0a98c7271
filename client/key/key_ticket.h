#ifndef COMITY_CLIENT_KEY_KEY_TICKET_H_
#define COMITY_CLIENT_KEY_KEY_TICKET_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "client/key/grants.h"
#include "services/common/ids/ids.h"

namespace comity {

// All that a grantee needs to have one data key opened. Nothing in it is secret: who is no device
// of the grantee can do nothing with it.
struct KeyTicket {
  AccountId owner;
  RegionId region;  // whose custody has the owner's key
  GrantId grant;
  GrantedContext context;
  std::string wrapped;
};
// As JSON, one line.
std::string FormatKeyTicket(const KeyTicket& ticket);
// FIELD_INVALID. Nothing is verified.
absl::StatusOr<KeyTicket> ParseKeyTicket(std::string_view text);

}  // namespace comity

#endif  // COMITY_CLIENT_KEY_KEY_TICKET_H_
