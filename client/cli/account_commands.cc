#include "client/cli/account_commands.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "client/account/account.h"
#include "client/cli/counted.h"
#include "client/key/grants.h"
#include "client/legal/legal.h"
#include "client/objects/objects.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

json ToJson(const AccountView& view) {
  json out = {{"account", view.id.ToString()},
              {"state", Name(view.state)},
              {"epoch", view.epoch},
              {"region", view.home_region},
              {"territory", view.territory},
              {"standing", Name(view.standing)},
              {"reason", view.standing_reason},
              {"objects", view.objects},
              {"bytes", view.bytes},
              {"history", json::array()}};
  if (!view.scheduled_region.empty()) {
    out["scheduled"] = {{"region", view.scheduled_region},
                        {"not_before", FormatDay(view.scheduled_time)},
                        {"terms", view.terms_version}};
  }
  if (view.notified != 0) out["notified"] = FormatTime(view.notified);
  for (const Statement& statement : view.statements) {
    if (const auto envelope = PeekEnvelope(statement); envelope.ok()) {
      out["history"].push_back({{"type", envelope->type},
                                {"time", FormatTime(envelope->time)},
                                {"region", envelope->region}});
    }
  }
  return out;
}

std::string ToText(const AccountView& view) {
  std::string out = "account    " + view.id.ToString() + "\n";
  out += "state      " + std::string(Name(view.state)) + " in region " + view.home_region +
         ", epoch " + std::to_string(view.epoch) + "\n";
  out += "territory  " + view.territory + "\n";
  out += "standing   " + std::string(Name(view.standing)) + ": " + view.standing_reason + "\n";
  if (view.notified != 0) out += "notified   " + FormatTime(view.notified) + "\n";
  if (!view.scheduled_region.empty()) {
    out += "announced  to region " + view.scheduled_region + ", not before " +
           FormatDay(view.scheduled_time) + ", only if you accept the terms " + view.terms_version +
           "\n";
  }
  out +=
      "objects    " + std::to_string(view.objects) + " (" + HumanBytes(view.bytes) + " stored)\n";
  out += "history\n";
  for (const Statement& statement : view.statements) {
    const auto envelope = PeekEnvelope(statement);
    if (!envelope.ok()) continue;
    out += "  " + FormatTime(envelope->time) + "  " + envelope->type +
           (envelope->region.empty() ? "  by the device" : "  by " + envelope->region) + "\n";
  }
  return out;
}

absl::Status PrintAccount(const Context& context, const absl::StatusOr<AccountView>& view) {
  if (!view.ok()) return view.status();
  context.Print(ToText(*view), ToJson(*view));
  return absl::OkStatus();
}

struct CreateOptions {
  std::string territory;
  std::string terms;
};

absl::Status Create(const Context& context, const CreateOptions& options) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(const std::string folder, context.ProfileFolder(context.profile));
  // The topology first: a profile is of one deployment.
  ASSIGN_OR_RETURN(const Topology topology, Topology::Load(where + "/topology.txtpb"));
  std::string recovery_code;
  if (!FileExists(folder + "/account.json")) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Clock> clock, OpenDeploymentClock(where));
    ASSIGN_OR_RETURN(const Profile made,
                     Profile::Create(folder, topology.deployment(), clock->Now()));
    recovery_code = made.recovery_code();
  }
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  if (device.profile->state().epoch != 0) {
    return Refuse(
        Reason::kStateNotReady,
        "profile \"" + context.profile + "\" has an account already; choose another --profile");
  }
  AccountClient client(device.session.get(), device.profile.get());
  ASSIGN_OR_RETURN(const AccountView view, client.Create(options.territory, options.terms));
  json value = ToJson(view);
  std::string text = ToText(view);
  if (!recovery_code.empty()) {
    value["recovery_code"] = recovery_code;
    text += "\nrecovery code  " + recovery_code +
            "\nWrite it down: it is not stored anywhere, and no operator can recover the account "
            "without it.\n";
  }
  context.Print(text, value);
  return absl::OkStatus();
}

