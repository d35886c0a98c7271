#include "services/custody/root_key.h"

#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/encoding/canonical.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr std::string_view kSalt = "comity custody root v1";

}  // namespace

RootKey::RootKey(SecretBytes root, RegionId region)
    : root_(std::move(root)), region_(std::move(region)) {}

absl::StatusOr<RootKey> RootKey::Create(SecretBytes root, const RegionId& region) {
  if (root.size() != kRootKeySize) {
    return Refuse(Reason::kSealed, "the root key has not 32 bytes");
  }
  return RootKey(std::move(root), region);
}

SecretBytes RootKey::DeriveBytes(std::string_view purpose) const {
  CanonicalWriter info(1);
  info.Bytes(16, purpose).Bytes(17, region_.name());
  return HkdfSha256(root_, kSalt, std::move(info).Finish(), kAeadKeySize);
}

std::unique_ptr<GcmSivKey> RootKey::Derive(std::string_view purpose) const {
  absl::StatusOr<std::unique_ptr<GcmSivKey>> key = GcmSivKey::Create(DeriveBytes(purpose));
  COMITY_CHECK(key.ok());  // refuses only keys of another size
  return *std::move(key);
}

}  // namespace comity::custody
