#ifndef COMITY_CUSTODY_ROOT_KEY_H_
#define COMITY_CUSTODY_ROOT_KEY_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

namespace comity::custody {

inline constexpr size_t kRootKeySize = 32;

// The root key of one custody: everything at rest is sealed under keys derived from it, one for
// each purpose, so that a sealed record of one kind never opens as another. Move-only; Derive() is
// thread-safe.
class RootKey final {
 public:
  // SEALED unless `root` has kRootKeySize bytes.
  static absl::StatusOr<RootKey> Create(SecretBytes root, const RegionId& region);

  // HKDF-SHA256 with info = canonical v1 {16 purpose, 17 region}. The same root in another region
  // gives other keys: a store that is carried there does not open.
  std::unique_ptr<GcmSivKey> Derive(std::string_view purpose) const;
  // The bytes of that key, for one that outlives the root.
  SecretBytes DeriveBytes(std::string_view purpose) const;

 private:
  RootKey(SecretBytes root, RegionId region);
  SecretBytes root_;
  RegionId region_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ROOT_KEY_H_
