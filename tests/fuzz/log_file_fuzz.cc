#include <cstdint>
#include <string_view>

#include "services/common/log/tiles.h"
#include "services/common/status/check.h"

// Paths, bundles and tiles: whatever is accepted is written back to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto id = comity::ParseTilePath(input);
  if (id.has_value()) {
    COMITY_CHECK(comity::FormatTilePath(*id) == input);
  }
  for (uint64_t count = 0; count <= 8; ++count) {
    const auto leaves = comity::DecodeBundle(input, count);
    COMITY_CHECK(!leaves.ok() || comity::EncodeBundle(*leaves) == input);
    const auto tile = comity::DecodeTile(input, count);
    COMITY_CHECK(!tile.ok() || comity::EncodeTile(*tile) == input);
  }
  return 0;
}
