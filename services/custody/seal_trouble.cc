#include "services/custody/seal_trouble.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr absl::string_view kTroublePayload = "comity.seal_trouble";

}  // namespace

absl::Status RefuseOpening(SealTrouble trouble, std::string_view cause) {
  absl::Status status = Refuse(Reason::kSealed, cause);
  status.SetPayload(kTroublePayload,
                    absl::Cord(std::string(1, static_cast<char>(static_cast<int>(trouble)))));
  return status;
}

SealTrouble TroubleOf(const absl::Status& status) {
  if (status.ok()) return SealTrouble::kNone;
  const auto payload = status.GetPayload(kTroublePayload);
  if (!payload.has_value() || payload->size() != 1) return SealTrouble::kTokenFailed;
  return static_cast<SealTrouble>((*payload)[0]);
}

}  // namespace comity::custody
