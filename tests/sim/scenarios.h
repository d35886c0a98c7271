#ifndef COMITY_TESTS_SIM_SCENARIOS_H_
#define COMITY_TESTS_SIM_SCENARIOS_H_

#include <string_view>
#include <vector>

#include "tests/sim/world.h"

namespace comity::sim {

struct NamedScenario {
  std::string_view name;
  std::string_view about;
  Scenario scenario;
};

// Every scenario by name, the small ones first.
const std::vector<NamedScenario>& Scenarios();
// Ends the program when there is none of this name.
const Scenario& ScenarioNamed(std::string_view name);

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_SCENARIOS_H_
