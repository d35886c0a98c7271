#ifndef COMITY_COMMON_IDENTITY_CALL_NOTE_H_
#define COMITY_COMMON_IDENTITY_CALL_NOTE_H_

#include <cstdint>

#include "services/common/crypto/digest.h"
#include "services/common/ids/ids.h"

namespace comity {

// What a call asked for, as whoever answers it understood it; goes into the call's audit record
// (common/audit). Everything may be left empty. Not thread-safe: one call, one thread at a time.
struct CallNote {
  AccountId account;
  uint32_t use = 0;     // why a key is used: a number of the service's own list; 0 = no use of keys
  uint32_t items = 0;   // how many keys the call is about
  Digest items_digest;  // over what they are for, in their order; zeros without items
  Digest authorisation;  // of a legal use; zeros for others
  GrantId grant;         // that the caller named; zeros without
};

}  // namespace comity

#endif  // COMITY_COMMON_IDENTITY_CALL_NOTE_H_
