#include <utility>

#include "client/check/deployment_check.h"
#include "client/scenario/world.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// What goes wrong on purpose, and the proof that nothing is lost by it.
namespace comity::scenario {
namespace {

absl::StatusOr<std::string> Kill(World& world, const Fields& fields) {
  for (const std::string& text : fields.Texts("services")) {
    ASSIGN_OR_RETURN(const auto service, ParseService(text));
    RETURN_IF_ERROR(world.supervisor().Kill(service.first, service.second));
  }
  return "killed " + Join(fields.Texts("services")) + " without warning";
}

absl::StatusOr<std::string> Restart(World& world, const Fields& fields) {
  const bool sealed = fields.Flag("sealed");
  RETURN_IF_ERROR(world.supervisor().Start(
      nullptr, sealed ? Supervisor::Seals::kLeave : Supervisor::Seals::kOpen));
  return sealed ? "every service answers, and what was killed is sealed" : "every service answers";
}

absl::StatusOr<std::string> CheckStores(World& world, const Fields& fields) {
  world.Progress("stopping every service to look at its store");
  RETURN_IF_ERROR(world.supervisor().Stop());
  const absl::StatusOr<DeploymentCheck> check = CheckDeployment(
      world.supervisor(), {.acts = world.acts(), .settled = fields.Flag("settled")});
  RETURN_IF_ERROR(world.supervisor().Start());
  RETURN_IF_ERROR(check.status());
  if (!check->ok()) {
    const Finding& first = check->findings.front();
    return Unmet(Count(check->violations, "violation") + ", the first: " + first.service + " " +
                 first.where + ": " + first.what + " (" + first.rule + ")");
  }
  return "the stores of " + Count(check->services, "service") + " with " +
         Count(check->accounts, "account") + ", " + Count(check->objects, "object") + " and " +
         std::to_string(check->log_entries) + " log entries agree, and all " +
         std::to_string(check->acts) + " acknowledged acts are there";
}

absl::StatusOr<std::string> ChangeBorder(World& world, const Fields& fields) {
  const std::vector<std::string> regions = fields.Texts("regions");
  if (regions.size() != 2) return Refuse(Reason::kFieldInvalid, "a border has two regions");
  for (const std::string& name : regions) RETURN_IF_ERROR(world.FindRegion(name).status());
  ASSIGN_OR_RETURN(FaultPlan plan, world.supervisor().Faults());
  BorderFault border = plan.Border(regions[0], regions[1]);
  const std::string state = fields.Text("state");
  if (state == "killed") {
    ++border.kills;
  } else if (state == "open") {
    border.state = BorderState::kOpen;
  } else if (state == "cut") {
    border.state = BorderState::kCut;
  } else if (state == "sealed") {
    border.state = BorderState::kSealed;
  } else {
    return Refuse(Reason::kFieldInvalid, "a border is open, cut, sealed or killed");
  }
  plan.SetBorder(border);
  RETURN_IF_ERROR(world.supervisor().SetFaults(plan));
  return state == "killed" ? "every connection between " + Join(regions) + " was reset"
                           : "the border between " + Join(regions) + " is " + state;
}

}  // namespace

absl::StatusOr<std::pair<std::string, ServiceKind>> ParseService(const std::string& text) {
  const size_t slash = text.find('/');
  for (const ServiceKind kind :
       {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
    if (slash != std::string::npos && text.substr(slash + 1) == Name(kind)) {
      return std::pair(text.substr(0, slash), kind);
    }
  }
  return Refuse(Reason::kFieldInvalid, "\"" + text + "\" names no service; write us/custody");
}

Outcome PerformFaultStep(World& world, const Step& step) {
  if (step.verb == "kill") return Kill(world, step.fields);
  if (step.verb == "restart") return Restart(world, step.fields);
  if (step.verb == "check-stores") return CheckStores(world, step.fields);
  if (step.verb == "border") return ChangeBorder(world, step.fields);
  return std::nullopt;
}

}  // namespace comity::scenario
