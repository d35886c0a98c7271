#ifndef COMITY_CLIENT_SEAL_SEAL_H_
#define COMITY_CLIENT_SEAL_SEAL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/session/session.h"
#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

// The seal of a custody's root key, as operator persons of that custody see and handle it. Every
// call needs the session of one: CALLER_NOT_ALLOWED, CALLER_UNKNOWN otherwise.
namespace comity {

struct ShareHolderView {
  std::string person;
  bool entered = false;
};

struct SealView {
  std::string seal;  // "shamir 2 of 3", "pkcs11 token custody-us"
  bool sealed = false;
  uint32_t needed = 0;  // 0: opens by itself
  uint32_t entered = 0;
  std::vector<ShareHolderView> holders;  // while it is open: who has renewed its lease so far
  UnixMillis lease_end = 0;              // when custody seals itself; 0: sealed, or no lease
  std::string share_set;                 // of the shares in force; empty: the seal has none
  // Why a token did not open it when it was last asked: "pin-refused"; empty: nothing is wrong.
  std::string trouble;
  uint32_t generation = 0;         // how many root keys there were; 0: sealed
  bool committee_differs = false;  // the topology names other holders
  enum class Rotation { kNone, kDealing, kResealing };
  Rotation rotation = Rotation::kNone;
  uint32_t entered_to_rotate = 0;
  std::vector<ShareHolderView> new_holders;  // while shares are dealt: who has shown his
  uint64_t resealed = 0;                     // accounts, of
  uint64_t accounts = 0;                     // so many
};

absl::StatusOr<SealView> GetSeal(Session& session, const RegionId& region);
// Enters the person's own share, as it stands in its file; of an open custody that renews its
// lease. For a seal that opens by itself `text` is empty. SHARE_INVALID, RATE_LIMITED,
// LOG_UNAVAILABLE.
absl::StatusOr<SealView> EnterShare(Session& session, const RegionId& region,
                                    const SecretBytes& text);
// The same for another root key in the place of this one. STATE_NOT_READY while keys still rest
// under the root before.
absl::StatusOr<SealView> RotateRoot(Session& session, const RegionId& region,
                                    const SecretBytes& text);
// Takes the person's share of the root key that was made, keeps it in `path` (durably, in the place
// of what is there), and shows that it is there. STATE_NOT_READY, STORE_UNAVAILABLE.
absl::StatusOr<SealView> TakeShare(Session& session, const RegionId& region,
                                   const std::string& path);
// A share that was taken and is in force by now takes the place of the one before, which is gone
// then: `folder` is the person's.
absl::Status SettleShare(const SealView& view, const std::string& folder);
// At once: root key and all opened keys are wiped.
absl::StatusOr<SealView> SealCustody(Session& session, const RegionId& region);

}  // namespace comity

#endif  // COMITY_CLIENT_SEAL_SEAL_H_
