#include <cstdint>
#include <string_view>

#include "services/common/faults/fault_file.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// The file of faults: what is read is the plan that it would be written as.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const absl::StatusOr<FaultPlan> plan =
      ParseFaults(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!plan.ok()) {
    COMITY_CHECK(ReasonOf(plan.status()) == Reason::kFieldInvalid);
    return 0;
  }
  const absl::StatusOr<FaultPlan> again = ParseFaults(FormatFaults(*plan));
  COMITY_CHECK(again.ok() && *again == *plan);
  return 0;
}
