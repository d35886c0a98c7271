#include "services/storage/gates.h"

#include <vector>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

// An account has up to 256 buckets, and each gate waits for a sync: as few in a row as the writes
// of a moving account may wait for.
constexpr size_t kAtOnce = 32;

absl::Status SetOneGate(ObjectStore& objects, const AccountId& account, uint8_t bucket,
                        const Gate& to, const std::optional<Gate>& only_from) {
  constexpr int kTries = 32;
  for (int i = 0; i < kTries; ++i) {
    ASSIGN_OR_RETURN(const std::optional<Gate> gate, objects.GetGate(account, bucket));
    if (gate == to) return absl::OkStatus();
    if (only_from.has_value() && gate != only_from) return absl::OkStatus();
    absl::Status set = objects.SetGate(account, bucket, gate, to);
    if (ReasonOf(set) != Reason::kConflict) return set;
  }
  return Refuse(Reason::kConflict, "the gate of a bucket changes too often");
}

}  // namespace

absl::Status SetAllGates(TaskPool* tasks, ObjectStore& objects, const AccountSnapshot& account,
                         const Gate& to, const std::optional<Gate>& only_from) {
  const std::vector<uint8_t> buckets(account.buckets.begin(), account.buckets.end());
  return RunAll(tasks, kAtOnce, buckets.size(), [&](size_t i) {
    return SetOneGate(objects, account.account, buckets[i], to, only_from);
  });
}

}  // namespace comity::storage
