#include <cstdint>
#include <string>

#include "client/scenario/scenario.h"
#include "client/scenario/world.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// Scenario files: what is wrong with one is told with its line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;            // NOLINT
  using namespace comity::scenario;  // NOLINT
  const std::string input(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<Scenario> scenario = ParseScenario(input);
  COMITY_CHECK(scenario.ok() || ReasonOf(scenario.status()) == Reason::kFieldInvalid);
  if (!scenario.ok()) COMITY_CHECK(CauseOf(scenario.status()).starts_with("line "));
  const auto service = ParseService(input);
  COMITY_CHECK(!service.ok() || service->first + "/" + std::string(Name(service->second)) == input);
  return 0;
}
