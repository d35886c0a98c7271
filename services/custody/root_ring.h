#ifndef COMITY_CUSTODY_ROOT_RING_H_
#define COMITY_CUSTODY_ROOT_RING_H_

#include <cstdint>

#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

namespace comity::custody {

// What a root key that has followed another one brings along. It rests beside the root, sealed
// under it (KeySealer::SealRing), so that whoever opens the root has all of it, and nobody else
// any. A root that has followed none has the empty one. Move-only.
struct RootRing {
  uint32_t generation = 1;  // how many root keys there were, this one included
  SecretBytes previous;     // the root before, while something may still rest under it
  // Wraps review's record key: derived from the first root, and the same ever since, for review
  // keeps what it wrapped. Empty: derived from the root.
  SecretBytes record_key;
};

// The bytes, in order: format 1 (u8), generation (u32), record key (32); and, while there is one,
// the root before (32).
SecretBytes EncodeRing(const RootRing& ring);
// DATA_CORRUPT for anything that EncodeRing() does not write.
absl::StatusOr<RootRing> DecodeRing(const SecretBytes& bytes);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ROOT_RING_H_
