#ifndef COMITY_CUSTODY_SEAL_H_
#define COMITY_CUSTODY_SEAL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/secret/secret.h"
#include "services/common/status/reason.h"

namespace comity::custody {

// Who holds a share of the root key, and whether it has been entered.
struct ShareState {
  std::string person;
  bool entered = false;
};

// What guards the root key while the service is down. Thread-safe.
class Seal {
 public:
  virtual ~Seal() = default;

  // As it stands in every status and attestation.
  virtual std::string_view description() const = 0;
  // The root key, kRootKeySize bytes, without anybody's help. SEALED when it cannot be had so.
  virtual absl::StatusOr<SecretBytes> OpenRoot() = 0;

  // A seal that people open: the service starts without its root key. All below are about those.
  virtual bool opened_by_people() const { return false; }
  // Takes a person's share. The root key once there are enough of them, and with each further
  // call until Forget(); nullopt before that. A repeat changes nothing.
  //   SHARE_INVALID  not the share that this person was given; it is not counted.
  //   RATE_LIMITED   the person has entered too many of those.
  //   DATA_CORRUPT   the shares give another root key; all have to be entered again.
  virtual absl::StatusOr<std::optional<SecretBytes>> Enter(std::string_view person,
                                                           const SecretBytes& share,
                                                           UnixMillis now);
  // Wipes the shares entered so far.
  virtual void Forget() {}
  virtual std::vector<ShareState> Shares() const { return {}; }
  virtual uint32_t shares_needed() const { return 0; }
};

// A seal that opens by itself takes no share; who enters "none" opens it again.
inline absl::StatusOr<std::optional<SecretBytes>> Seal::Enter(std::string_view,
                                                              const SecretBytes& share,
                                                              UnixMillis) {
  if (!share.empty()) {
    return Refuse(Reason::kShareInvalid, "this seal has no shares");
  }
  absl::StatusOr<SecretBytes> root = OpenRoot();
  if (!root.ok()) {
    return root.status();
  }
  return std::optional<SecretBytes>(*std::move(root));
}

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SEAL_H_
