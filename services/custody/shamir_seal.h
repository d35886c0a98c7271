#ifndef COMITY_CUSTODY_SHAMIR_SEAL_H_
#define COMITY_CUSTODY_SHAMIR_SEAL_H_

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/ids/ids.h"
#include "services/common/seal/seal_record.h"
#include "services/common/topology/topology.h"
#include "services/custody/seal.h"

namespace comity::custody {

// How many wrong shares a person may enter within kShareTrialMs; then it is RATE_LIMITED, right
// ones too, until that time is over. Nobody guesses 256 bits: the limit keeps a broken program from
// filling the log, and a thief from trying what lies around.
inline constexpr int kShareTrials = 5;
inline constexpr int64_t kShareTrialMs = kMinuteMs;

// A root key split among persons: Shamir's shares, entered one by one by those who hold them. The
// shares entered rest in locked memory until enough are there or somebody seals.
class ShamirSeal final : public Seal {
 public:
  explicit ShamirSeal(SealRecord record);
  // Reads the record in `path`, which has to be of this place and to name the holders and threshold
  // of the topology. TOPOLOGY_INVALID, STORE_UNAVAILABLE, STATEMENT_MALFORMED, FIELD_INVALID.
  static absl::StatusOr<std::unique_ptr<ShamirSeal>> Load(const std::string& path,
                                                          const Topology& topology,
                                                          const RegionId& region);

  std::string_view description() const override { return description_; }
  // Always SEALED.
  absl::StatusOr<SecretBytes> OpenRoot() override;
  bool opened_by_people() const override { return true; }
  absl::StatusOr<std::optional<SecretBytes>> Enter(std::string_view person,
                                                   const SecretBytes& bytes,
                                                   UnixMillis now) override;
  void Forget() override;
  std::vector<ShareState> Shares() const override;
  uint32_t shares_needed() const override { return record_.threshold; }

 private:
  struct Trials {
    int wrong = 0;
    UnixMillis since = 0;
  };

  absl::Status CheckTrials(std::string_view person, UnixMillis now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Count(std::string_view person, UnixMillis now, absl::Status wrong)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const SealRecord record_;
  const std::string description_;
  mutable absl::Mutex mutex_;
  std::map<std::string, SealShare, std::less<>> entered_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Trials, std::less<>> trials_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SHAMIR_SEAL_H_