absl::Status List(const Context& context) {
  ASSIGN_OR_RETURN(const std::string home, ComityHome());
  json value = json::array();
  std::string text;
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(home + "/profiles", error)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const absl::StatusOr<Profile> profile = Profile::Load(home + "/profiles/" + name);
    if (!profile.ok()) {
      context.Note("profile " + name + " does not load: " + CauseOf(profile.status()));
      continue;
    }
    value.push_back({{"profile", name},
                     {"account", profile->account().ToString()},
                     {"territory", profile->state().territory},
                     {"region", profile->state().home_region},
                     {"deployment", profile->deployment()}});
    text += name + "  " + profile->account().ToString() + "  " + profile->state().territory +
            " in " + profile->state().home_region + "  (" + profile->deployment() + ")\n";
  }
  if (text.empty()) text = "No profiles. Make one with: comity account create --territory HK\n";
  context.Print(text, value);
  return absl::OkStatus();
}

// Runs `act` on the profile's account, then shows the account.
template <typename Act>
absl::Status ChangeOf(const Context& context, Context::Device& device, Act act) {
  AccountClient client(device.session.get(), device.profile.get());
  RETURN_IF_ERROR(act(client));
  return PrintAccount(context, client.Show());
}
template <typename Act>
absl::Status Change(const Context& context, Act act) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  return ChangeOf(context, device, std::move(act));
}

// What a move ends without asking again. Nobody's consent depends on whether it can be told.
std::string TellOfGrants(const Context::Device& device) {
  const auto grants = ListGrants(*device.session, *device.profile);
  const auto alive =
      grants.ok() ? std::ranges::count_if(*grants, &GrantListing::alive) : std::ptrdiff_t{0};
  if (alive == 0) return "";
  return Counted(static_cast<uint64_t>(alive), "grant") +
         " to use your key will end with the move; give them again afterwards.\n";
}

std::string Codes(const std::vector<std::string>& codes) {
  std::string out;
  for (const std::string& code : codes) out += (out.empty() ? "" : ", ") + code;
  return out;
}

absl::Status AcceptTerms(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  return ChangeOf(context, device, [&](AccountClient& client) -> absl::Status {
    ASSIGN_OR_RETURN(const Consent consent, client.AcceptTerms());
    const bool keys_alone = MovesKeysAlone(consent);
    context.Note(std::string("Signed: your ") + (keys_alone ? "keys" : "data and keys") +
                 " may move from " + consent.source.name() + " to " + consent.destination.name() +
                 (keys_alone ? ", where your data is," : "") + " under the terms " +
                 consent.terms_version +
                 ".\nWho can compel access: " + Codes(consent.can_compel_before) + " before, " +
                 Codes(consent.can_compel_after) + " after.\n" + TellOfGrants(device) +
                 "You can take this back until the move with `comity account "
                 "withdraw-consent`.\n");
    return absl::OkStatus();
  });
}

// Everything is read to its end and verified; nothing is kept.
absl::Status ReadEverything(const Context& context, Context::Device& device) {
  ObjectClient objects(device.session.get(), device.profile.get());
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> all, objects.List());
  std::ofstream nowhere("/dev/null", std::ios::binary);
  size_t locked = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    context.Progress("reading back " + std::to_string(i + 1) + " of " + std::to_string(all.size()));
    if (all[i].locked != Reason::kUnspecified) {
      ++locked;
      continue;
    }
    RETURN_IF_ERROR(objects.Get(all[i].attributes.name, nowhere).status());
  }
  context.EndProgress();
  context.Note("Read back and verified " + Counted(all.size() - locked, "object") + "." +
               (locked == 0
                    ? ""
                    : " " + std::to_string(locked) + (locked == 1 ? " more is" : " more are") +
                          " here, under key versions that open nothing."));
  return absl::OkStatus();
}

