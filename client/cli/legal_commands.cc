#include "client/cli/legal_commands.h"

#include <map>
#include <memory>

#include "client/cli/counted.h"
#include "client/legal/legal.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

std::string Join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

json ToJson(const CaseView& view) {
  json value = {{"case", view.id},
                {"state", view.state},
                {"outcome", view.outcome},
                {"generation", view.generation},
                {"authority", view.authority},
                {"agent", view.agent},
                {"rejections", view.rejections},
                {"targets", json::array()},
                {"approvers", view.approvers},
                {"received", FormatTime(view.received)},
                {"due", FormatTime(view.due)},
                {"history", json::array()}};
  if (!view.assignee.empty()) value["assignee"] = view.assignee;
  if (view.notice_end != 0) value["notice_end"] = FormatTime(view.notice_end);
  if (view.expiry != 0) value["expiry"] = FormatTime(view.expiry);
  for (const CaseTargetView& target : view.targets) {
    value["targets"].push_back({{"target", target.target},
                                {"rejections", target.rejections},
                                {"objects", target.objects}});
  }
  for (const CaseEventView& event : view.events) {
    value["history"].push_back(
        {{"time", FormatTime(event.time)}, {"state", event.state}, {"text", event.text}});
  }
  return value;
}

// What the case waits for, for whoever looks at it.
std::string NextStep(const CaseView& view) {
  if (view.state == "UNDER_REVIEW") {
    return (view.assignee.empty() ? "a reviewer" : view.assignee) + " decides: comity legal decide";
  }
  if (view.state == "WAITING") return "the agent answers: comity legal answer";
  if (view.state == "NOTICE_RUNNING") {
    return "the user may object until " + FormatTime(view.notice_end);
  }
  if (view.state == "READY") return "two approvers sign: comity legal approve";
  if (view.state == "APPROVED_ONCE") return "a second, different approver signs";
  if (view.state == "AUTHORISED") {
    return "comity legal execute, before " + FormatTime(view.expiry);
  }
  if (view.state == "EXECUTED") return "the agent opens the package: comity legal open";
  return {};
}

std::string ToText(const CaseView& view) {
  std::string text = "case       " + view.id + "\n";
  text += "state      " + view.state + (view.outcome.empty() ? "" : ", " + view.outcome) + "\n";
  text += "asked by   " + view.agent + " for " + view.authority + ", received " +
          FormatTime(view.received) + "\n";
  if (!view.rejections.empty()) text += "refused    " + Join(view.rejections) + "\n";
  for (const CaseTargetView& target : view.targets) {
    text += "target     " + target.target;
    if (!target.rejections.empty()) text += "  refused: " + Join(target.rejections);
    if (target.objects != 0) text += "  " + Counted(target.objects, "object") + " in scope";
    text += "\n";
  }
  if (!view.assignee.empty()) text += "given to   " + view.assignee + "\n";
  if (!view.approvers.empty()) text += "approved   " + Join(view.approvers) + "\n";
  if (const std::string next = NextStep(view); !next.empty()) text += "next       " + next + "\n";
  for (const CaseEventView& event : view.events) {
    text += "  " + FormatTime(event.time) + "  " + event.state + "  " + event.text + "\n";
  }
  return text;
}

absl::Status PrintCase(const Context& context, const absl::StatusOr<CaseView>& view) {
  if (!view.ok()) return view.status();
  context.Print(ToText(*view), ToJson(*view));
  return absl::OkStatus();
}

// Runs `act` with the acting person's client and prints the case it gives.
template <typename Act>
absl::Status OnCase(const Context& context, Act act) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  LegalClient client(actor.session.get(), actor.person.get());
  return PrintCase(context, act(client));
}

struct SubmitOptions {
  RequestDraft draft;
  std::string instrument_file;
  std::string issued;
  std::string expiry;
  std::string from;
  std::string to;
  std::string barred_until;
};

