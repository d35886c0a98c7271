#include "client/cli/key_commands.h"

#include <memory>
#include <set>
#include <string>

#include "client/cli/counted.h"
#include "client/cli/followed_device.h"
#include "client/cli/grant_commands.h"
#include "client/key/key.h"
#include "client/objects/rewrap.h"
#include "services/common/files/files.h"
#include "services/common/statement/custody.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

json ToJson(const KeyWhere& where) {
  json out = {{"active", where.location.active != 0},
              {"region", where.region},
              {"operator", where.location.operator_name},
              {"custody_mode", Name(where.location.mode)},
              {"data_region", where.data_region},
              {"data_operator", where.data_operator},
              {"data_can_compel", where.data_can_compel},
              {"can_compel", where.location.can_compel},
              {"seal", where.location.seal},
              {"development", where.location.development()},
              {"key_version", where.location.newest_version},
              {"epoch", where.location.epoch},
              {"signed", FormatTime(where.time)},
              {"expires", FormatTime(where.expiry)},
              {"attestation", Base32Encode(EncodeStatement(where.attestation))},
              {"endorsement", Base32Encode(EncodeStatement(where.endorsement))}};
  if (!where.location.scheduled_region.empty()) {
    out["scheduled"] = {{"region", where.location.scheduled_region},
                        {"not_before", FormatDay(where.location.scheduled_time)}};
  }
  return out;
}

json ToJson(const KeyVersionsView& key) {
  json versions = json::array();
  for (const KeyVersionView& v : key.versions) {
    versions.push_back(
        {{"version", v.version}, {"state", v.state}, {"created", FormatTime(v.created)}});
    if (v.destroyed != 0) {
      versions.back()["destroyed"] = FormatTime(v.destroyed);
    }
    if (v.certificate.has_value()) {
      versions.back()["certificate"] = Base32Encode(EncodeStatement(*v.certificate));
    }
  }
  return versions;
}

absl::Status Where(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const KeyWhere where, AskKeyLocation(*device.session, *device.profile));
  ASSIGN_OR_RETURN(const KeyVersionsView versions,
                   ListKeyVersions(*device.session, *device.profile));
  json value = ToJson(where);
  value["versions"] = ToJson(versions);
  context.Print(FormatKeyWhere(where) + "Versions of the key: " + FormatKeyVersions(versions) +
                    ". Not part of what is signed.\n",
                value);
  return absl::OkStatus();
}

absl::Status Rotate(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const RotatedKey rotated, RotateKey(*device.session, *device.profile));
  const std::string version = std::to_string(rotated.version);
  context.Print("Version " + version + " of your key was made in region " + rotated.region +
                    ". What you store from now on is wrapped under it.\n"
                    "What you stored before stays readable, under the versions before; `comity key "
                    "where` lists them.\n",
                {{"version", rotated.version},
                 {"region", rotated.region},
                 {"signed", FormatTime(rotated.time)},
                 {"rotation", Base32Encode(EncodeStatement(rotated.rotation))},
                 {"endorsement", Base32Encode(EncodeStatement(rotated.endorsement))}});
  return absl::OkStatus();
}

absl::Status Versions(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const KeyVersionsView key, ListKeyVersions(*device.session, *device.profile));
  std::string text;
  for (const KeyVersionView& v : key.versions) {
    text +=
        "version " + std::to_string(v.version) + "  " + v.state + "  made " + FormatTime(v.created);
    if (v.destroyed != 0) {
      text += (v.state == "destroyed" ? "  destroyed " : "  until ") + FormatTime(v.destroyed);
    }
    if (v.certificate.has_value()) {
      text += ", certified";
    }
    text += "\n";
  }
  if (key.min_unwrap_version > 1) {
    text += "No version before " + std::to_string(key.min_unwrap_version) + " opens anything.\n";
  }
  if (key.rotation_days != 0) {
    text += "A version makes itself every " + Counted(key.rotation_days, "day") +
            (key.next_rotation == 0 ? "; none is to come now"
                                    : ", the next one at " + FormatTime(key.next_rotation)) +
            ".\n";
  }
  json value = {{"versions", ToJson(key)},
                {"min_unwrap_version", key.min_unwrap_version},
                {"rotation_days", key.rotation_days}};
  if (key.endorsement.has_value()) {
    value["endorsement"] = Base32Encode(EncodeStatement(*key.endorsement));
  }
  if (key.next_rotation != 0) value["next_rotation"] = FormatTime(key.next_rotation);
  context.Print(text, value);
  return absl::OkStatus();
}

