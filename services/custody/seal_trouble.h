#ifndef COMITY_CUSTODY_SEAL_TROUBLE_H_
#define COMITY_CUSTODY_SEAL_TROUBLE_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace comity::custody {

// What keeps a token from opening the root key: what an operator is told in so many words, while
// causes with their details stay in the log.
enum class SealTrouble : uint8_t {
  kNone,
  kModule,        // the module cannot be loaded or started
  kTokenAbsent,   // no token with this label, or more than one
  kPinFile,       // the file with the PIN cannot be used
  kPinRefused,    // the token refused the PIN, now or before
  kPinLocked,     // the token lets nobody in any more
  kKeyMissing,    // the key that wraps the root key is not there
  kKeyAmbiguous,  // more than one has its label
  kKeyUnfit,      // it could leave the token, or does more than wrap the root key
  kRecord,        // the wrapped root key is lost, spoilt, of another place, or of another key
  kTokenFailed,   // anything else: the log tells
};

// SEALED, for this trouble.
absl::Status RefuseOpening(SealTrouble trouble, std::string_view cause);
// What RefuseOpening() was given; kTokenFailed for every other refusal, kNone for none.
SealTrouble TroubleOf(const absl::Status& status);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SEAL_TROUBLE_H_