absl::Status PrintCertificates(const Context& context, const MoveCertificates& certificates) {
  const std::string& region = certificates.region;
  json value = {{"region", region}, {"keys", nullptr}, {"data", nullptr}};
  std::string text;
  if (certificates.keys.has_value()) {
    const KeyDestruction& keys = *certificates.keys;
    value["keys"] = {{"erased", FormatTime(keys.erased)}, {"versions", keys.versions.size()}};
    text += "custody in " + region + " certifies: its key copies were erased " +
            FormatTime(keys.erased) + "; ";
    if (keys.unreadable_after != 0) {
      value["keys"]["unreadable_after"] = FormatTime(keys.unreadable_after);
      text += "earlier copies of its disks are unreadable from " +
              FormatTime(keys.unreadable_after) + "\n";
    } else {
      text += "earlier copies of its disks are unreadable only from its next root rotation\n";
    }
  } else {
    text += "custody in " + region + ": no certificate yet\n";
  }
  if (certificates.keys_alone) {
    text += "Your data stayed where it was: there is no copy of it in " + region + ".\n";
  } else if (certificates.data.has_value()) {
    const DataDestruction& data = *certificates.data;
    value["data"] = {{"erased", FormatTime(data.erased)}, {"versions", data.versions}};
    text += "storage in " + region + " certifies: " + std::to_string(data.versions) +
            " object versions were erased " + FormatTime(data.erased) + "\n";
  } else {
    text += "storage in " + region + ": no certificate yet\n";
  }
  text += "Destroying a key does not undo a copy that was made of it before.\n";
  context.Print(text, value);
  return absl::OkStatus();
}

absl::Status ConfirmMove(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  AccountClient client(device.session.get(), device.profile.get());
  RETURN_IF_ERROR(client.Show().status());  // follows the move if need be
  if (client.previous_region().empty()) {
    return Refuse(Reason::kStateNotReady, "the account has not moved");
  }
  RETURN_IF_ERROR(ReadEverything(context, device));
  ASSIGN_OR_RETURN(const MoveCertificates certificates, client.ConfirmMove());
  return PrintCertificates(context, certificates);
}

absl::Status Notices(const Context& context, const std::string& region) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  const std::string where = region.empty() ? device.profile->state().home_region : region;
  ASSIGN_OR_RETURN(const std::vector<NoticeView> notices,
                   ListNotices(*device.session, *device.profile, where));
  json value = json::array();
  std::string text;
  for (const NoticeView& view : notices) {
    value.push_back({{"case", view.notice.case_id},
                     {"authority", view.notice.authority},
                     {"time", FormatTime(view.time)},
                     {"objection_end",
                      view.notice.objection_end == 0 ? "" : FormatTime(view.notice.objection_end)},
                     {"outcome", view.notice.outcome}});
    text += FormatTime(view.time) + "  " + view.notice.authority + " asks for your data, case " +
            view.notice.case_id;
    if (view.notice.objection_end != 0) {
      text += "; object until " + FormatTime(view.notice.objection_end);
    }
    if (!view.notice.outcome.empty()) text += "; " + view.notice.outcome;
    text += "\n";
  }
  if (text.empty()) text = "No notices from the review of region " + where + ".\n";
  context.Print(text, value);
  return absl::OkStatus();
}

}  // namespace

