#include "client/cli/custody_commands.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "client/cli/audit_command.h"
#include "client/cli/restore_command.h"
#include "client/deployment/paths.h"
#include "client/seal/seal.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

const char* StageName(SealView::Rotation rotation) {
  switch (rotation) {
    case SealView::Rotation::kDealing:
      return "dealing";
    case SealView::Rotation::kResealing:
      return "resealing";
    case SealView::Rotation::kNone:
      break;
  }
  return "none";
}

json ToJson(const RegionId& region, const SealView& view) {
  json out = {{"region", region.name()},      {"seal", view.seal},
              {"sealed", view.sealed},        {"shares_entered", view.entered},
              {"shares_needed", view.needed}, {"holders", json::array()}};
  for (const ShareHolderView& holder : view.holders) {
    out["holders"].push_back({{"person", holder.person}, {"entered", holder.entered}});
  }
  if (!view.trouble.empty()) out["trouble"] = view.trouble;
  if (view.lease_end != 0) out["lease_end"] = FormatTime(view.lease_end);
  if (!view.sealed) out["root_generation"] = view.generation;
  out["rotation"] = {{"stage", StageName(view.rotation)},
                     {"shares_entered", view.entered_to_rotate},
                     {"committee_differs", view.committee_differs}};
  if (view.rotation == SealView::Rotation::kDealing) {
    for (const ShareHolderView& holder : view.new_holders) {
      out["rotation"]["new_holders"].push_back(
          {{"person", holder.person}, {"entered", holder.entered}});
    }
  }
  if (view.rotation == SealView::Rotation::kResealing) {
    out["rotation"]["accounts_resealed"] = view.resealed;
    out["rotation"]["accounts"] = view.accounts;
  }
  return out;
}

// What keeps a token from opening the root key, and what to do.
std::string TroubleText(const SealView& view) {
  static const std::map<std::string_view, std::string_view> kTexts = {
      {"module", "its PKCS#11 module cannot be loaded or started: see --pkcs11-module"},
      {"token-absent", "no token with the label in the topology, or two of them"},
      {"pin-file", "the file with the PIN cannot be used: see --pkcs11-pin-file"},
      {"pin-refused", "the token refused the PIN; it is not tried again before the file changes"},
      {"pin-locked", "the token's PIN is locked: its security officer has to set it anew"},
      {"key-missing", "the key that wraps the root key is not in the token"},
      {"key-ambiguous", "two keys in the token have the label in the topology"},
      {"key-unfit", "the key in the token could leave it, or does more than it should"},
      {"record", "the wrapped root key is lost, spoilt, or of another custody or key"},
  };
  const auto known = kTexts.find(view.trouble);
  return "the token did not open it (" + view.trouble +
         "): " + std::string(known == kTexts.end() ? "it failed" : known->second) +
         "; custody's log tells more";
}

// What there is to tell of another root key; empty if nothing.
std::string RotationText(const SealView& view) {
  std::string text;
  if (view.committee_differs) {
    text += "the topology names other holders: `custody rotate-root` gives them their shares\n";
  }
  if (view.entered_to_rotate != 0) {
    text += "another root key: " + std::to_string(view.entered_to_rotate) + " of " +
            std::to_string(view.needed) + " shares entered\n";
  }
  if (view.rotation == SealView::Rotation::kDealing) {
    text += "another root key is made; in force when all have theirs (`custody take-share`):\n";
    for (const ShareHolderView& holder : view.new_holders) {
      text += "  " + holder.person + (holder.entered ? "  has it" : "") + "\n";
    }
  }
  if (view.rotation == SealView::Rotation::kResealing) {
    text += "root key " + std::to_string(view.generation) + " is in force; keys of " +
            std::to_string(view.resealed) + " of " + std::to_string(view.accounts) +
            " accounts are gone through\n";
  }
  return text;
}

