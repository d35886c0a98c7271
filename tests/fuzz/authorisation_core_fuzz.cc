#include <cstdint>
#include <string_view>

#include "services/common/statement/fields.h"
#include "services/common/statement/legal.h"
#include "services/common/status/check.h"

// Whatever is accepted as an authorisation core is written back to the same bytes: approvers sign
// the digest of these bytes, and every audience must read the same scope in them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto core = comity::DecodeRecord<comity::AuthorisationCore>(input);
  if (core.ok()) {
    COMITY_CHECK(comity::EncodeRecord(*core) == input);
  }
  return 0;
}
