#include "client/cli/key_commands.h"

#include <memory>
#include <string>

#include "client/account/account.h"
#include "client/key/key.h"
#include "services/common/files/files.h"
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

json ToJson(const std::vector<KeyVersionView>& versions) {
  json out = json::array();
  for (const KeyVersionView& v : versions) {
    out.push_back({{"version", v.version}, {"state", v.state}, {"created", FormatTime(v.created)}});
    if (v.destroyed != 0) {
      out.back()["destroyed"] = FormatTime(v.destroyed);
    }
  }
  return out;
}

absl::Status Where(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  AccountClient account(device.session.get(), device.profile.get());
  RETURN_IF_ERROR(account.Show().status());  // follows a move
  ASSIGN_OR_RETURN(const KeyWhere where, AskKeyLocation(*device.session, *device.profile));
  ASSIGN_OR_RETURN(const std::vector<KeyVersionView> versions,
                   ListKeyVersions(*device.session, *device.profile));
  json value = ToJson(where);
  value["versions"] = ToJson(versions);
  context.Print(FormatKeyWhere(where) + "Versions of the key: " + FormatKeyVersions(versions) +
                    ". Not part of what is signed.\n",
                value);
  return absl::OkStatus();
}

absl::Status Rotate(const Context& context) {
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  AccountClient account(device.session.get(), device.profile.get());
  RETURN_IF_ERROR(account.Show().status());  // follows a move
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
  ASSIGN_OR_RETURN(Context::Device device, context.OpenDevice());
  ASSIGN_OR_RETURN(const std::vector<KeyVersionView> versions,
                   ListKeyVersions(*device.session, *device.profile));
  std::string text;
  for (const KeyVersionView& v : versions) {
    text +=
        "version " + std::to_string(v.version) + "  " + v.state + "  made " + FormatTime(v.created);
    if (v.destroyed != 0) {
      text += "  destroyed " + FormatTime(v.destroyed);
    }
    text += "\n";
  }
  context.Print(text, ToJson(versions));
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

}  // namespace

void AddKeyCommands(CLI::App& app, Context& context) {
  CLI::App* key = app.add_subcommand("key", "Where your key is, and its versions");
  key->require_subcommand(1);
  key->footer(
      "Example: comity key where\n"
      "Your account key is in custody, in one region at a time, and opens data keys for your "
      "devices.");
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
          "The newest one that is enabled wraps what you store; `comity key rotate` makes another.")
      ->callback([&context] { context.command = [&context] { return Versions(context); }; });
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