absl::Status ParseInto(const std::string& text, UnixMillis& out) {
  if (text.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(out, ParseTime(text));
  return absl::OkStatus();
}

absl::Status Submit(const Context& context, SubmitOptions options) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  ASSIGN_OR_RETURN(options.draft.instrument_document, ReadFile(options.instrument_file));
  // An instrument is good for a month from today unless it says otherwise.
  options.draft.instrument_issued = actor.session->Now();
  options.draft.instrument_expiry = actor.session->Now() + 30 * kDayMs;
  RETURN_IF_ERROR(ParseInto(options.issued, options.draft.instrument_issued));
  RETURN_IF_ERROR(ParseInto(options.expiry, options.draft.instrument_expiry));
  RETURN_IF_ERROR(ParseInto(options.from, options.draft.begin));
  RETURN_IF_ERROR(ParseInto(options.to, options.draft.end));
  RETURN_IF_ERROR(ParseInto(options.barred_until, options.draft.notice_barred_until));
  LegalClient client(actor.session.get(), actor.person.get());
  return PrintCase(context, client.Submit(options.draft));
}

absl::Status List(const Context& context) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  LegalClient client(actor.session.get(), actor.person.get());
  ASSIGN_OR_RETURN(const std::vector<CaseView> cases, client.List());
  json value = json::array();
  std::string text;
  for (const CaseView& view : cases) {
    value.push_back(ToJson(view));
    text += view.id + "  " + view.state + (view.outcome.empty() ? "" : " " + view.outcome) + "  " +
            view.authority + "  " + Join(view.rejections) + "\n";
  }
  if (text.empty()) text = "No cases.\n";
  context.Print(text, value);
  return absl::OkStatus();
}

absl::Status Open(const Context& context, const std::string& case_id, const std::string& folder) {
  ASSIGN_OR_RETURN(Context::Actor actor, context.OpenActor());
  LegalClient client(actor.session.get(), actor.person.get());
  ASSIGN_OR_RETURN(const std::vector<OpenedFile> files, client.Open(case_id, folder));
  json value = json::array();
  std::string text;
  for (const OpenedFile& file : files) {
    value.push_back({{"name", file.name}, {"path", file.path}, {"size", file.size}});
    text += (file.path.empty() ? "named  " + file.name : "opened " + file.path) + "  " +
            HumanBytes(file.size) + "\n";
  }
  if (text.empty()) text = "The package holds no data.\n";
  context.Print(text, value);
  return absl::OkStatus();
}

void AddSubmit(CLI::App& legal, Context& context) {
  CLI::App* submit = legal.add_subcommand("submit", "Sign a request and hand it in (agent)");
  auto options = std::make_shared<SubmitOptions>();
  RequestDraft& draft = options->draft;
  const std::map<std::string, DataClass> classes = {
      {"account", DataClass::kC0}, {"identifiers", DataClass::kC1}, {"connections", DataClass::kC2},
      {"usage", DataClass::kC3},   {"names", DataClass::kC4},       {"content", DataClass::kC5},
      {"keys", DataClass::kC6}};
  const std::map<std::string, InstrumentType> instruments = {
      {"subpoena", InstrumentType::kSubpoena},
      {"court-order", InstrumentType::kCourtOrder},
      {"warrant", InstrumentType::kWarrant}};
  submit->add_option("--target", draft.targets, "<region>/<account id>; may be repeated")
      ->required()
      ->type_name("TARGET");
  submit->add_option("--class", draft.classes, "What is asked for; may be repeated")
      ->required()
      ->transform(CLI::CheckedTransformer(classes));
  submit->add_option("--instrument", draft.instrument, "Strength of the legal instrument")
      ->required()
      ->transform(CLI::CheckedTransformer(instruments));
  submit->add_option("--instrument-file", options->instrument_file, "The instrument's document")
      ->required()
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  submit->add_option("--issued", options->issued, "When it was issued; default: now")
      ->type_name("DATE");
  submit->add_option("--expires", options->expiry, "When it expires; default: in 30 days")
      ->type_name("DATE");
  submit->add_option("--reference", draft.case_reference, "The authority's docket")
      ->required()
      ->type_name("DOCKET");
  submit->add_option("--basis", draft.legal_basis, "The provision that allows it")
      ->required()
      ->type_name("PROVISION");
  submit->add_option("--ground", draft.ground, "Why these targets")->required()->type_name("TEXT");
  submit->add_option("--from", options->from, "Begin of the time range (classes usage to content)")
      ->type_name("DATE");
  submit->add_option("--to", options->to, "End of the time range")->type_name("DATE");
  submit
      ->add_option("--notice-barred-until", options->barred_until,
                   "Date until which the instrument bars telling the user")
      ->type_name("DATE");
  submit->footer(
      "Example: comity --as cn/agent-lin legal submit --target cn/ACCOUNT --class content \\\n"
      "  --instrument warrant --instrument-file warrant.pdf --reference 2018-17 --basis 'Art. 36' "
      "\\\n  --ground 'fraud, suspect named' --from 2017-12-01 --to 2018-03-01\n"
      "The private half of the recipient key is written into the agent's folder before anything "
      "is\n"
      "sent: without it nobody can open the package. A refused request names each rule that it\n"
      "breaks. Next: `comity legal show CASE` tells what the case waits for.");
  submit->callback([&context, options] {
    context.command = [&context, options] { return Submit(context, *options); };
  });
}

