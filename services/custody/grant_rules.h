#ifndef COMITY_CUSTODY_GRANT_RULES_H_
#define COMITY_CUSTODY_GRANT_RULES_H_

#include <vector>

#include "absl/status/status.h"

#include "services/common/clock/clock.h"
#include "services/common/statement/key_grant.h"
#include "services/common/statement/statement.h"
#include "services/custody/account.h"
#include "services/custody/key_context.h"

// What follows from a grant, from its account's record and from the time. Pure.
namespace comity::custody {

// How a grant stands.
enum class GrantState : uint8_t { kInForce, kNotBegun, kExpired, kRevoked, kDeviceRevoked };
GrantState StateOf(const GrantRecord& grant, const Account& account, UnixMillis now);
// Has it ended whatever the time is? Revoked, or the device that signed it is: what a stolen device
// gave away ends with it.
bool EndedEarly(const GrantRecord& grant, const Account& account);

// May a device give this? FIELD_INVALID says what is wrong with it; CONTEXT_INVALID its pairs.
absl::Status CheckGrant(const Envelope& envelope, const KeyGrant& grant, const Account& account,
                        UnixMillis now);

// Does the grant allow this operation on this key?
bool Covers(const KeyGrant& grant, KeyOperation operation, const KeyContext& context);

// Forgets grants that have ended so long ago that nothing which ended them could come again; and
// those of revoked devices, which bring nothing again.
void ForgetEndedGrants(Account& account, UnixMillis now);

// All of them end, and nothing is kept: the account leaves this custody, or is given up.
void EndGrants(Account& account);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_GRANT_RULES_H_
