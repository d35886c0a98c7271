#include "client/scenario/runner.h"

#include <utility>

#include "services/common/status/reason.h"

namespace comity::scenario {
namespace {

std::string Explain(const absl::Status& status) {
  const ReasonInfo& info = Describe(ReasonOf(status));
  const std::string cause = CauseOf(status);
  return std::string(info.name) + ": " + (cause.empty() ? std::string(status.message()) : cause);
}

CheckResult Judge(const Step& step, const absl::StatusOr<std::string>& outcome) {
  CheckResult result{step.check, false, {}};
  if (step.refused.empty()) {
    result.ok = outcome.ok();
    result.detail = outcome.ok() ? *outcome : Explain(outcome.status());
  } else if (outcome.ok()) {
    result.detail = "this was to be refused with " + step.refused + ", but: " + *outcome;
  } else {
    const ReasonInfo& info = Describe(ReasonOf(outcome.status()));
    result.ok = info.name == step.refused;
    const std::string who = step.fields.Text("as");
    result.detail = result.ok ? "\"" + step.verb + "\"" + (who.empty() ? "" : " by " + who) +
                                    " was refused, as it must be: " + std::string(info.name) +
                                    ". " + std::string(info.text)
                              : "this was to be refused with " + step.refused + ", but got " +
                                    Explain(outcome.status());
  }
  if (!result.ok) result.detail += " (line " + std::to_string(step.line) + ")";
  return result;
}

}  // namespace

std::vector<CheckResult> RunScenario(const Scenario& scenario, World& world,
                                     const Listener& listener) {
  std::vector<CheckResult> results;
  for (const Step& step : scenario.steps) {
    if (step.verb == "say") {
      listener.heading(step.fields.Text("text"));
      continue;
    }
    results.push_back(Judge(step, Perform(world, step)));
    listener.result(results.back());
    if (!results.back().ok) break;
  }
  return results;
}

}  // namespace comity::scenario
