#ifndef COMITY_TESTS_FAKES_MORTAL_PROCESS_H_
#define COMITY_TESTS_FAKES_MORTAL_PROCESS_H_

#include <cstdint>

#include "services/common/status/reason.h"

namespace comity {

// Where processes of a test can be killed: at every contact with disk, log or another process, all
// counted together. Not thread-safe.
class DeathPoints final {
 public:
  enum class Moment {
    kBefore,  // the contact did not happen
    kAfter,   // it happened, and the process never learned of it
  };
  // Kill whoever makes the n-th contact from now on (from 1).
  void Arm(uint64_t n, Moment moment) {
    left_ = n;
    moment_ = moment;
    struck_ = false;
  }
  // Did it come to that?
  bool struck() const { return struck_; }

 private:
  friend class MortalProcess;
  uint64_t left_ = 0;
  Moment moment_ = Moment::kBefore;
  bool struck_ = false;
};

class MortalProcess final {
 public:
  explicit MortalProcess(DeathPoints* points) : points_(points) {}

  // Makes contact through `effect`, which returns an absl::Status or absl::StatusOr. A dead process
  // makes none.
  template <typename Effect>
  auto Contact(const Effect& effect) -> decltype(effect()) {
    if (dead_) {
      return Refuse(Reason::kStoreUnavailable, "dead");
    }
    if (points_ != nullptr && points_->left_ != 0 && --points_->left_ == 0) {
      points_->struck_ = true;
      if (points_->moment_ == DeathPoints::Moment::kAfter) {
        (void)effect();
      }
      dead_ = true;
      return Refuse(Reason::kStoreUnavailable, "killed");
    }
    return effect();
  }

  bool dead() const { return dead_; }
  void Revive() { dead_ = false; }

 private:
  DeathPoints* const points_;
  bool dead_ = false;
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_MORTAL_PROCESS_H_
