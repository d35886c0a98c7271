#include "client/cli/fault_commands.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/deployment/supervisor.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

constexpr ServiceKind kKinds[] = {ServiceKind::kCustody, ServiceKind::kStorage,
                                  ServiceKind::kReview};

json ToJson(const FaultPlan& plan) {
  json out = {{"borders", json::array()}, {"deaths", json::array()}, {"disks", json::array()}};
  for (const BorderFault& border : plan.borders) {
    out["borders"].push_back({{"regions", {border.region, border.other}},
                              {"state", Name(border.state)},
                              {"kills", border.kills}});
  }
  for (const DeathFault& death : plan.deaths) {
    out["deaths"].push_back({{"service", death.service},
                             {"when", death.before ? "before" : "after"},
                             {"partition", death.partition},
                             {"key", death.key},
                             {"count", death.count}});
  }
  for (const DiskFault& disk : plan.disks) {
    out["disks"].push_back(
        {{"service", disk.service}, {"state", disk.state == DiskState::kFull ? "full" : "broken"}});
  }
  return out;
}

std::string ToText(const FaultPlan& plan) {
  std::string text;
  for (const BorderFault& border : plan.borders) {
    text += "border " + border.region + " - " + border.other + ": " +
            std::string(Name(border.state)) +
            (border.kills == 0 ? "" : ", reset " + std::to_string(border.kills) + " times") + "\n";
  }
  for (const DeathFault& death : plan.deaths) {
    text += death.service + ": dies " + (death.before ? "before" : "after") + " commit " +
            std::to_string(death.count) + " in " + death.partition + "…" +
            (death.key.empty() ? "" : " that touches " + death.key + "…") + "\n";
  }
  for (const DiskFault& disk : plan.disks) {
    text += disk.service + ": its disk is " + (disk.state == DiskState::kFull ? "full" : "broken") +
            "\n";
  }
  return text.empty() ? "No faults: every border is open.\n" : text;
}

// Changes the plan of the deployment and shows it.
absl::Status Change(const Context& context,
                    const std::function<absl::Status(const Supervisor&, FaultPlan&)>& change) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  ASSIGN_OR_RETURN(FaultPlan plan, supervisor.Faults());
  RETURN_IF_ERROR(change(supervisor, plan));
  RETURN_IF_ERROR(supervisor.SetFaults(plan));
  context.Print(ToText(plan), ToJson(plan));
  return absl::OkStatus();
}

absl::Status Show(const Context& context) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(const Supervisor supervisor, Supervisor::Open(where));
  ASSIGN_OR_RETURN(const FaultPlan plan, supervisor.Faults());
  context.Print(ToText(plan), ToJson(plan));
  return absl::OkStatus();
}

absl::Status CheckRegion(const Supervisor& supervisor, const std::string& name) {
  const absl::StatusOr<RegionId> id = RegionId::Create(name);
  if (id.ok() && supervisor.topology().FindRegion(*id) != nullptr) return absl::OkStatus();
  return Refuse(Reason::kFieldInvalid, "there is no region \"" + name + "\"");
}

absl::Status CheckService(const Supervisor& supervisor, const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos || std::ranges::none_of(kKinds, [&](ServiceKind kind) {
        return text.substr(slash + 1) == Name(kind);
      })) {
    return Refuse(Reason::kFieldInvalid,
                  "\"" + text + "\" names no service; write for instance us/custody");
  }
  return CheckRegion(supervisor, text.substr(0, slash));
}

enum class BorderWish { kCut, kSeal, kKill, kHeal };

struct BorderOptions {
  std::string region;
  std::string other;
};

absl::Status ChangeBorder(const Context& context, const BorderOptions& options, BorderWish wish) {
  return Change(context, [&](const Supervisor& supervisor, FaultPlan& plan) -> absl::Status {
    RETURN_IF_ERROR(CheckRegion(supervisor, options.region));
    RETURN_IF_ERROR(CheckRegion(supervisor, options.other));
    if (options.region == options.other) {
      return Refuse(Reason::kFieldInvalid, "a border is between two regions");
    }
    BorderFault border = plan.Border(options.region, options.other);
    switch (wish) {
      case BorderWish::kCut:
        border.state = BorderState::kCut;
        break;
      case BorderWish::kSeal:
        border.state = BorderState::kSealed;
        break;
      case BorderWish::kKill:
        ++border.kills;
        break;
      case BorderWish::kHeal:
        border.state = BorderState::kOpen;
        break;
    }
    plan.SetBorder(border);
    return absl::OkStatus();
  });
}

