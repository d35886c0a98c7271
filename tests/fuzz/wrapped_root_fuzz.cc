#include <cstdint>
#include <string_view>

#include "services/common/status/check.h"
#include "services/custody/wrapped_root.h"

// What lies beside a custody as its wrapped root key.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity::custody;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const absl::StatusOr<WrappedRoot> wrapped = DecodeWrappedRoot(input); wrapped.ok()) {
    COMITY_CHECK(EncodeWrappedRoot(*wrapped) == input);
    COMITY_CHECK(!AssociatedDataOf(*wrapped).empty());
  }
  return 0;
}
