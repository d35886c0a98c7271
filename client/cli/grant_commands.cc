#include "client/cli/grant_commands.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/counted.h"
#include "client/cli/followed_device.h"
#include "client/key/grants.h"
#include "client/key/key_ticket.h"
#include "client/objects/objects.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

struct GiveOptions {
  std::string grantee;
  std::vector<std::string> operations;
  std::vector<std::string> purposes;
  std::vector<std::string> objects;
  std::vector<std::string> pairs;
  std::string from;
  std::string until;
};

template <typename Item>
std::string Names(const std::vector<Item>& items) {
  std::string out;
  for (const Item& item : items) out.append(out.empty() ? "" : ", ").append(Name(item));
  return out;
}

template <typename Item>
json NamesAsJson(const std::vector<Item>& items) {
  json out = json::array();
  for (const Item& item : items) out.push_back(Name(item));
  return out;
}

template <typename Item, typename Parse>
absl::StatusOr<std::vector<Item>> ParseAll(const std::vector<std::string>& names,
                                           const Parse& parse) {
  std::vector<Item> items;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const Item item, parse(name));
    items.push_back(item);
  }
  return items;
}

absl::StatusOr<std::map<std::string, std::string>> ParsePairs(
    const std::vector<std::string>& texts) {
  std::map<std::string, std::string> pairs;
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 ||
        !pairs.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      return Refuse(Reason::kFieldInvalid,
                    "--context: \"" + text + "\"; say NAME=VALUE, once each");
    }
  }
  return pairs;
}

template <typename Id>
absl::StatusOr<Id> ParseId(const std::string& text, const std::string& what) {
  const absl::StatusOr<Id> id = Id::Parse(text);
  return id.ok() ? id : Refuse(Reason::kFieldInvalid, "\"" + text + "\" is no " + what);
}

absl::StatusOr<GrantOrder> OrderOf(const Context::Device& device, const GiveOptions& options) {
  GrantOrder order;
  ASSIGN_OR_RETURN(order.grantee, ParseId<AccountId>(options.grantee, "account"));
  ASSIGN_OR_RETURN(order.operations, ParseAll<KeyOperation>(options.operations, ParseKeyOperation));
  ASSIGN_OR_RETURN(order.purposes, ParseAll<KeyPurpose>(options.purposes, ParseKeyPurpose));
  ASSIGN_OR_RETURN(order.pairs, ParsePairs(options.pairs));
  ASSIGN_OR_RETURN(order.end, ParseTime(options.until));
  if (!options.from.empty()) {
    ASSIGN_OR_RETURN(order.begin, ParseTime(options.from));
  }
  ObjectClient objects(device.session.get(), device.profile.get());
  for (const std::string& name : options.objects) {
    ASSIGN_OR_RETURN(const ObjectInfo object, objects.Find(name));
    order.objects.push_back(object.id);
  }
  return order;
}

json ToJson(const TakenGrant& taken) {
  return {{"grant", taken.grant.ToString()},
          {"region", taken.region},
          {"time", FormatTime(taken.time)},
          {"statement", Base32Encode(EncodeStatement(taken.statement))},
          {"receipt", Base32Encode(EncodeStatement(taken.receipt))},
          {"endorsement", Base32Encode(EncodeStatement(taken.endorsement))}};
}

absl::Status Give(const Context& context, const GiveOptions& options) {
  ASSIGN_OR_RETURN(const Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const GrantOrder order, OrderOf(device, options));
  const absl::StatusOr<TakenGrant> given = GiveGrant(*device.session, *device.profile, order);
  if (ReasonOf(given.status()) == Reason::kStateNotReady) {
    return Refuse(
        Reason::kStateNotReady,
        "an account has at most 64 grants at a time: `comity key grants`, then `comity key "
        "revoke-grant`");
  }
  RETURN_IF_ERROR(given.status());
  const std::string id = given->grant.ToString();
  context.Print(
      "Grant " + id + " is in force until " + FormatTime(order.end) + ". Account " +
          order.grantee.ToString() + " may " + Names(order.operations) + " data keys of purpose " +
          Names(order.purposes) +
          ", while its keys are at the same custody as yours.\nIt keeps whatever it opens until "
          "you end this, and nothing takes that back.\nNext: comity key ticket OBJECT --grant " +
          id + "\nUndo: comity key revoke-grant " + id + "\n",
      ToJson(*given));
  return absl::OkStatus();
}

absl::Status Revoke(const Context& context, const std::string& text) {
  ASSIGN_OR_RETURN(const GrantId grant, ParseId<GrantId>(text, "grant"));
  ASSIGN_OR_RETURN(const Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const TakenGrant revoked, RevokeGrant(*device.session, *device.profile, grant));
  context.Print("Grant " + grant.ToString() + " opens nothing since " + FormatTime(revoked.time) +
                    ". What was opened under it before stays with whoever opened it.\n",
                ToJson(revoked));
  return absl::OkStatus();
}