std::string ToText(const RegionId& region, const SealView& view) {
  std::string text = "custody of region " + region.name() + ": ";
  if (!view.sealed) {
    text += "open (" + view.seal + ")";
    // The first one is what everybody expects.
    if (view.generation > 1) text += ", root key " + std::to_string(view.generation);
    text += "\n";
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
  if (!view.trouble.empty()) text += TroubleText(view) + "\n";
  return text + RotationText(view);
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

// The share of the person, or the one in the file that was named.
absl::StatusOr<SecretBytes> ReadShare(const Actor& who, const std::string& named) {
  if (!named.empty()) return ReadPrivateFile(named);
  const std::string& folder = who.actor.person->folder;
  ASSIGN_OR_RETURN(const SealView view, GetSeal(*who.actor.session, who.region));
  RETURN_IF_ERROR(SettleShare(view, folder));
  const std::string path = folder + "/" + kSealShareFile;
  // Who runs a custody that opens by itself has no share to enter.
  return FileExists(path) ? ReadPrivateFile(path) : SecretBytes();
}

using EnterFunction = absl::StatusOr<SealView> (*)(Session& session, const RegionId& region,
                                                   const SecretBytes& text);

absl::Status EnterOwn(const Context& context, const std::string& named, EnterFunction enter) {
  ASSIGN_OR_RETURN(const Actor who, Open(context));
  ASSIGN_OR_RETURN(const SecretBytes share, ReadShare(who, named));
  const absl::StatusOr<SealView> entered = enter(*who.actor.session, who.region, share);
  if (ReasonOf(entered.status()) == Reason::kSealed) {
    // A refusal has one text; what is wrong with a token custody tells to who asks for the state.
    const absl::StatusOr<SealView> now = GetSeal(*who.actor.session, who.region);
    if (now.ok() && !now->trouble.empty()) context.Note(TroubleText(*now));
  }
  ASSIGN_OR_RETURN(const SealView view, entered);
  context.Print(ToText(who.region, view), ToJson(who.region, view));
  return absl::OkStatus();
}

absl::Status Take(const Context& context) {
  ASSIGN_OR_RETURN(const Actor who, Open(context));
  const std::string& folder = who.actor.person->folder;
  // One that was taken before may be in force by now: it must not be written over.
  ASSIGN_OR_RETURN(const SealView before, GetSeal(*who.actor.session, who.region));
  RETURN_IF_ERROR(SettleShare(before, folder));
  ASSIGN_OR_RETURN(const SealView view,
                   TakeShare(*who.actor.session, who.region, folder + "/" + kNextSealShareFile));
  RETURN_IF_ERROR(SettleShare(view, folder));
  context.Print(ToText(who.region, view), ToJson(who.region, view));
  return absl::OkStatus();
}

absl::Status Seal(const Context& context) {
  ASSIGN_OR_RETURN(const Actor who, Open(context));
  ASSIGN_OR_RETURN(const SealView view, SealCustody(*who.actor.session, who.region));
  context.Print(ToText(who.region, view), ToJson(who.region, view));
  return absl::OkStatus();
}

void AddRotation(CLI::App& custody, Context& context) {
  CLI::App* rotate = custody.add_subcommand(
      "rotate-root", "Enter your own share for another root key in the place of this one");
  auto share = std::make_shared<std::string>();
  rotate
      ->add_option("--share", *share,
                   "File with the share; default: the one in the person's folder")
      ->type_name("FILE");
  rotate->footer(
      "Example: comity --as us/ops-fox custody rotate-root\n"
      "With as many shares as open the seal custody makes another root key and deals its shares to "
      "the\n"
      "holders whom the topology names; each takes his with `custody take-share`, within a day. "
      "When all\n"
      "have, it is in force, the shares before open nothing, and custody seals every key anew "
      "under "
      "it\n"
      "while it serves. `custody status` says how far it has come. A sealing or a restart before "
      "that\n"
      "leaves everything as it was. A key file, or a root key that a token wraps, is replaced at "
      "once.");
  rotate->callback([&context, share] {
    context.command = [&context, share] { return EnterOwn(context, *share, RotateRoot); };
  });
  custody
      .add_subcommand("take-share", "Take your share of the root key that was made, and keep it")
      ->footer(
          "Example: comity --as us/ops-grant custody take-share\n"
          "It lies in the person's folder as custody-share.next, and as custody-share, in the "
          "place "
          "of the\n"
          "one before, as soon as it is in force. Custody is shown that it is there.")
      ->callback([&context] { context.command = [&context] { return Take(context); }; });
}

}  // namespace

void AddCustodyCommands(CLI::App& app, Context& context) {
  CLI::App* custody = app.add_subcommand(
      "custody",
      "The seal of a custody's root key, its audit log and its backup (as an operator person)");
  custody->require_subcommand(1);
  custody->footer(
      "Examples:\n"
      "  comity --as us/ops-evans custody status\n"
      "  comity --as us/ops-evans custody unseal     enters the person's own share\n"
      "  comity --as us/ops-evans custody seal       one person is enough to seal\n"
      "  comity --as us/ops-evans custody rotate-root  another root key, other holders\n"
      "  comity --as us/ops-evans custody audit      who asked for what\n"
      "  comity custody restore us --test            would the backup bring it back?\n"
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
      "itself when not enough holders have done so in time. `custody status` says when.\n"
      "A custody whose root key a token or a key file guards takes no share: this has it opened "
      "again.");
  unseal->callback([&context, share] {
    context.command = [&context, share] { return EnterOwn(context, *share, EnterShare); };
  });
  AddRotation(*custody, context);
  AddAuditCommand(*custody, context);
  AddRestoreCommand(*custody, context);
  custody->add_subcommand("seal", "Wipe the root key and every opened key from memory, at once")
      ->footer(
          "Example: comity --as us/ops-evans custody seal\n"
          "Any one operator person may do this, and it waits for nobody. Devices and authorities "
          "are\n"
          "refused with SEALED until enough shares are entered again: `comity custody unseal`.")
      ->callback([&context] { context.command = [&context] { return Seal(context); }; });
}

}  // namespace comity::cli
