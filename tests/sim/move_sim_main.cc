// Simulates moves for as long as one likes:
//   move_sim --explore deaths            every state of a scenario
//   move_sim --scenario crowd --seed 7   one path at random, the same each time
//   move_sim --scenario crowd --runs 500 many of them
#include <cstdio>
#include <random>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/sim/explorer.h"
#include "tests/sim/scenarios.h"

namespace comity::sim {
namespace {

void PrintBreach(const Exploration& exploration) {
  std::printf("%s\nBREACH: %s\n", exploration.path.c_str(), exploration.breach.c_str());
}

Scenario Planted(const std::string& name, int plant) {
  Scenario scenario = ScenarioNamed(name);
  scenario.plant = static_cast<Plant>(plant);
  return scenario;
}

int Explore(const std::string& name, int plant, Bounds bounds) {
  const TestDeployment deployment;
  bounds.progress = [](uint64_t states, uint64_t waiting) {
    std::fprintf(stderr, "  %llu states, of which %llu are to be looked into\n",
                 static_cast<unsigned long long>(states), static_cast<unsigned long long>(waiting));
  };
  const Exploration found = ExploreAll(deployment, Planted(name, plant), bounds);
  if (!found.breach.empty()) PrintBreach(found);
  std::printf("%s: %llu states, %llu steps, %llu ends, depth %u%s\n", name.c_str(),
              static_cast<unsigned long long>(found.states),
              static_cast<unsigned long long>(found.steps),
              static_cast<unsigned long long>(found.ends), found.depth,
              found.complete ? ", complete" : ", bounded");
  return found.breach.empty() ? 0 : 1;
}

int Run(const std::string& name, int plant, uint64_t seed, uint32_t runs, uint32_t steps) {
  const TestDeployment deployment;
  for (uint32_t i = 0; i < runs; ++i) {
    const Exploration run = RunSeed(deployment, Planted(name, plant), seed + i, steps);
    if (run.breach.empty()) continue;
    PrintBreach(run);
    std::printf("repeat it with --scenario %s --seed %llu --steps %u\n", name.c_str(),
                static_cast<unsigned long long>(seed + i), steps);
    return 1;
  }
  std::printf("%s: seeds %llu to %llu, %u steps each\n", name.c_str(),
              static_cast<unsigned long long>(seed),
              static_cast<unsigned long long>(seed + runs - 1), steps);
  return 0;
}

int Main(int argc, char** argv) {
  CLI::App app("Simulates moves of accounts between two regions", "move_sim");
  std::string explore;
  std::string scenario = "crowd";
  uint64_t seed = std::random_device()();
  uint32_t runs = 1;
  uint32_t steps = 400;
  Bounds bounds;
  bool list = false;
  int plant = 0;
  app.add_flag("--list", list, "Names the scenarios");
  app.add_option("--explore", explore, "Goes through every state of this scenario");
  app.add_option("--max-states", bounds.states, "At most so many of them");
  app.add_option("--max-seconds", bounds.seconds, "For so long at most");
  app.add_option("--scenario", scenario, "Takes random paths through this one");
  app.add_option("--seed", seed, "Begins with this path; without, with any");
  app.add_option("--runs", runs, "So many paths, one seed after the other");
  app.add_option("--steps", steps, "So many steps on each");
  app.add_option("--plant", plant, "With this weakness in a port, by its number in ports.h")
      ->check(CLI::Range(0, static_cast<int>(Plant::kCopyLost)));
  CLI11_PARSE(app, argc, argv);
  if (list) {
    for (const NamedScenario& named : Scenarios()) {
      std::printf("%-18s %s\n", std::string(named.name).c_str(), std::string(named.about).c_str());
    }
    return 0;
  }
  return explore.empty() ? Run(scenario, plant, seed, runs, steps)
                         : Explore(explore, plant, bounds);
}

}  // namespace
}  // namespace comity::sim

int main(int argc, char** argv) { return comity::sim::Main(argc, argv); }