// Pairs as people wrote them; in base32 for programs, since they may be any bytes.
std::string Describe(const GrantListing& grant) {
  std::string out = grant.body.grant.ToString() + "  " + grant.state + "  until " +
                    FormatTime(grant.end) + "\n  account " + grant.body.grantee.ToString() + ": " +
                    Names(grant.body.operations) + " of " + Names(grant.body.purposes);
  out += grant.body.objects.empty() ? ", every object"
                                    : ", " + Counted(grant.body.objects.size(), "object");
  if (!grant.body.pairs.empty()) {
    out += ", only in a context of " + Counted(grant.body.pairs.size(), "pair");
  }
  if (grant.body.not_before > grant.signed_at) {
    out += ", from " + FormatTime(grant.body.not_before);
  }
  out += "\n";
  if (!grant.signed_by_own) {
    out +=
        "  NOT signed by a device of yours that is known here: if no other device of yours gave "
        "it, revoke it.\n";
  }
  return out;
}

json ToJson(const GrantListing& grant) {
  json objects = json::array();
  for (const ObjectId& object : grant.body.objects) objects.push_back(object.ToString());
  json pairs = json::object();
  for (const auto& [name, value] : grant.body.pairs) {
    pairs[Base32Encode(name)] = Base32Encode(value);
  }
  json out = {{"grant", grant.body.grant.ToString()},
              {"state", grant.state},
              {"grantee", grant.body.grantee.ToString()},
              {"operations", NamesAsJson(grant.body.operations)},
              {"purposes", NamesAsJson(grant.body.purposes)},
              {"objects", objects},
              {"pairs", pairs},
              {"signed", FormatTime(grant.signed_at)},
              {"until", FormatTime(grant.end)},
              {"signed_by_own_device", grant.signed_by_own},
              {"device", grant.device.ToString()},
              {"statement", Base32Encode(EncodeStatement(grant.statement))},
              {"receipt", Base32Encode(EncodeStatement(grant.receipt))}};
  if (grant.body.not_before > 0) out["from"] = FormatTime(grant.body.not_before);
  if (grant.revocation_receipt.has_value()) {
    out["revocation_receipt"] = Base32Encode(EncodeStatement(*grant.revocation_receipt));
  }
  return out;
}

absl::Status List(const Context& context) {
  ASSIGN_OR_RETURN(const Context::Device device, OpenFollowed(context));
  ASSIGN_OR_RETURN(const std::vector<GrantListing> grants,
                   ListGrants(*device.session, *device.profile));
  std::string text;
  json value = json::array();
  for (const GrantListing& grant : grants) {
    text += Describe(grant);
    value.push_back(ToJson(grant));
  }
  if (grants.empty()) text = "Nobody but your devices uses your key.\n";
  context.Print(text, value);
  return absl::OkStatus();
}

struct TicketOptions {
  std::string object;
  std::string grant;
  std::string purpose = "content";
};

absl::Status MakeTicket(const Context& context, const TicketOptions& options) {
  KeyTicket ticket;
  ASSIGN_OR_RETURN(ticket.grant, ParseId<GrantId>(options.grant, "grant"));
  ASSIGN_OR_RETURN(ticket.context.purpose, ParseKeyPurpose(options.purpose));
  ASSIGN_OR_RETURN(const Context::Device device, OpenFollowed(context));
  ObjectClient objects(device.session.get(), device.profile.get());
  ASSIGN_OR_RETURN(const ObjectRecord record, objects.FindRecord(options.object));
  ticket.owner = device.profile->account();
  ASSIGN_OR_RETURN(ticket.region,
                   device.session->FindRegion(device.profile->state().custody_region()));
  ticket.context.object = record.object;
  ticket.context.content = record.content;
  ticket.wrapped = ticket.context.purpose == KeyPurpose::kContent ? record.wrapped_content_key
                                                                  : record.wrapped_attributes_key;
  const std::string text = FormatKeyTicket(ticket);
  context.Print(text + "\n", json::parse(text));
  return absl::OkStatus();
}

struct OpenOptions {
  std::string ticket;
  std::string output;
};

absl::Status Open(const Context& context, const OpenOptions& options) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(options.ticket));
  ASSIGN_OR_RETURN(const KeyTicket ticket, ParseKeyTicket(text));
  ASSIGN_OR_RETURN(const Context::Device device, OpenFollowed(context));
  GrantedKeys keys(device.session.get(), ticket.region, ticket.owner, ticket.grant);
  const absl::StatusOr<std::vector<SecretBytes>> opened =
      keys.Unwrap({{ticket.context, ticket.wrapped}});
  if (ReasonOf(opened.status()) == Reason::kAccountNotYours) {
    return Refuse(Reason::kAccountNotYours,
                  "there is no such grant for your account, or your keys are not at that custody");
  }
  RETURN_IF_ERROR(opened.status());
  RETURN_IF_ERROR(WriteFileDurably(
      options.output, opened->front().RevealView(RevealKey::ForOwner()), FileMode::kPrivate));
  context.Print("The data key is in " + options.output +
                    ", 32 bytes, for your eyes alone. Whoever has it reads the object.\n",
                {{"output", options.output},
                 {"object", ticket.context.object.ToString()},
                 {"content", ticket.context.content.ToString()},
                 {"purpose", Name(ticket.context.purpose)}});
  return absl::OkStatus();
}

