#include "client/cli/custody_commands.h"

#include <memory>
#include <string>

#include "client/cli/audit_command.h"
#include "client/deployment/paths.h"
#include "client/seal/seal.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

json ToJson(const RegionId& region, const SealView& view) {
  json out = {{"region", region.name()},      {"seal", view.seal},
              {"sealed", view.sealed},        {"shares_entered", view.entered},
              {"shares_needed", view.needed}, {"holders", json::array()}};
  for (const ShareHolderView& holder : view.holders) {
    out["holders"].push_back({{"person", holder.person}, {"entered", holder.entered}});
  }
  if (view.lease_end != 0) out["lease_end"] = FormatTime(view.lease_end);
  return out;
}

std::string ToText(const RegionId& region, const SealView& view) {
  std::string text = "custody of region " + region.name() + ": ";
  if (!view.sealed) {
    text += "open (" + view.seal + ")\n";
    if (view.lease_end != 0) {
      text += "it seals itself at " + FormatTime(view.lease_end) + " unless " +
              std::to_string(view.needed) + " holders enter their shares again; " +
              std::to_string(view.entered) + " so far\n";
    }
  } else if (view.needed == 0) {
    text += "SEALED (" + view.seal + "); any operator person opens it with `custody unseal`\n";
  } else {
    text += "SEALED, " + std::to_string(view.entered) + " of " + std::to_string(view.needed) +
            " shares entered\n";
  }
  for (const ShareHolderView& holder : view.holders) {
    text += "  " + holder.person + (holder.entered ? "  has entered" : "") + "\n";
  }
  return text;
}

struct Actor {
  Context::Actor actor;
  RegionId region;
};

absl::StatusOr<Actor> Open(const Context& context) {
  Actor opened;
  ASSIGN_OR_RETURN(opened.actor, context.OpenActor());
  ASSIGN_OR_RETURN(opened.region, opened.actor.session->FindRegion(opened.actor.person->region));
  return opened;
}

absl::Status Show(const Context& context) {
  ASSIGN_OR_RETURN(const Actor who, Open(context));
  ASSIGN_OR_RETURN(const SealView view, GetSeal(*who.actor.session, who.region));
  context.Print(ToText(who.region, view), ToJson(who.region, view));
  return absl::OkStatus();
}

absl::Status Unseal(const Context& context, const std::string& named) {
  ASSIGN_OR_RETURN(const Actor who, Open(context));
  const std::string path = named.empty() ? who.actor.person->folder + "/" + kSealShareFile : named;
  SecretBytes share;
  // Who runs a custody that opens by itself has no share to enter.
  if (!named.empty() || FileExists(path)) {
    ASSIGN_OR_RETURN(share, ReadPrivateFile(path));
  }
  ASSIGN_OR_RETURN(const SealView view, EnterShare(*who.actor.session, who.region, share));
  context.Print(ToText(who.region, view), ToJson(who.region, view));
  return absl::OkStatus();
}

absl::Status Seal(const Context& context) {
  ASSIGN_OR_RETURN(const Actor who, Open(context));
  ASSIGN_OR_RETURN(const SealView view, SealCustody(*who.actor.session, who.region));
  context.Print(ToText(who.region, view), ToJson(who.region, view));
  return absl::OkStatus();
}

}  // namespace

void AddCustodyCommands(CLI::App& app, Context& context) {
  CLI::App* custody = app.add_subcommand(
      "custody",
      "The seal of a custody's root key, and its audit log (as an operator person of it)");
  custody->require_subcommand(1);
  custody->footer(
      "Examples:\n"
      "  comity --as us/ops-evans custody status\n"
      "  comity --as us/ops-evans custody unseal     enters the person's own share\n"
      "  comity --as us/ops-evans custody seal       one person is enough to seal\n"
      "  comity --as us/ops-evans custody audit      who asked for what\n"
      "A sealed custody answers status, takes statements, and uses no key for anybody.");
  custody->add_subcommand("status", "Sealed or open, and who has entered a share")
      ->footer("Example: comity --as us/ops-evans custody status")
      ->callback([&context] { context.command = [&context] { return Show(context); }; });
  CLI::App* unseal = custody->add_subcommand(
      "unseal", "Enter your own share of the root key; with enough shares custody opens");
  auto share = std::make_shared<std::string>();
  unseal
      ->add_option("--share", *share,
                   "File with the share; default: the one in the person's folder")
      ->type_name("FILE");
  unseal->footer(
      "Example: comity --as us/ops-fox custody unseal\n"
      "Each person enters the share that was given to him, and no other. A wrong one is refused "
      "and\n"
      "not counted. Nobody but custody sees a share, and what was entered is gone when it "
      "restarts.\n"
      "Of a custody that is open this renews the lease, if its topology has one (`lease_days`): it "
      "seals\n"
      "itself when not enough holders have done so in time. `custody status` says when.");
  unseal->callback([&context, share] {
    context.command = [&context, share] { return Unseal(context, *share); };
  });
  AddAuditCommand(*custody, context);
  custody->add_subcommand("seal", "Wipe the root key and every opened key from memory, at once")
      ->footer(
          "Example: comity --as us/ops-evans custody seal\n"
          "Any one operator person may do this, and it waits for nobody. Devices and authorities "
          "are\n"
          "refused with SEALED until enough shares are entered again: `comity custody unseal`.")
      ->callback([&context] { context.command = [&context] { return Seal(context); }; });
}

}  // namespace comity::cli