absl::Status Rewrap(Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const RewrapOutcome outcome,
                   RewrapObjects(*device.session, *device.profile, [&context](uint64_t objects) {
                     context.Progress("looked at " + Counted(objects, "object"));
                   }));
  context.EndProgress();
  std::string text = "Rewrapped " + Counted(outcome.rewrapped, "object") + "; " +
                     std::to_string(outcome.current) + (outcome.current == 1 ? " was" : " were") +
                     " under the newest version of your key already.\n";
  json failed = json::object();
  for (const auto& [reason, count] : outcome.failed) {
    const ReasonInfo& info = Describe(reason);
    text += std::to_string(count) +
            " could not be opened and are as they were: " + std::string(info.name) + ". " +
            std::string(info.remedy) + ".\n";
    failed[std::string(info.name)] = count;
  }
  if (!outcome.complete) {
    text += "Other devices kept changing theirs meanwhile.\nNext: comity key rewrap\n";
  }
  context.Print(text, {{"rewrapped", outcome.rewrapped},
                       {"current", outcome.current},
                       {"complete", outcome.complete},
                       {"failed", failed}});
  if (!outcome.failed.empty() || !outcome.complete) context.exit_code = kPromise;
  return absl::OkStatus();
}

// What has been done, and what can be done about it.
std::string Tell(const KeyChange& change) {
  const std::string version = std::to_string(change.version);
  switch (change.kind) {
    case KeyChangeKind::kDisable:
      return "Version " + version +
             " of your key opens nothing from now on, for you and for nobody else; if it is the "
             "newest, nothing new is stored.\nUndo: comity key enable " +
             version + "\n";
    case KeyChangeKind::kEnable:
      return "Version " + version + " of your key is used again.\n";
    case KeyChangeKind::kScheduleDestruction:
      return "Version " + version + " of your key opens nothing from now on, and is destroyed at " +
             FormatTime(change.destroy_time) +
             ". What is still wrapped under it is lost then.\nUndo: comity key cancel-destroy " +
             version + ", then comity key enable " + version + "\n";
    case KeyChangeKind::kCancelDestruction:
      return "Version " + version +
             " of your key is not going to be destroyed. It is still disabled.\nNext: comity key "
             "enable " +
             version + "\n";
    case KeyChangeKind::kSetMinUnwrapVersion:
      if (change.version == 1) {
        return "Every version of your key that is enabled opens what it wrapped.\n";
      }
      return "No version of your key before " + version +
             " opens anything, or goes along with a move.\nUndo, while it has not moved: comity "
             "key min-version 1\n";
    case KeyChangeKind::kSetRotation:
      return change.days == 0 ? "Versions of your key are made only when you say so.\n"
                              : "A version of your key makes itself when the newest is " +
                                    Counted(change.days, "day") + " old.\n";
  }
  return "";
}

// Why custody may have found the versions in another state. It tells no causes itself.
std::string_view Hint(KeyChangeKind kind) {
  switch (kind) {
    case KeyChangeKind::kEnable:
      return "the version is to be destroyed: `comity key cancel-destroy` first";
    case KeyChangeKind::kScheduleDestruction:
      return "the version is the newest, and wraps what you store: `comity key rotate` first; or "
             "it is to be destroyed already: `comity key versions`";
    case KeyChangeKind::kCancelDestruction:
      return "the version is not going to be destroyed: `comity key versions`";
    case KeyChangeKind::kDisable:
    case KeyChangeKind::kSetMinUnwrapVersion:
    case KeyChangeKind::kSetRotation:
      return "";
  }
  return "";
}

struct ChangeOptions {
  KeyChangeOrder order;
  bool lose_objects = false;
};

// The versions that this takes out of use, and that others can be rewrapped away from.
std::set<KeyVersion> Leaving(const KeyChangeOrder& order, const KeyVersionsView& key) {
  std::set<KeyVersion> leaving;
  for (const KeyVersionView& version : key.versions) {
    if (version.state == "destroyed" || version.version == key.versions.back().version) continue;
    const bool below = order.kind == KeyChangeKind::kSetMinUnwrapVersion &&
                       version.version >= key.min_unwrap_version && version.version < order.version;
    const bool ended =
        order.kind == KeyChangeKind::kScheduleDestruction && version.version == order.version;
    if (below || ended) leaving.insert(version.version);
  }
  return leaving;
}