void AddBorder(CLI::App& test, Context& context) {
  CLI::App* border = test.add_subcommand(
      "border", "Cut the connections between two regions, drop them, seal them, heal them");
  border->require_subcommand(1);
  border->footer(
      "Example: comity test border cut us cn\n"
      "Both directions; what devices say to a region is not touched. The first use stops the\n"
      "services and starts them again, so that what they say over a border passes a relay.\n"
      "docs/border.md says what goes on and what stops.");
  border->add_subcommand("status", "How the borders are")
      ->footer("Example: comity test border status")
      ->callback([&context] { context.command = [&context] { return Show(context); }; });
  struct Verb {
    const char* name;
    const char* about;
    BorderWish wish;
  };
  const Verb verbs[] = {
      {"cut", "Nothing passes any more; connections stay open, and callers wait in vain",
       BorderWish::kCut},
      {"seal", "Connections are reset and new ones refused at once", BorderWish::kSeal},
      {"kill", "Reset what is open now, once; the border stays as it is", BorderWish::kKill},
      {"heal", "Everything passes again; what waited goes on where it stopped", BorderWish::kHeal}};
  for (const Verb& verb : verbs) {
    CLI::App* command = border->add_subcommand(verb.name, verb.about);
    auto options = std::make_shared<BorderOptions>();
    command->add_option("region", options->region, "A region")->required()->type_name("REGION");
    command->add_option("other", options->other, "The other one")->required()->type_name("REGION");
    command->footer("Example: comity test border " + std::string(verb.name) + " us cn");
    command->callback([&context, options, wish = verb.wish] {
      context.command = [&context, options, wish] { return ChangeBorder(context, *options, wish); };
    });
  }
}

struct DiskOptions {
  std::string service;
  std::string state;
};

absl::Status ChangeDisk(const Context& context, const DiskOptions& options) {
  return Change(context, [&](const Supervisor& supervisor, FaultPlan& plan) -> absl::Status {
    RETURN_IF_ERROR(CheckService(supervisor, options.service));
    std::erase_if(plan.disks,
                  [&](const DiskFault& disk) { return disk.service == options.service; });
    if (options.state == "well") return absl::OkStatus();
    const DiskState state = options.state == "full" ? DiskState::kFull : DiskState::kBroken;
    plan.disks.push_back({options.service, state});
    return absl::OkStatus();
  });
}

void AddDisk(CLI::App& test, Context& context) {
  CLI::App* disk = test.add_subcommand("disk", "Let a service's disk be full, or fail to sync");
  auto options = std::make_shared<DiskOptions>();
  disk->add_option("service", options->service, "Which, for instance us/storage")
      ->required()
      ->type_name("REGION/SERVICE");
  disk->add_option("state", options->state,
                   "full: nothing can be written, until it is well; broken: a sync failed, so that "
                   "nothing can be written until it is well and the service has started anew")
      ->required()
      ->check(CLI::IsMember({"full", "broken", "well"}))
      ->type_name("STATE");
  disk->footer("Example: comity test disk us/storage full");
  disk->callback([&context, options] {
    context.command = [&context, options] { return ChangeDisk(context, *options); };
  });
}

struct DeathOptions {
  std::string service;
  std::string when;
  std::string partition;
  std::string key;
  uint64_t count = 1;
};

absl::Status ChangeDeath(const Context& context, const DeathOptions& options) {
  return Change(context, [&](const Supervisor& supervisor, FaultPlan& plan) -> absl::Status {
    RETURN_IF_ERROR(CheckService(supervisor, options.service));
    std::erase_if(plan.deaths,
                  [&](const DeathFault& death) { return death.service == options.service; });
    if (options.when == "never") return absl::OkStatus();
    plan.deaths.push_back(
        {options.service, options.when == "before", options.partition, options.key, options.count});
    return absl::OkStatus();
  });
}

void AddDeath(CLI::App& test, Context& context) {
  CLI::App* death =
      test.add_subcommand("death", "Let a service end as by kill -9 at a commit to its store");
  auto options = std::make_shared<DeathOptions>();
  death->add_option("service", options->service, "Which, for instance us/custody")
      ->required()
      ->type_name("REGION/SERVICE");
  death
      ->add_option("when", options->when,
                   "before: the commit is not made; after: it is durable, and nobody is told; "
                   "never: the service lives")
      ->required()
      ->check(CLI::IsMember({"before", "after", "never"}))
      ->type_name("WHEN");
  death
      ->add_option("partition", options->partition,
                   "Only commits in partitions whose names begin so, for instance custody/, log/")
      ->type_name("PREFIX");
  death->add_option("--key", options->key, "Only commits that touch a key which begins so")
      ->type_name("PREFIX");
  death->add_option("--count", options->count, "The n-th of them from now on (1)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  death->footer(
      "Example: comity test death us/custody after custody/ --key decision/\n"
      "docs/formats-store.md names partitions and keys. `comity up` starts it again; say `never`\n"
      "first, or it counts anew.");
  death->callback([&context, options] {
    context.command = [&context, options] { return ChangeDeath(context, *options); };
  });
}

}  // namespace

void AddFaultCommands(CLI::App& app, Context& context) {
  CLI::App* test = app.get_subcommand("test");
  AddBorder(*test, context);
  AddDisk(*test, context);
  AddDeath(*test, context);
}

}  // namespace comity::cli