void AddDecide(CLI::App& legal, Context& context) {
  CLI::App* decide = legal.add_subcommand("decide", "Decide a case under review (reviewer)");
  struct DecideOptions {
    std::string case_id;
    DecisionDraft draft;
  };
  auto options = std::make_shared<DecideOptions>();
  const std::map<std::string, Decision> decisions = {{"accept", Decision::kAccept},
                                                     {"clarify", Decision::kClarify},
                                                     {"hold", Decision::kHold},
                                                     {"reject", Decision::kReject}};
  decide->add_option("case", options->case_id, "Case id")->required()->type_name("CASE");
  decide->add_option("decision", options->draft.decision, "accept, clarify, hold or reject")
      ->required()
      ->transform(CLI::CheckedTransformer(decisions));
  decide
      ->add_option("--reason", options->draft.reasons,
                   "With reject: OVER_BROAD and the like, primary first; may be repeated")
      ->type_name("REASON");
  decide->add_option("--text", options->draft.text, "With clarify or hold: the question or reason");
  decide->footer(
      "Examples:\n"
      "  comity --as cn/reviewer-chen legal decide CASE accept\n"
      "  comity --as cn/reviewer-chen legal decide CASE reject --reason OVER_BROAD\n"
      "  comity --as cn/reviewer-chen legal decide CASE clarify --text 'Which of the two?'\n"
      "Deciding signs that you have no conflict of interest in the case.");
  decide->callback([&context, options] {
    context.command = [&context, options] {
      return OnCase(context, [&](LegalClient& client) {
        return client.Decide(options->case_id, options->draft);
      });
    };
  });
}

void AddAssign(CLI::App& legal, Context& context) {
  CLI::App* assign = legal.add_subcommand(
      "assign", "Give a case to one reviewer, who alone decides it from then on (reviewer)");
  auto case_id = std::make_shared<std::string>();
  auto reviewer = std::make_shared<std::string>();
  assign->add_option("case", *case_id, "Case id")->required()->type_name("CASE");
  assign->add_option("reviewer", *reviewer, "Name of a reviewer of the region; default: you")
      ->type_name("NAME");
  assign->footer(
      "Examples:\n"
      "  comity --as cn/reviewer-chen legal assign CASE              take it\n"
      "  comity --as cn/reviewer-chen legal assign CASE lawyer-sun   hand it on\n"
      "Until a case is ready for approval, any reviewer may hand it on, and the log says that it\n"
      "happened.");
  assign->callback([&context, case_id, reviewer] {
    context.command = [&context, case_id, reviewer] {
      return OnCase(context,
                    [&](LegalClient& client) { return client.Assign(*case_id, *reviewer); });
    };
  });
}

// A subcommand whose one argument is a case.
template <typename Act>
CLI::App* AddOnCase(CLI::App& legal, Context& context, const char* name, const char* help,
                    Act act) {
  CLI::App* command = legal.add_subcommand(name, help);
  auto case_id = std::make_shared<std::string>();
  command->add_option("case", *case_id, "Case id")->required()->type_name("CASE");
  command->callback([&context, case_id, act] {
    context.command = [&context, case_id, act] {
      return OnCase(context, [&](LegalClient& client) { return act(client, *case_id); });
    };
  });
  return command;
}

}  // namespace