absl::Status CheckNothingIsLost(const Context::Device& device, const ChangeOptions& options) {
  const KeyChangeKind kind = options.order.kind;
  const bool may_lose =
      kind == KeyChangeKind::kScheduleDestruction || kind == KeyChangeKind::kSetMinUnwrapVersion;
  // Whoever disables a version is in a hurry: nothing else is asked.
  if (!may_lose || options.lose_objects) return absl::OkStatus();
  ASSIGN_OR_RETURN(const KeyVersionsView key, ListKeyVersions(*device.session, *device.profile));
  const std::set<KeyVersion> leaving = Leaving(options.order, key);
  if (leaving.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const uint64_t objects,
                   CountWrappedUnder(*device.session, *device.profile, leaving));
  return objects == 0 ? absl::OkStatus()
                      : Refuse(Reason::kStateNotReady,
                               Counted(objects, "object") + (objects == 1 ? " is" : " are") +
                                   " still wrapped under what is to be taken out of use: "
                                   "`comity key rewrap` first, or say --lose-objects");
}

absl::Status Change(const Context& context, const ChangeOptions& options) {
  const KeyChangeOrder& order = options.order;
  ASSIGN_OR_RETURN(Context::Device device, OpenFollowed(context));
  RETURN_IF_ERROR(CheckNothingIsLost(device, options));
  const absl::StatusOr<ChangedKey> answer = ChangeKey(*device.session, *device.profile, order);
  if (ReasonOf(answer.status()) == Reason::kStateNotReady) {
    return Refuse(Reason::kStateNotReady, Hint(order.kind));
  }
  ASSIGN_OR_RETURN(const ChangedKey changed, answer);
  json value = {{"region", changed.region},
                {"signed", FormatTime(changed.time)},
                {"change", Base32Encode(EncodeStatement(changed.change))},
                {"endorsement", Base32Encode(EncodeStatement(changed.endorsement))}};
  if (order.version != 0) value["version"] = order.version;
  if (order.kind == KeyChangeKind::kSetRotation) value["rotation_days"] = order.days;
  if (changed.body.destroy_time != 0) value["destroys"] = FormatTime(changed.body.destroy_time);
  context.Print(Tell(changed.body), value);
  return absl::OkStatus();
}

struct VerifyOptions {
  std::string file;
  std::string account;
};

absl::Status VerifyAttestation(const Context& context, const VerifyOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(options.file));
  ASSIGN_OR_RETURN(const SavedKeyLocation saved, ParseSavedKeyLocation(text));
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(const Topology topology, Topology::Load(where + "/topology.txtpb"));
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(saved.attestation));
  // Whose key it is about: the account named, else the one it says.
  ASSIGN_OR_RETURN(const AccountId account, options.account.empty()
                                                ? AccountId::FromBytes(envelope.subject)
                                                : AccountId::Parse(options.account));
  // As of the time it was signed: an old attestation stays evidence.
  ASSIGN_OR_RETURN(const KeyWhere verified, VerifyKeyLocation(topology, account, saved.attestation,
                                                              saved.endorsement, envelope.time));
  context.Print("The attestation verifies, for account " + account.ToString() + ".\n" +
                    FormatKeyWhere(verified),
                ToJson(verified));
  return absl::OkStatus();
}

void AddChangeCommands(CLI::App& key, Context& context) {
  const auto add = [&](const std::string& name, KeyChangeKind kind, const std::string& what,
                       const std::string& footer) {
    CLI::App* command = key.add_subcommand(name, what);
    auto options = std::make_shared<ChangeOptions>();
    options->order.kind = kind;
    if (kind != KeyChangeKind::kSetRotation) {
      command
          ->add_option("version", options->order.version, "As `comity key versions` numbers them")
          ->required()
          ->type_name("VERSION")
          ->check(CLI::PositiveNumber);
    }
    if (kind == KeyChangeKind::kScheduleDestruction ||
        kind == KeyChangeKind::kSetMinUnwrapVersion) {
      command->add_flag("--lose-objects", options->lose_objects,
                        "Even if objects are still wrapped under it");
    }
    command->footer(footer)->callback([&context, options] {
      context.command = [&context, options] { return Change(context, *options); };
    });
    return std::make_pair(command, options);
  };
  add("disable", KeyChangeKind::kDisable, "Let a version of your key open nothing, at once",
      "Example: comity key disable 1\n"
      "For everybody, you and an authority included; data is not touched. Of the newest version:\n"
      "nothing new is stored either. `comity key enable` undoes it.");
  add("enable", KeyChangeKind::kEnable, "Let a disabled version of your key be used again",
      "Example: comity key enable 1");
  const auto [destroy, destruction] =
      add("destroy", KeyChangeKind::kScheduleDestruction,
          "Give up a version of your key: disabled now, destroyed in some days",
          "Examples:\n"
          "  comity key destroy 1\n"
          "  comity key destroy 1 --days 7\n"
          "What is wrapped under it cannot be opened any more, and after the days never again. "
          "`comity\n"
          "key rewrap` before, so that nothing is; it still works until the end, for uploads that "
          "were\n"
          "under way.\n"
          "The newest version cannot be given up: `comity key rotate` first. Until the end\n"
          "`comity key cancel-destroy` undoes it.");
  destruction->order.days = kMaxDestroyDays;
  destroy->add_option("--days", destruction->order.days, "How long it can still be undone")
      ->capture_default_str()
      ->type_name("DAYS")
      ->check(CLI::Range(kMinDestroyDays, kMaxDestroyDays));
  add("cancel-destroy", KeyChangeKind::kCancelDestruction,
      "Keep a version of your key that was to be destroyed",
      "Example: comity key cancel-destroy 1\n"
      "It stays disabled: `comity key enable 1` lets it be used again.");
  add("min-version", KeyChangeKind::kSetMinUnwrapVersion,
      "Say which version of your key is the oldest that still opens anything",
      "Example: comity key min-version 3\n"
      "Versions before it open nothing, for nobody, and stay behind when your key moves to "
      "another\n"
      "region. `comity key rewrap` before, so that nothing is wrapped under them any more.");
  const auto [rotation, period] = add(
      "auto-rotate", KeyChangeKind::kSetRotation, "Have a version of your key made every so often",
      "Examples:\n"
      "  comity key auto-rotate 90\n"
      "  comity key auto-rotate 0      never\n"
      "As `comity key rotate` does it: what you stored before stays readable.");
  rotation->add_option("days", period->order.days, "How old the newest version may get; 0: any age")
      ->required()
      ->type_name("DAYS")
      ->check(CLI::Range(0U, kMaxRotationDays));
}

}  // namespace

