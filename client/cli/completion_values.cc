#include "client/cli/completion_values.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <unistd.h>

#include "client/cli/context.h"
#include "client/cli/manual_pages.h"
#include "client/deployment/templates.h"
#include "client/legal/legal.h"
#include "client/manual/command_page.h"
#include "client/objects/objects.h"

namespace comity::cli {
namespace {

namespace fs = std::filesystem;
using manual::Candidate;
using manual::GivenOptions;
using Candidates = std::vector<Candidate>;

constexpr unsigned kPatienceSeconds = 3;

std::vector<std::string> EntriesOf(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// What the line said before the cursor, as the command itself would take it.
Context ContextOf(const GivenOptions& given) {
  Context context;
  const auto take = [&](const char* name, std::string& into) {
    if (const auto found = given.find(name); found != given.end()) into = found->second;
  };
  take("--deployment", context.deployment);
  take("--profile", context.profile);
  take("--as", context.as);
  return context;
}

absl::StatusOr<Topology> OpenTopology(const Context& context) {
  const absl::StatusOr<std::string> folder = context.DeploymentFolder();
  if (!folder.ok()) return folder.status();
  return Topology::Load(*folder + "/topology.txtpb");
}

Candidates FromTopology(const Context& context, const std::string& kind) {
  Candidates found;
  const absl::StatusOr<Topology> topology = OpenTopology(context);
  if (!topology.ok()) return found;
  if (kind == "REGION") {
    for (const auto& [id, region] : topology->regions()) found.push_back({id.name(), region.title});
  } else if (kind == "TERRITORY") {
    for (const auto& [code, territory] : topology->territories()) {
      if (code != "*") found.push_back({code, territory.title});
    }
  } else {
    for (const auto& [version, terms] : topology->terms()) found.push_back({version, terms.title});
  }
  return found;
}

Candidates FromProfiles(const std::string& kind) {
  Candidates found;
  const absl::StatusOr<std::string> home = ComityHome();
  if (!home.ok()) return found;
  for (const std::string& name : EntriesOf(*home + "/profiles")) {
    const absl::StatusOr<Profile> profile = Profile::Load(*home + "/profiles/" + name);
    if (!profile.ok()) continue;
    const std::string account = profile->account().ToString();
    const std::string& region = profile->state().home_region;
    if (kind == "PROFILE") {
      found.push_back({name, profile->state().territory + " in " + region});
    } else if (kind == "ACCOUNT") {
      found.push_back({account, name});
    } else if (!region.empty()) {
      found.push_back({region + "/" + account, name});
    }
  }
  return found;
}

Candidates People(const Context& context) {
  Candidates found;
  const absl::StatusOr<std::string> folder = context.DeploymentFolder();
  if (!folder.ok()) return found;
  for (const std::string& region : EntriesOf(*folder + "/people")) {
    for (const std::string& name : EntriesOf(*folder + "/people/" + region)) {
      found.push_back({region + "/" + name, ""});
    }
  }
  return found;
}

Candidates Shipped(const char* kind) {
  Candidates found;
  for (const std::string& name : ListShipped(kind)) found.push_back({name, ""});
  return found;
}

// Lists without following a move: a completion changes nothing.
Candidates Objects(const Context& context) {
  Candidates found;
  const absl::StatusOr<Context::Device> device = context.OpenDevice();
  if (!device.ok()) return found;
  ObjectClient client(device->session.get(), device->profile.get());
  const absl::StatusOr<std::vector<ObjectInfo>> objects = client.List();
  if (!objects.ok()) return found;
  for (const ObjectInfo& object : *objects) {
    if (object.locked != Reason::kUnspecified) continue;
    found.push_back({object.attributes.name, HumanBytes(object.attributes.size)});
  }
  return found;
}

Candidates Cases(const Context& context) {
  Candidates found;
  const absl::StatusOr<Context::Actor> actor = context.OpenActor();
  if (!actor.ok()) return found;
  LegalClient client(actor->session.get(), actor->person.get());
  const absl::StatusOr<std::vector<CaseView>> cases = client.List();
  if (!cases.ok()) return found;
  for (const CaseView& view : *cases) found.push_back({view.id, view.state});
  return found;
}

}  // namespace

Candidates CompletionValues(const std::string& kind, const GivenOptions& given) {
  const Context context = ContextOf(given);
  if (kind == "REGION" || kind == "TERRITORY" || kind == "TERMS") {
    return FromTopology(context, kind);
  }
  if (kind == "PROFILE" || kind == "ACCOUNT" || kind == "TARGET") return FromProfiles(kind);
  if (kind == "PERSON") return People(context);
  if (kind == "TEMPLATE") return Shipped("topologies");
  if (kind == "SCENARIO") return Shipped("scenarios");
  if (kind == "OBJECT") return Objects(context);
  if (kind == "CASE") return Cases(context);
  if (kind == "SERVICE") return {{"custody", ""}, {"review", ""}, {"storage", ""}};
  return {};
}

std::string AnswerCompletion(const CLI::App& app, const std::vector<std::string>& words) {
  const manual::CommandPage root = manual::Describe(app);
  // SIGALRM ends the process: no answer, and the shell goes on.
  alarm(kPatienceSeconds);
  const manual::Completion completion = manual::Complete(
      root, words, [&root](const std::string& kind, const GivenOptions& given) -> Candidates {
        if (kind != "COMMAND") return CompletionValues(kind, given);
        Candidates names;
        for (const std::string& name : ManPageNames(root)) names.push_back({name, ""});
        return names;
      });
  alarm(0);
  return manual::FormatCompletion(completion);
}

}  // namespace comity::cli
