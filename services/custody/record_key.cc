#include "services/custody/record_key.h"

#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr char kFormat = 1;

}  // namespace

absl::StatusOr<RecordKey> OpenRecordKey(const Authorization& authorization, const Site& site,
                                        const KeySealer& sealer, std::string_view wrapped) {
  if (!authorization.IsService(ServiceKind::kReview, site.region)) {
    return Refuse(Reason::kCallerNotAllowed);
  }
  if (wrapped.empty()) {
    SecretBytes plaintext = RandomSecret(kRecordKeySize);
    std::string sealed(1, kFormat);
    sealed.append(sealer.SealRecordKey(plaintext));
    return RecordKey{std::move(plaintext), std::move(sealed)};
  }
  if (wrapped.front() != kFormat) {
    return Refuse(Reason::kDataCorrupt, "a record key of an unknown format");
  }
  ASSIGN_OR_RETURN(SecretBytes plaintext, sealer.OpenRecordKey(wrapped.substr(1)));
  return RecordKey{std::move(plaintext), std::string(wrapped)};
}

}  // namespace comity::custody
