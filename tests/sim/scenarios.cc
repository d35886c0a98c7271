#include "tests/sim/scenarios.h"

#include "services/common/status/check.h"

namespace comity::sim {
namespace {

// What goes wrong, and how much of it at the same time.
constexpr Kernel::Limits kCalm{.strays = 0, .roots = 1, .crashes = false, .losses = false};
constexpr Kernel::Limits kDeaths{.strays = 0, .roots = 1, .crashes = true, .losses = false};
constexpr Kernel::Limits kLosses{.strays = 0, .roots = 1, .crashes = false, .losses = true};
constexpr Kernel::Limits kAll{
    .strays = 1, .roots = 2, .crashes = true, .losses = true, .repeats = true};

Scenario With(Kernel::Limits limits) {
  Scenario scenario;
  scenario.limits = limits;
  return scenario;
}

std::vector<NamedScenario> Make() {
  std::vector<NamedScenario> all;
  const auto add = [&](std::string_view name, std::string_view about, Kernel::Limits limits,
                       auto change) {
    Scenario scenario = With(limits);
    change(scenario);
    all.push_back({name, about, scenario});
  };
  add("calm", "nothing goes wrong", kCalm, [](Scenario&) {});
  add("no-consent", "nobody consented", kDeaths, [](Scenario& s) { s.consents = false; });
  add("deaths", "machines die anywhere", kDeaths, [](Scenario&) {});
  add("losses", "calls end without an answer", kLosses, [](Scenario&) {});
  add("timeout", "31 s pass anywhere, machines die", kDeaths, [](Scenario& s) { s.jumps = 1; });
  add("withdrawal", "the consent is taken back anywhere", kCalm, [](Scenario& s) {
    s.withdraws = true;
    s.limits.roots = 2;
  });
  add("withdrawal-deaths", "the consent is taken back, machines die", kDeaths, [](Scenario& s) {
    s.withdraws = true;
    s.limits.roots = 2;
  });
  add("refusal", "the destination's custody refuses", kDeaths,
      [](Scenario& s) { s.limits.refusals = true; });
  add("put", "the device stores an object anywhere", kCalm, [](Scenario& s) {
    s.puts = true;
    s.limits.roots = 2;
  });
  add("put-deaths", "the device stores an object, machines die", kDeaths, [](Scenario& s) {
    s.puts = true;
    s.limits.roots = 2;
  });
  add("wide", "machines die anywhere, objects in several buckets", kDeaths, [](Scenario& s) {
    s.objects = 4;
    s.limits.blobs = true;
  });
  add("late", "messages are lost, late and doubled", kLosses, [](Scenario& s) {
    s.limits.strays = 1;
    s.limits.repeats = true;
  });
  add("again", "a second attempt after the first was called off", kCalm, [](Scenario& s) {
    s.attempts = 2;
    s.jumps = 1;
    s.limits.losses = true;
    s.limits.strays = 1;
  });
  add("everything", "all of it at once", kAll, [](Scenario& s) {
    s.puts = true;
    s.withdraws = true;
    s.attempts = 2;
    s.jumps = 2;
    s.limits.refusals = true;
  });
  add("crowd", "three accounts, all of it at once", kAll, [](Scenario& s) {
    s.accounts = 3;
    s.objects = 3;
    s.limits.blobs = true;
    s.puts = true;
    s.withdraws = true;
    s.attempts = 3;
    s.jumps = 4;
    s.limits.strays = 3;
    s.limits.roots = 4;
    s.limits.refusals = true;
  });
  return all;
}

}  // namespace

const std::vector<NamedScenario>& Scenarios() {
  static const std::vector<NamedScenario>* const kAllScenarios =
      new std::vector<NamedScenario>(Make());
  return *kAllScenarios;
}

const Scenario& ScenarioNamed(std::string_view name) {
  for (const NamedScenario& named : Scenarios()) {
    if (named.name == name) return named.scenario;
  }
  COMITY_CHECK(false);
  return Scenarios().front().scenario;
}

}  // namespace comity::sim
