#include <cstdint>
#include <string_view>

#include "client/deployment/log_reader.h"
#include "services/common/status/check.h"

// Lines of a service's log, in which a library may have written anything.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const LogLine line = ParseLogLine(input, "2018-01-10T00:00:00.000Z");
  COMITY_CHECK(line.text == input);
  (void)IsAtLeast(line, "warn");
  return 0;
}
