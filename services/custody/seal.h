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
#include "services/custody/seal_trouble.h"

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

  // As it stands in every status and attestation. A rotation of the root key may change it.
  virtual std::string description() const = 0;
  // The root key, kRootKeySize bytes, without anybody's help. SEALED when it cannot be had so.
  virtual absl::StatusOr<SecretBytes> OpenRoot() = 0;

  // Whether custody starts without a root key that cannot be had, until somebody unseals; else that
  // is a refusal to start.
  virtual bool starts_sealed() const { return opened_by_people(); }
  // What kept it from opening when it was last tried.
  virtual SealTrouble trouble() const { return SealTrouble::kNone; }

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
  // Which split the shares in force are of; empty for a seal without shares.
  virtual std::string share_set() const { return {}; }

  // What rests beside the root key (KeySealer::Open); empty for one that has followed none.
  virtual absl::StatusOr<std::string> ring() const { return std::string(); }
  // Another one for the same root key, durably. Nobody opens, rotates or cuts over meanwhile.
  virtual absl::Status KeepRing(const std::string& ring);

  // A person's share for putting another root key in the place of this one; else as Enter(), and
  // counted apart from it. STATE_NOT_READY from a seal that keeps one root key.
  virtual absl::StatusOr<std::optional<SecretBytes>> EnterToRotate(std::string_view person,
                                                                   const SecretBytes& share,
                                                                   UnixMillis now);
  // For a seal that opens by itself: all that may fail of Replace() but for the disk, before
  // anybody is told that a rotation begins. The same arguments follow there.
  virtual absl::Status Prepare(const SecretBytes&, const std::string&) { return absl::OkStatus(); }
  // For a seal that opens by itself: the other root key takes the place, durably.
  virtual absl::Status Replace(const SecretBytes& root, const std::string& ring);

  // For one that people open. Splits the other root key among the committee that the topology
  // names; the shares rest in memory, and the present ones stay in force until CutOver().
  virtual absl::Status Deal(const SecretBytes& root, const std::string& ring);
  // The share dealt to this person. STATE_NOT_READY when none waits for him.
  virtual absl::StatusOr<SecretBytes> TakeShare(std::string_view person);
  // Does the person hold the share that was dealt to him? What Enter() refuses.
  enum class Confirmation {
    kOther,     // it is of another split
    kCounted,   // it is; not all of the committee have shown theirs yet
    kComplete,  // they have
  };
  virtual absl::StatusOr<Confirmation> Confirm(std::string_view, const SecretBytes&, UnixMillis) {
    return Confirmation::kOther;
  }
  // From now on the shares dealt are the ones in force, durably, and those before open nothing.
  // STATE_NOT_READY unless all have been confirmed.
  virtual absl::Status CutOver();
  // Wipes the shares dealt and those entered to rotate.
  virtual void ForgetNext() {}
  // To whom shares are dealt, and who has shown his; none while none are.
  virtual std::vector<ShareState> Dealt() const { return {}; }
  // Who has entered his share to rotate.
  virtual uint32_t shares_to_rotate() const { return 0; }
  // Whether the topology names another committee than the one in force.
  virtual bool committee_differs() const { return false; }
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

inline absl::StatusOr<std::optional<SecretBytes>> Seal::EnterToRotate(std::string_view,
                                                                      const SecretBytes&,
                                                                      UnixMillis) {
  return Refuse(Reason::kStateNotReady, "this seal keeps one root key");
}
inline absl::Status Seal::KeepRing(const std::string&) {
  return Refuse(Reason::kStateNotReady, "this seal keeps one root key");
}
inline absl::Status Seal::Replace(const SecretBytes&, const std::string&) {
  return Refuse(Reason::kStateNotReady, "this seal keeps one root key");
}
inline absl::Status Seal::Deal(const SecretBytes&, const std::string&) {
  return Refuse(Reason::kStateNotReady, "this seal has no shares");
}
inline absl::StatusOr<SecretBytes> Seal::TakeShare(std::string_view) {
  return Refuse(Reason::kStateNotReady, "no share waits to be taken");
}
inline absl::Status Seal::CutOver() {
  return Refuse(Reason::kStateNotReady, "no shares are dealt");
}

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SEAL_H_