void AddLegalCommands(CLI::App& app, Context& context) {
  CLI::App* legal =
      app.add_subcommand("legal", "Legal requests: ask, decide, approve, carry out, open");
  legal->require_subcommand(1);
  legal->footer(
      "A case, from request to package:\n"
      "  comity --as cn/agent-lin legal submit --target cn/ACCOUNT --class identifiers \\\n"
      "    --instrument subpoena --instrument-file order.pdf --reference 2018-17 \\\n"
      "    --basis 'Art. 28' --ground 'fraud, suspect named'\n"
      "  comity --as cn/reviewer-chen legal decide CASE accept\n"
      "  comity --as cn/approver-wang legal approve CASE\n"
      "  comity --as cn/approver-moore legal approve CASE\n"
      "  comity --as cn/reviewer-chen legal execute CASE\n"
      "  comity --as cn/agent-lin legal open CASE -o package\n"
      "Each step shows what the case waits for next. The user is told, and may object, before an\n"
      "approval counts, unless the instrument bars telling.");
  AddSubmit(*legal, context);
  legal->add_subcommand("list", "Your cases; all of the region for reviewers")
      ->footer("Example: comity --as cn/reviewer-chen legal list")
      ->callback([&context] { context.command = [&context] { return List(context); }; });
  AddOnCase(*legal, context, "show", "One case, with its history",
            [](LegalClient& client, const std::string& id) { return client.Show(id); })
      ->footer(
          "Example: comity --as cn/agent-lin legal show CASE\n"
          "The line \"next\" says what the case waits for, and whose turn it is.");
  AddAssign(*legal, context);
  AddDecide(*legal, context);
  AddOnCase(*legal, context, "approve",
            "Sign the authorisations of a case (approver; two different persons are needed)",
            [](LegalClient& client, const std::string& id) { return client.Approve(id); })
      ->footer(
          "Example: comity --as cn/approver-wang legal approve CASE\n"
          "Checks first that what is signed is what the case shows. An approval voids itself when "
          "the\n"
          "case goes back to review.");
  AddOnCase(*legal, context, "disagree", "Send the case back to review (approver)",
            [](LegalClient& client, const std::string& id) { return client.Approve(id, false); })
      ->footer("Example: comity --as cn/approver-wang legal disagree CASE");
  AddOnCase(*legal, context, "execute", "Carry the authorisations to storage and custody",
            [](LegalClient& client, const std::string& id) { return client.Execute(id); })
      ->footer(
          "Example: comity --as cn/reviewer-chen legal execute CASE\n"
          "Storage and custody verify every signature on their own, and log the use before it\n"
          "happens. Next: the agent runs `comity legal open CASE`.");

  auto text = std::make_shared<std::string>();
  AddOnCase(*legal, context, "answer", "Answer a clarification (agent)",
            [text](LegalClient& client, const std::string& id) { return client.Answer(id, *text); })
      ->footer(
          "Example: comity --as cn/agent-lin legal answer CASE --text 'The first one'\n"
          "The case goes back to its reviewer.")
      ->add_option("--text", *text, "The answer")
      ->required();
  AddOnCase(
      *legal, context, "withdraw", "Withdraw the request (agent)",
      [text](LegalClient& client, const std::string& id) { return client.Withdraw(id, *text); })
      ->footer(
          "Example: comity --as cn/agent-lin legal withdraw CASE --text 'No longer needed'\n"
          "Possible until the case is carried out.")
      ->add_option("--text", *text, "Why it is withdrawn");

  CLI::App* open = legal->add_subcommand(
      "open", "Download the package and decrypt it here with the agent's own key (agent)");
  auto case_id = std::make_shared<std::string>();
  auto folder = std::make_shared<std::string>("package");
  open->add_option("case", *case_id, "Case id")->required()->type_name("CASE");
  open->add_option("-o,--output", *folder, "Folder to write to")
      ->type_name("DIR")
      ->capture_default_str();
  open->footer(
      "Example: comity --as cn/agent-lin legal open CASE -o package\n"
      "Verifies storage's signed manifest, and decrypts with the key that `comity legal submit` "
      "wrote\n"
      "into the agent's folder. Only what the authorisation names is in the package.");
  open->callback([&context, case_id, folder] {
    context.command = [&context, case_id, folder] { return Open(context, *case_id, *folder); };
  });
}

}  // namespace comity::cli
