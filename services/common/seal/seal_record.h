#ifndef COMITY_COMMON_SEAL_SEAL_RECORD_H_
#define COMITY_COMMON_SEAL_SEAL_RECORD_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/seal/seal_share.h"
#include "services/common/secret/secret.h"

namespace comity {

// Who holds which share, and by what it is recognised.
struct SealHolder {
  std::string person;  // in the region's roster
  uint8_t index = 0;
  Digest commitment;  // HMAC-SHA256(share value, canonical v1 {16 deployment, 17 region, 18 set,
                      // 19 person, 20 index})
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.person), io(17, b.index), io(18, b.commitment);
  }
};

// The public half of a root key that is split among persons: file `identity/seal` of a custody.
// It tells a right share from a wrong one and gives nothing away: shares and root have 256 random
// bits each. Copyable value.
struct SealRecord {
  std::string deployment;
  RegionId region;
  SealSetId set;
  uint8_t threshold = 0;
  std::vector<SealHolder> holders;  // 2 to kMaxShares, indices from 1 in order
  Digest root_check;                // HKDF-SHA256(root), info as above without person and index
  // What a root key that has followed another one brings along, sealed under it; custody's own
  // (services/custody/root_ring.h). Absent for a first root.
  std::optional<std::string> ring;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.deployment), io(17, b.region), io(18, b.set), io(19, b.threshold), io(20, b.holders);
    io(21, b.root_check), io(22, b.ring);
  }

  // nullptr if the person holds none.
  const SealHolder* Find(std::string_view person) const;
};

std::string EncodeSealRecord(const SealRecord& record);
// STATEMENT_MALFORMED, FIELD_INVALID.
absl::StatusOr<SealRecord> DecodeSealRecord(std::string_view bytes);

// A root key split among `persons`, any `threshold` of whom open it. Shares in their order.
struct NewSeal {
  SealRecord record;
  std::vector<SealShare> shares;
};
// FIELD_INVALID unless the root has kSealedRootSize bytes, 2 <= threshold <= persons <= kMaxShares,
// and no person stands twice.
absl::StatusOr<NewSeal> SplitRoot(const SecretBytes& root, std::string_view deployment,
                                  const RegionId& region, size_t threshold,
                                  const std::vector<std::string>& persons);

// Is it the very share that this person was given? SHARE_INVALID, whatever is wrong with it.
absl::Status CheckSealShare(const SealRecord& record, std::string_view person,
                            const SealShare& share);

// The root key, from at least `threshold` shares that were checked. DATA_CORRUPT if what they give
// is not the root that was split.
absl::StatusOr<SecretBytes> JoinRoot(const SealRecord& record,
                                     const std::vector<const SealShare*>& shares);

}  // namespace comity

#endif  // COMITY_COMMON_SEAL_SEAL_RECORD_H_
