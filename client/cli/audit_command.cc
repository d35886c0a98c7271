#include "client/cli/audit_command.h"

#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

#include "client/audit/audit.h"
#include "client/cli/counted.h"
#include "client/cli/when.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::ordered_json;

constexpr auto kLookInterval = std::chrono::seconds(1);
constexpr size_t kKeyCharacters = 8;
constexpr char kOwnMethod[] = "ListAuditRecords";

struct AuditOptions {
  std::string since = "24h";
  std::string until;
  std::string account;
  std::string method;
  bool refused = false;
  bool legal = false;
  bool follow = false;
};

std::string_view NameOf(AuditRecordView::Event event) {
  switch (event) {
    case AuditRecordView::Event::kCall:
      return "call";
    case AuditRecordView::Event::kStart:
      return "start";
    case AuditRecordView::Event::kStop:
      return "stop";
  }
  return "";
}

std::string OutcomeOf(const AuditRecordView& record) {
  return record.outcome == Reason::kUnspecified ? "OK" : std::string(Describe(record.outcome).name);
}

std::string ToText(const AuditRecordView& record) {
  std::ostringstream out;
  out << std::setw(7) << record.number << "  " << FormatTime(record.time) << "  ";
  if (record.event != AuditRecordView::Event::kCall) {
    out << (record.event == AuditRecordView::Event::kStart ? "custody started" : "custody stopped");
    return out.str();
  }
  out << std::left << std::setw(21) << record.method << "  " << std::setw(17) << OutcomeOf(record)
      << "  ";
  if (record.calls > 1) {
    out << record.calls << " calls";
    return out.str();
  }
  out << (record.caller.empty() ? "(not identified)" : record.caller);
  if (record.caller_key.has_value() && record.caller == "device") {
    out << " " << record.caller_key->ToString().substr(0, kKeyCharacters);
  }
  if (record.account.has_value()) out << "  account " << record.account->ToString();
  if (record.items > 0) out << "  " << Counted(record.items, "key");
  if (!record.use.empty()) out << " (" << record.use << ")";
  if (record.authorisation.has_value()) {
    out << "  authorisation " << record.authorisation->ToString().substr(0, kKeyCharacters);
  }
  if (record.grant.has_value()) out << "  grant " << record.grant->ToString();
  return out.str();
}

ordered_json ToJson(const AuditRecordView& record) {
  ordered_json out = {{"number", record.number},
                      {"time", FormatTime(record.time)},
                      {"time_ms", record.time},
                      {"event", NameOf(record.event)}};
  if (record.event != AuditRecordView::Event::kCall) return out;
  out["method"] = record.method;
  out["outcome"] = OutcomeOf(record);
  out["caller"] = record.caller;
  if (record.caller_key.has_value()) out["caller_key"] = record.caller_key->ToString();
  if (record.account.has_value()) out["account"] = record.account->ToString();
  if (!record.use.empty()) out["use"] = record.use;
  if (record.items > 0) out["items"] = record.items;
  if (record.items_digest.has_value()) out["items_digest"] = record.items_digest->ToString();
  if (record.authorisation.has_value()) out["authorisation"] = record.authorisation->ToString();
  if (record.grant.has_value()) out["grant"] = record.grant->ToString();
  out["calls"] = record.calls;
  return out;
}

absl::StatusOr<AuditQuery> QueryOf(const AuditOptions& options, UnixMillis now) {
  AuditQuery query;
  ASSIGN_OR_RETURN(query.since, ParseWhen("--since", options.since, now));
  if (!options.until.empty()) {
    ASSIGN_OR_RETURN(query.until, ParseWhen("--until", options.until, now));
  }
  if (!options.account.empty()) {
    const absl::StatusOr<AccountId> account = AccountId::Parse(options.account);
    if (!account.ok()) {
      return Refuse(Reason::kFieldInvalid, "--account: \"" + options.account + "\" is no account");
    }
    query.account = *account;
  }
  query.method = options.method;
  query.kind = options.refused ? AuditQuery::Kind::kRefused
               : options.legal ? AuditQuery::Kind::kLegal
                               : AuditQuery::Kind::kAll;
  return query;
}

absl::Status Audit(const Context& context, const AuditOptions& options) {
  ASSIGN_OR_RETURN(const Context::Actor who, context.OpenActor());
  ASSIGN_OR_RETURN(const RegionId region, who.session->FindRegion(who.person->region));
  ASSIGN_OR_RETURN(const AuditQuery query, QueryOf(options, who.session->Now()));
  bool found = false;
  const auto print = [&](const AuditRecordView& record) {
    found = true;
    // Whoever follows would see himself looking, again and again.
    if (options.follow && options.method.empty() && record.method == kOwnMethod) return true;
    std::cout << (context.json ? OneLine(ToJson(record)) : ToText(record)) << '\n';
    return static_cast<bool>(std::cout);
  };
  std::string place;
  RETURN_IF_ERROR(ListAuditRecords(*who.session, region, query, place, print));
  std::cout << std::flush;
  if (!found && !options.follow) {
    context.Note("no such records since " + FormatTime(query.since) +
                 "; --since says how far back to look");
  }
  while (options.follow && std::cout) {
    std::this_thread::sleep_for(kLookInterval);
    const absl::Status looked = ListAuditRecords(*who.session, region, query, place, print);
    // It may come back.
    if (!looked.ok() && looked.code() != absl::StatusCode::kUnavailable) return looked;
    std::cout << std::flush;
  }
  return absl::OkStatus();
}

}  // namespace

void AddAuditCommand(CLI::App& custody, Context& context) {
  CLI::App* audit = custody.add_subcommand(
      "audit", "What was asked of this custody, by whom, and what became of it");
  auto options = std::make_shared<AuditOptions>();
  audit
      ->add_option("--since", options->since,
                   "How long ago (45s, 30m, 12h, 7d), or a time; of the deployment's clock")
      ->type_name("WHEN")
      ->capture_default_str();
  audit->add_option("--until", options->until, "Nothing from this time on; as --since")
      ->type_name("WHEN");
  audit->add_option("--account", options->account, "Only calls about this account")
      ->type_name("ACCOUNT");
  audit->add_option("--method", options->method, "Only this method, for instance UnwrapDataKey")
      ->type_name("NAME");
  CLI::Option* refused =
      audit->add_flag("--refused", options->refused, "Only calls that were refused");
  audit->add_flag("--legal", options->legal, "Only uses under a legal authorisation")
      ->excludes(refused);
  audit->add_flag("-f,--follow", options->follow, "Go on as they are written; end it with Ctrl-C");
  audit->footer(
      "Examples:\n"
      "  comity --as us/ops-evans custody audit --since 1h\n"
      "  comity --as us/ops-evans custody audit --refused -f\n"
      "  comity --as us/ops-evans --json custody audit --legal --since 2018-02-28\n"
      "Every call has a record but those that anybody may make (status). With --json each is one\n"
      "line. The records are chained, and what they chain to is published in custody's log once\n"
      "an hour: one that is missing or was altered is told as DATA_CORRUPT here, and by `comity\n"
      "check` for all of them. Of many calls that are refused for one reason at the same moment\n"
      "only the first ones are told one by one. This listing has a record, too.");
  audit->callback([&context, options] {
    context.command = [&context, options] { return Audit(context, *options); };
  });
}

}  // namespace comity::cli
