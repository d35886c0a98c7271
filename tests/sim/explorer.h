#ifndef COMITY_TESTS_SIM_EXPLORER_H_
#define COMITY_TESTS_SIM_EXPLORER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/sim/world.h"

// Goes through what can happen in a world. A state is kept by forking: each choice is tried in a
// child of the process, so that the product's code, its stacks and its memory need not know how to
// be copied. Nearest ways come first, more or less, and as many processes work as there are
// processors.
namespace comity::sim {

struct Exploration {
  uint64_t states = 0;    // different ones
  uint64_t steps = 0;     // choices that were tried
  uint64_t ends = 0;      // quiet states from which the end was looked at
  uint32_t depth = 0;     // longest path
  bool complete = false;  // nothing was left out
  std::string breach;     // what is wrong, if something is
  std::string path;       // the choices that led there, one a line
};

struct Bounds {
  uint64_t states = 1 << 20;
  int64_t seconds = 600;
  // Told now and then how many states are known, and how many of them wait to be looked into.
  std::function<void(uint64_t states, uint64_t waiting)> progress;
};

// Every state that can be reached, each once. Stops at the first breach.
Exploration ExploreAll(const TestDeployment& deployment, const Scenario& scenario,
                       const Bounds& bounds);

// One path, chosen at random: `steps` choices, most of them without trouble; then everything
// heals. The same seed takes the same path.
Exploration RunSeed(const TestDeployment& deployment, const Scenario& scenario, uint64_t seed,
                    uint32_t steps);

}  // namespace comity::sim

#endif  // COMITY_TESTS_SIM_EXPLORER_H_
