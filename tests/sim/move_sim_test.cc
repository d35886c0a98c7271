#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/sim/explorer.h"
#include "tests/sim/scenarios.h"
#include "tests/testing/sanitizers.h"

// The product's own code for a move, in every order in which its parts can be interleaved, killed
// and cut off from each other.
namespace comity::sim {
namespace {

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

std::string Told(const Exploration& exploration) {
  return exploration.path + "BREACH: " + exploration.breach;
}

// Where forks are slow, all states of a scenario take longer than a test may: these are the first
// ones of each. comity_sim_long goes through all of them.
Bounds FirstOnes() { return {.states = 4'000, .seconds = 2}; }

class ExplorationTest : public ::testing::TestWithParam<std::string_view> {};

TEST_P(ExplorationTest, StatesKeepTheInvariantsAndEndInMovedOrStays) {
  const Scenario& scenario = ScenarioNamed(GetParam());
  if (kThreadSanitized) {
    // It does not follow a process with several stacks into its children, but well along a path.
    for (uint64_t seed = 1; seed <= 5; ++seed) {
      const Exploration run = RunSeed(Deployment(), scenario, seed, 150);
      ASSERT_TRUE(run.breach.empty()) << "seed " << seed << "\n" << Told(run);
    }
    return;
  }
  const bool whole = GetParam() == "put";  // which is small enough
  const Exploration found =
      ExploreAll(Deployment(), scenario, whole ? Bounds{.seconds = 90} : FirstOnes());
  EXPECT_TRUE(found.breach.empty()) << Told(found);
  EXPECT_GT(found.states, whole ? 500u : 0u);
  EXPECT_TRUE(found.complete || !whole);
  RecordProperty("states", std::to_string(found.states));
}

TEST(CalmTest, MoveWithoutTroubleIsSeenWhole) {
  const Exploration found = ExploreAll(Deployment(), ScenarioNamed("calm"), {.seconds = 40});
  EXPECT_TRUE(found.breach.empty()) << Told(found);
  EXPECT_TRUE(found.complete);
  EXPECT_GT(found.states, 50u);
}

std::string NameOfParam(const ::testing::TestParamInfo<std::string_view>& info) {
  std::string name(info.param);
  std::erase(name, '-');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scenarios, ExplorationTest,
                         ::testing::Values("no-consent", "deaths", "losses", "timeout",
                                           "withdrawal", "refusal", "put"),
                         NameOfParam);

// A weakness in one port, and the scenario that has to find it.
struct Planted {
  std::string_view name;
  Plant plant;
  std::string_view scenario;
};

class PlantedWeaknessTest : public ::testing::TestWithParam<Planted> {};

TEST_P(PlantedWeaknessTest, IsFound) {
  Scenario scenario = ScenarioNamed(GetParam().scenario);
  scenario.plant = GetParam().plant;
  // Most are soon found by accident, and those that need a certain order by going through states,
  // or, under the thread sanitizer, by more accidents.
  const uint64_t paths = kThreadSanitized ? 400 : 15;
  bool breached = false;
  for (uint64_t seed = 1; seed <= paths && !breached; ++seed) {
    breached = !RunSeed(Deployment(), scenario, seed, 150).breach.empty();
  }
  if (!breached && !kThreadSanitized) {
    breached = !ExploreAll(Deployment(), scenario, {.seconds = 60}).breach.empty();
  }
  EXPECT_TRUE(breached) << "nothing was found";
}

TEST(RandomPathTest, SeedTakesTheSamePathAgain) {
  const Exploration first = RunSeed(Deployment(), ScenarioNamed("everything"), 5, 150);
  const Exploration second = RunSeed(Deployment(), ScenarioNamed("everything"), 5, 150);
  EXPECT_TRUE(first.breach.empty()) << Told(first);
  EXPECT_GT(first.steps, 100u);
  EXPECT_EQ(first.path, second.path);
}

std::string NameOfPlant(const ::testing::TestParamInfo<Planted>& info) {
  return std::string(info.param.name);
}

INSTANTIATE_TEST_SUITE_P(
    Plants, PlantedWeaknessTest,
    ::testing::Values(Planted{"StoreForgetsTheFence", Plant::kFenceForgotten, "deaths"},
                      Planted{"StoreForgetsGates", Plant::kGatesForgotten, "put"},
                      Planted{"StoreForgetsPuts", Plant::kPutForgotten, "put-deaths"},
                      Planted{"StoreForgetsDecisions", Plant::kDecisionForgotten, "deaths"}),
    NameOfPlant);

// The product sees this one through itself: the manifests differ, and nothing is released.
TEST(LossyLineTest, CopiesThatGetLostMoveNothing) {
  Scenario scenario = ScenarioNamed("calm");
  scenario.plant = Plant::kCopyLost;
  const Exploration found = ExploreAll(Deployment(), scenario, {.seconds = 40});
  EXPECT_TRUE(found.breach.empty()) << Told(found);
  EXPECT_TRUE(found.complete);
}

// All scenarios are longer than a test may be; of the largest some paths, always the same ones.
TEST(RandomPathTest, PathsOfThreeAccountsKeepTheInvariantsAndEnd) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const Exploration run = RunSeed(Deployment(), ScenarioNamed("crowd"), seed, 150);
    ASSERT_TRUE(run.breach.empty()) << "seed " << seed << "\n" << Told(run);
  }
}

}  // namespace
}  // namespace comity::sim
