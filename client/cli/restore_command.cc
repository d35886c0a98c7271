#include "client/cli/restore_command.h"

#include <memory>
#include <string>
#include <vector>

#include "client/deployment/restore.h"
#include "client/deployment/supervisor.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string region;
  bool test = false;
  bool restart = false;
  std::string from;
  std::vector<std::string> shares;
  std::string root_key;
  std::string pkcs11_module;
  std::string pkcs11_pin_file;
  std::vector<std::string> checkpoints;
};

absl::Status Restore(Context& context, const Options& options) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  RestoreOptions order{.test = options.test,
                       .backup = options.from,
                       .shares = options.shares,
                       .root_key = options.root_key,
                       .pkcs11_module = options.pkcs11_module,
                       .pkcs11_pin_file = options.pkcs11_pin_file,
                       .checkpoints = options.checkpoints};
  ASSIGN_OR_RETURN(order.region, RegionId::Create(options.region));
  if (options.restart) RETURN_IF_ERROR(supervisor.Stop());
  std::string told;
  json lines = json::array();
  const absl::StatusOr<bool> right =
      RestoreCustody(supervisor, order, [&](const std::string& line) {
        told += line + "\n";
        lines.push_back(line);
      });
  if (options.restart) RETURN_IF_ERROR(supervisor.Start());
  RETURN_IF_ERROR(right.status());
  context.Print(
      told,
      {{"region", options.region}, {"test", options.test}, {"right", *right}, {"lines", lines}});
  if (!*right) context.exit_code = kPromise;
  return absl::OkStatus();
}

}  // namespace

void AddRestoreCommand(CLI::App& custody, Context& context) {
  CLI::App* restore = custody.add_subcommand(
      "restore",
      "Make a custody that was lost again of its backup, or try whether that would work");
  auto options = std::make_shared<Options>();
  restore->add_option("region", options->region, "The region of the custody")
      ->required()
      ->type_name("REGION");
  CLI::Option* const test = restore->add_flag(
      "--test", options->test,
      "Restore into a folder of its own, check everything there, and remove it: exits with 3 when "
      "something is wrong");
  restore
      ->add_flag("--restart", options->restart,
                 "With --test: stop the deployment for it, and start it again")
      ->needs(test);
  restore
      ->add_option("--from", options->from,
                   "Folder of the region's backup; default: where `comity up --backup` has it")
      ->type_name("DIR");
  restore
      ->add_option("--share", options->shares,
                   "File with a holder's share of the root key, as many as open the seal; default: "
                   "those on this machine")
      ->allow_extra_args(false)
      ->type_name("FILE");
  restore
      ->add_option("--root-key", options->root_key,
                   "The root key's file, for a custody with a key file: no backup holds it")
      ->type_name("FILE");
  CLI::Option* const module =
      restore
          ->add_option("--pkcs11-module", options->pkcs11_module,
                       "PKCS#11 module of the token that guards the root key; default: as `comity "
                       "up` was told, if that is still in the custody's folder")
          ->type_name("FILE");
  module->needs(restore
                    ->add_option("--pkcs11-pin-file", options->pkcs11_pin_file,
                                 "File with the PIN of its user, of mode 0600")
                    ->needs(module)
                    ->type_name("FILE"));
  restore
      ->add_option("--checkpoint", options->checkpoints,
                   "A checkpoint of this custody's log that was kept elsewhere: a backup whose log "
                   "is behind it is refused")
      ->allow_extra_args(false)
      ->type_name("FILE");
  restore->footer(
      "Examples:\n"
      "  comity custody restore us --test --restart\n"
      "  comity custody restore us --checkpoint us-custody.checkpoint\n"
      "For a deployment on this machine; elsewhere `comity-custody --restore` does the same.\n"
      "The custody must not run, and its folder be gone. What opens the backup is what opens the\n"
      "seal: shares of as many holders, the token, or the key file. A checkpoint is what\n"
      "`curl <log_url>/checkpoint` gave when it was well.");
  restore->callback([&context, options] {
    context.command = [&context, options] { return Restore(context, *options); };
  });
}

}  // namespace comity::cli
