#include "services/custody/wrapped_root.h"

#include <utility>

#include "services/common/encoding/canonical.h"
#include "services/common/statement/fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/pkcs11_token.h"
#include "services/custody/root_key.h"

namespace comity::custody {

std::string AssociatedDataOf(const WrappedRoot& wrapped) {
  CanonicalWriter writer(1);
  writer.Bytes(16, "custody-root")
      .Bytes(17, wrapped.deployment)
      .Bytes(18, wrapped.region.name())
      .Bytes(19, wrapped.operator_name);
  return std::move(writer).Finish();
}

std::string EncodeWrappedRoot(const WrappedRoot& wrapped) { return EncodeRecord(wrapped); }

absl::StatusOr<WrappedRoot> DecodeWrappedRoot(std::string_view bytes) {
  ASSIGN_OR_RETURN(WrappedRoot wrapped, DecodeRecord<WrappedRoot>(bytes));
  if (wrapped.iv.size() != kTokenIvSize || wrapped.sealed.size() != kRootKeySize + kTokenTagSize) {
    return Refuse(Reason::kFieldInvalid, "a wrapped root key has 12 and 48 bytes");
  }
  return wrapped;
}

}  // namespace comity::custody
