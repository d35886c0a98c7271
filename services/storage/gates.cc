#include "services/storage/gates.h"

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

absl::Status SetOneGate(ObjectStore& objects, const AccountId& account, uint8_t bucket,
                        const Gate& to, const std::optional<Gate>& only_from) {
  constexpr int kTries = 32;
  for (int i = 0; i < kTries; ++i) {
    ASSIGN_OR_RETURN(const std::optional<Gate> gate, objects.GetGate(account, bucket));
    if (gate == to) return absl::OkStatus();
    if (only_from.has_value() && gate != only_from) return absl::OkStatus();
    const absl::Status set = objects.SetGate(account, bucket, gate, to);
    if (ReasonOf(set) != Reason::kConflict) return set;
  }
  return Refuse(Reason::kConflict, "the gate of a bucket changes too often");
}

}  // namespace

absl::Status SetAllGates(ObjectStore& objects, const AccountSnapshot& account, const Gate& to,
                         const std::optional<Gate>& only_from) {
  for (const uint8_t bucket : account.buckets) {
    RETURN_IF_ERROR(SetOneGate(objects, account.account, bucket, to, only_from));
  }
  return absl::OkStatus();
}

}  // namespace comity::storage