void AddKeyCommands(CLI::App& app, Context& context) {
  CLI::App* key =
      app.add_subcommand("key", "Where your key is, its versions, and who else may use it");
  key->require_subcommand(1);
  key->footer(
      "Example: comity key where\n"
      "Your account key is in custody, in one region at a time, and opens data keys for your "
      "devices,\nand for those whom you let.");
  key->add_subcommand("where",
                      "A signed answer: where the key is, who operates it, who can compel it")
      ->footer(
          "Examples:\n"
          "  comity key where\n"
          "  comity key where --json > where.json       with the signed statement itself, to keep\n"
          "The answer says \"active here\", never \"only here\": nobody can see a copy made "
          "before.\n"
          "Next: `comity key verify-attestation where.json` checks it again, without asking "
          "anybody.")
      ->callback([&context] { context.command = [&context] { return Where(context); }; });
  key->add_subcommand("rotate",
                      "Make another version of your key: it wraps what you store from now on")
      ->footer(
          "Example: comity key rotate\n"
          "What you stored before stays readable, under the versions before. Rotate when a copy "
          "of\n"
          "custody's disk or root key may have been taken. `comity key versions` lists them all.")
      ->callback([&context] { context.command = [&context] { return Rotate(context); }; });
  key->add_subcommand("versions", "Versions of the account key and their states")
      ->footer(
          "Example: comity key versions\n"
          "The newest one wraps what you store; `comity key rotate` makes another. With --json, "
          "versions\n"
          "that you gave up come with custody's signed certificate of their destruction.")
      ->callback([&context] { context.command = [&context] { return Versions(context); }; });
  key->add_subcommand("rewrap",
                      "Have everything that you stored opened by the newest version of your key")
      ->footer(
          "Examples:\n"
          "  comity key rotate\n"
          "  comity key rewrap\n"
          "  comity key destroy 1\n"
          "The keys of your objects are wrapped anew inside custody; no object is read or moved. "
          "It can\n"
          "be stopped and started again. An upload that is under way keeps the version that it "
          "began with.\n"
          "Exits with 3 when an object could not be opened, or others kept changing theirs.")
      ->callback([&context] { context.command = [&context] { return Rewrap(context); }; });
  AddChangeCommands(*key, context);
  AddGrantCommands(*key, context);
  CLI::App* verify = key->add_subcommand(
      "verify-attestation", "Check, without asking anybody, what `key where --json` printed");
  auto options = std::make_shared<VerifyOptions>();
  verify->add_option("file", options->file, "The saved output of `comity key where --json`")
      ->required()
      ->type_name("FILE");
  verify->add_option("--account", options->account, "The account that it must be about")
      ->type_name("ACCOUNT");
  verify->footer(
      "Examples:\n"
      "  comity key where --json > where.json\n"
      "  comity key verify-attestation where.json\n"
      "Needs the topology only, and no account. Checked as of the day it was signed, so that an "
      "old\n"
      "attestation stays evidence.");
  verify->callback([&context, options] {
    context.command = [&context, options] { return VerifyAttestation(context, *options); };
  });
}

}  // namespace comity::cli
