#ifndef COMITY_CUSTODY_WRAPPED_ROOT_H_
#define COMITY_CUSTODY_WRAPPED_ROOT_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"

namespace comity::custody {

// A root key as it rests beside a custody when a key in a token wraps it: file
// `identity/wrapped-root`. It gives nothing away to whoever has not that token. Copyable value.
struct WrappedRoot {
  std::string deployment;
  RegionId region;
  std::string operator_name;
  std::string iv;      // 12 bytes, random for every wrapping
  std::string sealed;  // AES-256-GCM of the 32 bytes of the root, and its tag of 16
  // What a root key that has followed another one brings along, sealed under it (root_ring.h).
  // Absent for a first root.
  std::optional<std::string> ring;
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.deployment), io(17, b.region), io(18, b.operator_name), io(19, b.iv);
    io(20, b.sealed), io(21, b.ring);
  }
};

// The associated data of the wrapping: canonical v1 {16 "custody-root", 17 deployment, 18 region,
// 19 operator}. What was wrapped for another custody, or for another use of the same key, does not
// open.
std::string AssociatedDataOf(const WrappedRoot& wrapped);

std::string EncodeWrappedRoot(const WrappedRoot& wrapped);
// STATEMENT_MALFORMED, FIELD_INVALID.
absl::StatusOr<WrappedRoot> DecodeWrappedRoot(std::string_view bytes);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_WRAPPED_ROOT_H_
