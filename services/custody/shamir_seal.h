#ifndef COMITY_CUSTODY_SHAMIR_SEAL_H_
#define COMITY_CUSTODY_SHAMIR_SEAL_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
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
// filling the log, and a thief from trying what lies around. One count for all uses of shares.
inline constexpr int kShareTrials = 5;
inline constexpr int64_t kShareTrialMs = kMinuteMs;

// Who holds shares, by the topology.
struct Committee {
  size_t threshold = 0;
  std::vector<std::string> persons;
};

// A root key split among persons: Shamir's shares, entered one by one by those who hold them. The
// shares entered rest in locked memory until enough are there or somebody seals; so do those of a
// root key that is to follow, until the persons that they are dealt to have shown that they have
// them.
class ShamirSeal final : public Seal {
 public:
  // Keeps a record in the place of the one before, durably, all or nothing.
  using Keep = std::function<absl::Status(const SealRecord&)>;
  // The committee is the record's, and there is no place to keep another one.
  explicit ShamirSeal(SealRecord record);
  ShamirSeal(SealRecord record, Committee committee, Keep keep);
  // Reads the record in `path`, which has to be of this place. Its holders and threshold may be
  // others than the topology's: then the root key has to be rotated. TOPOLOGY_INVALID,
  // STORE_UNAVAILABLE, STATEMENT_MALFORMED, FIELD_INVALID.
  static absl::StatusOr<std::unique_ptr<ShamirSeal>> Load(const std::string& path,
                                                          const Topology& topology,
                                                          const RegionId& region);

  std::string description() const override;
  // Always SEALED.
  absl::StatusOr<SecretBytes> OpenRoot() override;
  bool opened_by_people() const override { return true; }
  absl::StatusOr<std::optional<SecretBytes>> Enter(std::string_view person,
                                                   const SecretBytes& bytes,
                                                   UnixMillis now) override;
  void Forget() override;
  std::vector<ShareState> Shares() const override;
  uint32_t shares_needed() const override;
  std::string share_set() const override;

  absl::StatusOr<std::string> ring() const override;
  absl::Status KeepRing(const std::string& ring) override;
  absl::StatusOr<std::optional<SecretBytes>> EnterToRotate(std::string_view person,
                                                           const SecretBytes& bytes,
                                                           UnixMillis now) override;
  absl::Status Deal(const SecretBytes& root, const std::string& ring) override;
  absl::StatusOr<SecretBytes> TakeShare(std::string_view person) override;
  absl::StatusOr<Confirmation> Confirm(std::string_view person, const SecretBytes& bytes,
                                       UnixMillis now) override;
  absl::Status CutOver() override;
  void ForgetNext() override;
  std::vector<ShareState> Dealt() const override;
  uint32_t shares_to_rotate() const override;
  bool committee_differs() const override;

 private:
  struct Trials {
    int wrong = 0;
    UnixMillis since = 0;
  };
  using Shareholders = std::map<std::string, SealShare, std::less<>>;
  // A split that is not in force yet.
  struct Next {
    SealRecord record;
    Shareholders waiting;  // of those who have not shown theirs
  };

  absl::Status CheckTrials(std::string_view person, UnixMillis now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Count(std::string_view person, UnixMillis now, absl::Status wrong)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<std::optional<SecretBytes>> Take(std::string_view person, const SecretBytes& bytes,
                                                  UnixMillis now, Shareholders& entered)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Committee committee_;
  const Keep keep_;
  mutable absl::Mutex mutex_;
  SealRecord record_ ABSL_GUARDED_BY(mutex_);
  Shareholders entered_ ABSL_GUARDED_BY(mutex_);
  Shareholders entered_to_rotate_ ABSL_GUARDED_BY(mutex_);
  std::optional<Next> next_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Trials, std::less<>> trials_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SHAMIR_SEAL_H_
