#ifndef COMITY_CLIENT_SCENARIO_RUNNER_H_
#define COMITY_CLIENT_SCENARIO_RUNNER_H_

#include <functional>
#include <string>
#include <vector>

#include "client/scenario/scenario.h"
#include "client/scenario/world.h"

namespace comity::scenario {

struct CheckResult {
  std::string name;
  bool ok = false;
  std::string detail;  // one plain sentence
};

// Told what happens while a scenario runs; none may be null.
struct Listener {
  std::function<void(const std::string& heading)> heading;
  std::function<void(const CheckResult&)> result;
};

// Carries out the steps in order and gives the result of every check; stops after the first one
// that does not hold, since what follows builds on it.
std::vector<CheckResult> RunScenario(const Scenario& scenario, World& world,
                                     const Listener& listener);

}  // namespace comity::scenario

#endif  // COMITY_CLIENT_SCENARIO_RUNNER_H_
