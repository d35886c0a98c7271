#include <cstdint>
#include <string_view>

#include "services/common/status/check.h"
#include "services/common/store/blob_names.h"
#include "services/common/store/record_keys.h"

// What the drivers of the stores keep beside the records: what is read is written back the same.
// And names of blobs, which become names of files: none leads out of its folder.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (const auto header = DecodePartitionHeader(input)) {
    COMITY_CHECK(EncodePartitionHeader(*header) == input);
  }
  if (const auto outcome = DecodeOutcome(input)) COMITY_CHECK(EncodeOutcome(*outcome) == input);
  if (const auto number = DecodeNumber(input)) COMITY_CHECK(EncodeNumber(*number) == input);
  if (CheckBlobName(input).ok()) {
    COMITY_CHECK(!input.starts_with('/') && !input.ends_with('/'));
    COMITY_CHECK(input != ".." && !input.starts_with("../") && !input.ends_with("/.."));
    COMITY_CHECK(input.find("/../") == std::string_view::npos);
    COMITY_CHECK(input.find('\0') == std::string_view::npos);
  }
  return 0;
}
