#include "client/cli/bundle_commands.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "client/deployment/bundle.h"
#include "client/deployment/paths.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"

namespace comity::cli {
namespace {

struct BundleOptions {
  std::string region;
  std::string output;
};

absl::Status Bundle(const Context& context, const BundleOptions& options) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  const std::string file = DeploymentPaths(where).Topology();
  ASSIGN_OR_RETURN(const Topology topology, Topology::Load(file));
  const std::optional<std::string> region =
      options.region.empty() ? std::nullopt : std::make_optional(options.region);
  if (options.output.empty() || options.output == "-") {
    ASSIGN_OR_RETURN(const std::string json, BundleJson(topology, region));
    std::fwrite(json.data(), 1, json.size(), stdout);
    return absl::OkStatus();
  }
  const bool one_file = options.output.ends_with(".json");
  if (one_file) {
    ASSIGN_OR_RETURN(const std::string json, BundleJson(topology, region));
    RETURN_IF_ERROR(WriteFileDurably(options.output, json, FileMode::kPublic));
  } else {
    RETURN_IF_ERROR(WriteBundle(topology, file, region, options.output));
  }
  context.Print("The bundle of " + topology.deployment() +
                    (region.has_value() ? ", region " + *region + "," : "") + " is in " +
                    options.output + ".\n",
                {{"deployment", topology.deployment()},
                 {"serial", topology.serial()},
                 {one_file ? "file" : "folder", options.output}});
  return absl::OkStatus();
}

}  // namespace

void AddBundleCommands(CLI::App& app, Context& context) {
  CLI::App* bundle = app.add_subcommand(
      "bundle", "What clients in other languages need of the deployment: endpoints, roots, keys");
  auto options = std::make_shared<BundleOptions>();
  bundle->add_option("region", options->region, "Only this region; default: all")
      ->type_name("REGION");
  bundle
      ->add_option("-o,--output", options->output,
                   "A folder to be written (JSON, PEM and the signed topology), or a file whose "
                   "name ends in .json; default: standard output, JSON")
      ->type_name("DIR|FILE");
  bundle->footer(
      "Examples:\n"
      "  comity bundle -o bundle                    a folder, with keys as PEM files too\n"
      "  comity bundle cn -o cn.json                one file, one region\n"
      "It holds nothing secret; docs/client-bundle.md says what each field means. `comity up` "
      "keeps\n"
      "one, of all regions, in the deployment's folder under bundle/.");
  bundle->callback([&context, options] {
    context.command = [&context, options] { return Bundle(context, *options); };
  });
}

}  // namespace comity::cli