void AddAccountCommands(CLI::App& app, Context& context) {
  CLI::App* account =
      app.add_subcommand("account", "Your account: make it, see it, decide about it");
  account->require_subcommand(1);
  account->footer(
      "Examples:\n"
      "  comity --profile mei account create --territory CN    a device key and an account\n"
      "  comity --profile mei account show                     how it stands\n"
      "An account is its device keys: whoever has neither them nor the recovery code has no "
      "account.");

  CLI::App* create = account->add_subcommand(
      "create",
      "Create an account: keys are made here, the account where the rules put its territory");
  auto create_options = std::make_shared<CreateOptions>();
  create
      ->add_option("--territory", create_options->territory,
                   "Territory code, for instance CN or HK")
      ->required()
      ->type_name("TERRITORY");
  create
      ->add_option("--accept-terms", create_options->terms,
                   "Version of the terms you accept, when the rules ask for some")
      ->type_name("TERMS");
  create->footer(
      "Example: comity --profile mei account create --territory CN\n"
      "Prints the recovery code, once: write it down, no operator can recover the account without\n"
      "it. May be repeated after a crash. When the rules of the day ask for terms, the refusal "
      "names\n"
      "them. Next: `comity put FILE`, and `comity key where` to see who holds the key.");
  create->callback([&context, create_options] {
    context.command = [&context, create_options] { return Create(context, *create_options); };
  });

  const auto add = [&](const char* name, const char* help, const char* footer, auto act) {
    CLI::App* command = account->add_subcommand(name, help);
    command->footer(footer);
    command->callback(
        [&context, act] { context.command = [&context, act] { return act(context); }; });
  };
  add("show", "What your region knows of the account, and what the rules say of it",
      "Examples:\n"
      "  comity account show\n"
      "  comity --json account show | jq -r .standing\n"
      "Shows the announced change, if there is one, and every signed statement so far. Follows a\n"
      "move that you consented to, after checking its proofs.",
      [](Context& c) { return Change(c, [](AccountClient&) { return absl::OkStatus(); }); });
  add("list", "The profiles on this machine, with account, territory and region",
      "Example: comity account list\n"
      "Choose one with --profile. Asks nobody: shows what the devices here know.",
      [](Context& c) { return List(c); });
  add("accept-terms", "Sign your consent to the announced move",
      "Example: comity --profile mei account accept-terms\n"
      "Says who can compel access before the move and after it. Nothing moves without this, and "
      "it\n"
      "can be taken back with `comity account withdraw-consent` until the move is decided.",
      AcceptTerms);
  add("withdraw-consent", "Take the consent back, as long as the move is not decided",
      "Example: comity account withdraw-consent\n"
      "Too late once custody has decided the move; `comity account show` tells.",
      [](Context& c) { return Change(c, [](AccountClient& a) { return a.WithdrawConsent(); }); });
  add("opt-out", "Do not accept: close the account instead of moving it",
      "Example: comity account opt-out\n"
      "The same as `comity account close`: save your files with `comity get` before the keys are\n"
      "destroyed, 30 days later. Undo it until then with `comity account cancel-close`.",
      [](Context& c) { return Change(c, [](AccountClient& a) { return a.Close(); }); });
  add("close", "Close the account: its keys are destroyed after 30 days, its data with them",
      "Example: comity account close\n"
      "Nothing can be stored from now on; what is there can be read until the keys are destroyed.\n"
      "Undo it until then with `comity account cancel-close`.",
      [](Context& c) { return Change(c, [](AccountClient& a) { return a.Close(); }); });
  add("cancel-close", "Undo a closing while the keys still exist",
      "Example: comity account cancel-close\n"
      "Works for 30 days after the closing was signed.",
      [](Context& c) { return Change(c, [](AccountClient& a) { return a.CancelClose(); }); });
  add("confirm-move", "After a move: read everything back, then let the old copies be destroyed",
      "Example: comity account confirm-move\n"
      "Signs that all data was read back; then the side that was left destroys its copies and\n"
      "certifies so. Run it again for a certificate that is not there yet.",
      ConfirmMove);

  CLI::App* territory =
      account->add_subcommand("set-territory", "Change the country or territory of the account");
  auto code = std::make_shared<std::string>();
  territory->add_option("code", *code, "Territory code")->required()->type_name("TERRITORY");
  territory->footer(
      "Example: comity account set-territory HK\n"
      "Your signature says where you live; what the rules make of it is computed anew. See\n"
      "`comity account show` for the standing that comes of it.");
  territory->callback([&context, code] {
    context.command = [&context, code] {
      return Change(context, [&](AccountClient& a) { return a.SetTerritory(*code); });
    };
  });

  CLI::App* notices = account->add_subcommand(
      "notices", "Legal requests about you that you were told of, verified");
  auto region = std::make_shared<std::string>();
  notices->add_option("--region", *region, "Whose review to ask; default: your region's")
      ->type_name("REGION");
  notices->footer(
      "Example: comity account notices --region cn\n"
      "Each is signed by the region's review. You may object until the time that it names.");
  notices->callback([&context, region] {
    context.command = [&context, region] { return Notices(context, *region); };
  });
}

}  // namespace comity::cli
