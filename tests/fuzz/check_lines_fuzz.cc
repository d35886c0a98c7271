#include <cstdint>
#include <string>
#include <vector>

#include "client/check/cross_check.h"
#include "client/check/expectations.h"
#include "client/check/facts.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// What a checked service printed, and what people noted of what they were told: lines of JSON.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const std::string input(reinterpret_cast<const char*>(data), size);
  const absl::StatusOr<std::vector<Act>> acts = ParseActs(input);
  COMITY_CHECK(acts.ok() || ReasonOf(acts.status()) == Reason::kFieldInvalid);
  if (acts.ok()) {
    std::string lines;
    for (const Act& act : *acts) lines += FormatAct(act) + "\n";
    const absl::StatusOr<std::vector<Act>> again = ParseActs(lines);
    COMITY_CHECK(again.ok() && again->size() == acts->size());
  }
  const absl::StatusOr<ServiceFacts> facts = ParseFacts(input);
  COMITY_CHECK(facts.ok() || ReasonOf(facts.status()) == Reason::kDataCorrupt);
  if (facts.ok()) {
    (void)CheckActs(acts.ok() ? *acts : std::vector<Act>(), {*facts, *facts});
    (void)CrossCheck({*facts, *facts});
  }
  return 0;
}