void AddGive(CLI::App& key, Context& context) {
  CLI::App* give = key.add_subcommand("grant", "Let another account use your key, within limits");
  auto options = std::make_shared<GiveOptions>();
  give->add_option("account", options->grantee, "Whose devices may use it")
      ->required()
      ->type_name("ACCOUNT");
  give->add_option("--operations", options->operations,
                   "What they may do: generate, wrap, unwrap, rewrap")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  give->add_option("--purposes", options->purposes, "With which keys: content, attributes")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME,...");
  give->add_option("--object", options->objects,
                   "Only of this object; may be repeated; else of all")
      ->allow_extra_args(false)
      ->type_name("OBJECT");
  give->add_option("--context", options->pairs,
                   "Only where the context of a key has this pair; may be repeated")
      ->allow_extra_args(false)
      ->type_name("NAME=VALUE");
  give->add_option("--from", options->from, "When it begins; else at once")->type_name("DATE");
  give->add_option("--until", options->until, "When it ends, at most 366 days from now")
      ->required()
      ->type_name("DATE");
  give->footer(
      "Examples:\n"
      "  comity key grant ACCOUNT --operations unwrap --purposes content --object letter \\\n"
      "    --until 2018-06-01\n"
      "  comity key grant ACCOUNT --operations generate,wrap --purposes content,attributes \\\n"
      "    --until 2018-06-01\n"
      "For any device of that account, while its keys are at the same custody as yours. Custody\n"
      "checks every use and keeps a record of it; nothing but data keys is opened, and storage\n"
      "hands out nothing for it. Whoever may open a data key may keep it. The grant ends on its\n"
      "day, with `comity key revoke-grant`, when this device is revoked, when your keys move or\n"
      "your account closes.");
  give->callback([&context, options] {
    context.command = [&context, options] { return Give(context, *options); };
  });
}

void AddRevoke(CLI::App& key, Context& context) {
  CLI::App* revoke = key.add_subcommand("revoke-grant", "End a grant, at once");
  auto grant = std::make_shared<std::string>();
  revoke->add_option("grant", *grant, "As `comity key grants` lists it")
      ->required()
      ->type_name("GRANT");
  revoke->footer(
      "Example: comity key revoke-grant GRANT\n"
      "When this has returned, nothing is opened under it any more. It may be repeated.");
  revoke->callback([&context, grant] {
    context.command = [&context, grant] { return Revoke(context, *grant); };
  });
}

void AddTicket(CLI::App& key, Context& context) {
  CLI::App* ticket = key.add_subcommand(
      "ticket", "Print what the other account needs to open the key of one object");
  auto options = std::make_shared<TicketOptions>();
  ticket->add_option("object", options->object, "Name of the object")
      ->required()
      ->type_name("OBJECT");
  ticket->add_option("--grant", options->grant, "That lets it")->required()->type_name("GRANT");
  ticket->add_option("--purpose", options->purpose, "Which of its keys: content, attributes")
      ->capture_default_str()
      ->type_name("NAME");
  ticket->footer(
      "Example: comity key ticket letter --grant GRANT > letter.ticket\n"
      "Not secret: it holds the key as custody has wrapped it. A new version of the object needs "
      "a\n"
      "new ticket.");
  ticket->callback([&context, options] {
    context.command = [&context, options] { return MakeTicket(context, *options); };
  });
}

void AddOpen(CLI::App& key, Context& context) {
  CLI::App* open =
      key.add_subcommand("open", "Open a data key that another account has granted to yours");
  auto options = std::make_shared<OpenOptions>();
  open->add_option("ticket", options->ticket, "What its owner's `comity key ticket` printed")
      ->required()
      ->type_name("FILE");
  open->add_option("--output", options->output, "Where the data key goes")
      ->required()
      ->type_name("FILE");
  open->footer(
      "Example: comity key open letter.ticket --output letter.key\n"
      "Writes the 32 bytes of the key to a file that only you can read. The object's bytes are "
      "for\n"
      "its owner to hand over, as storage has them; they are in a published format\n"
      "(docs/formats.md). Custody keeps a record of this.");
  open->callback([&context, options] {
    context.command = [&context, options] { return Open(context, *options); };
  });
}

}  // namespace

void AddGrantCommands(CLI::App& key, Context& context) {
  AddGive(key, context);
  key.add_subcommand("grants", "Who else may use your key")
      ->footer(
          "Example: comity key grants\n"
          "Those that have ended are listed for a day. Of each it is checked here that a "
          "device\n"
          "of yours has signed it. Pairs are in base32 with --json, and so are the statements.")
      ->callback([&context] { context.command = [&context] { return List(context); }; });
  AddRevoke(key, context);
  AddTicket(key, context);
  AddOpen(key, context);
}

}  // namespace comity::cli
