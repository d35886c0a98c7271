#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

#include "client/legal/legal.h"
#include "client/scenario/world.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// Requests of authorities, and what becomes of them.
namespace comity::scenario {
namespace {

template <typename Value, size_t kSize>
absl::StatusOr<Value> ByName(const std::array<std::pair<std::string_view, Value>, kSize>& names,
                             const std::string& name) {
  std::string known;
  for (const auto& [text, value] : names) {
    if (text == name) return value;
    known += " " + std::string(text);
  }
  return Refuse(Reason::kFieldInvalid, "\"" + name + "\" is none of" + known);
}

constexpr std::array<std::pair<std::string_view, DataClass>, 7> kClasses = {
    {{"account", DataClass::kC0},
     {"identifiers", DataClass::kC1},
     {"connections", DataClass::kC2},
     {"usage", DataClass::kC3},
     {"names", DataClass::kC4},
     {"content", DataClass::kC5},
     {"keys", DataClass::kC6}}};
constexpr std::array<std::pair<std::string_view, InstrumentType>, 3> kInstruments = {
    {{"subpoena", InstrumentType::kSubpoena},
     {"court-order", InstrumentType::kCourtOrder},
     {"warrant", InstrumentType::kWarrant}}};
constexpr std::array<std::pair<std::string_view, Decision>, 4> kDecisions = {
    {{"accept", Decision::kAccept},
     {"clarify", Decision::kClarify},
     {"hold", Decision::kHold},
     {"reject", Decision::kReject}}};

constexpr int64_t kInstrumentLifetime = 90 * kDayMs;

std::string Describe(const CaseView& view) {
  std::string text = "the case is " + view.state;
  if (!view.outcome.empty()) text += ", " + view.outcome;
  if (!view.rejections.empty()) text += ": " + Join(view.rejections);
  return text;
}

absl::Status CheckCase(const CaseView& view, const Fields& fields) {
  const std::string state = fields.Text("state");
  const std::string outcome = fields.Text("outcome");
  if ((!state.empty() && view.state != state) || (!outcome.empty() && view.outcome != outcome)) {
    return Unmet(Describe(view));
  }
  if (fields.Has("rejections") && view.rejections != fields.Texts("rejections")) {
    return Unmet(Describe(view));
  }
  return absl::OkStatus();
}

// "cn/li-wei" -> "cn/<account id>"; anything else, such as "cn/*", as it stands.
absl::StatusOr<std::string> TargetOf(World& world, const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return text;
  const std::string name = text.substr(slash + 1);
  if (name.find('*') != std::string::npos) return text;
  ASSIGN_OR_RETURN(const Owner* owner, world.FindOwner(name));
  return text.substr(0, slash + 1) + owner->profile->account().ToString();
}

absl::StatusOr<std::string> Submit(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(Actor * actor, world.FindActor(fields.Text("as")));
  const UnixMillis now = actor->session->Now();
  RequestDraft draft;
  draft.case_reference = fields.Text("case");
  ASSIGN_OR_RETURN(draft.instrument, ByName(kInstruments, fields.Text("instrument")));
  draft.instrument_document =
      fields.Text("instrument") + " for " + fields.Text("case") + ": " + fields.Text("ground");
  draft.instrument_issued = now - kDayMs;
  draft.instrument_expiry = now + kInstrumentLifetime;
  draft.legal_basis = fields.Text("basis");
  draft.ground = fields.Text("ground");
  for (const std::string& text : fields.Texts("targets")) {
    ASSIGN_OR_RETURN(draft.targets.emplace_back(), TargetOf(world, text));
  }
  for (const std::string& name : fields.Texts("classes")) {
    ASSIGN_OR_RETURN(draft.classes.emplace_back(), ByName(kClasses, name));
  }
  if (fields.Has("from")) {
    ASSIGN_OR_RETURN(draft.begin, ParseTime(fields.Text("from")));
  }
  if (fields.Has("to")) {
    ASSIGN_OR_RETURN(draft.end, ParseTime(fields.Text("to")));
  }
  LegalClient client(actor->session.get(), actor->person.get());
  ASSIGN_OR_RETURN(const CaseView view, client.Submit(draft));
  world.RememberCase(fields.Text("case"), view.id);
  RETURN_IF_ERROR(CheckCase(view, fields));
  return fields.Text("as") + " asked for " + Join(fields.Texts("classes")) + " of " +
         Join(fields.Texts("targets")) + ": " + Describe(view);
}

// Runs `deed` with the client of the step's person and the id of its case, and checks what comes.
template <typename Deed>
absl::StatusOr<CaseView> OnCase(World& world, const Fields& fields, Deed deed) {
  ASSIGN_OR_RETURN(Actor * actor, world.FindActor(fields.Text("as")));
  ASSIGN_OR_RETURN(const std::string id, world.FindCase(fields.Text("case")));
  LegalClient client(actor->session.get(), actor->person.get());
  ASSIGN_OR_RETURN(CaseView view, deed(client, id));
  world.RememberAct({.kind = Act::Kind::kCase, .case_id = id});
  RETURN_IF_ERROR(CheckCase(view, fields));
  return view;
}

absl::StatusOr<std::string> Decide(World& world, const Fields& fields) {
  DecisionDraft draft;
  ASSIGN_OR_RETURN(draft.decision, ByName(kDecisions, fields.Text("decision")));
  draft.reasons = fields.Texts("reasons");
  ASSIGN_OR_RETURN(const CaseView view,
                   OnCase(world, fields, [&](LegalClient& client, const std::string& id) {
                     return client.Decide(id, draft);
                   }));
  std::string text =
      fields.Text("as") + " decided \"" + fields.Text("decision") + "\": " + Describe(view);
  if (view.notice_end != 0) {
    text += "; the user is told and may object until " + FormatTime(view.notice_end);
  }
  return text;
}

absl::StatusOr<std::string> Approve(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(const CaseView view,
                   OnCase(world, fields, [](LegalClient& client, const std::string& id) {
                     return client.Approve(id);
                   }));
  return "approved by " + Join(view.approvers) + ": " + Describe(view);
}

absl::StatusOr<std::string> ExpectCase(World& world, const Fields& fields) {
  std::string text;
  RETURN_IF_ERROR(Await([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const CaseView view,
                     OnCase(world, fields, [](LegalClient& client, const std::string& id) {
                       return client.Show(id);
                     }));
    text = Describe(view);
    return absl::OkStatus();
  }));
  return text;
}

absl::StatusOr<std::string> ExpectNotice(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(const Owner* owner, world.FindOwner(fields.Text("who")));
  ASSIGN_OR_RETURN(const std::string id, world.FindCase(fields.Text("case")));
  std::string text;
  RETURN_IF_ERROR(Await([&]() -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<NoticeView> notices,
                     ListNotices(*owner->session, *owner->profile, fields.Text("region")));
    for (const NoticeView& notice : notices) {
      if (notice.notice.case_id != id) continue;
      text = owner->name + " was told of a request by " + notice.notice.authority;
      return absl::OkStatus();
    }
    return Unmet(owner->name + " was not told of the request");
  }));
  return text;
}

absl::StatusOr<std::string> Execute(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(const CaseView view,
                   OnCase(world, fields, [](LegalClient& client, const std::string& id) {
                     return client.Execute(id);
                   }));
  return "custody and storage each verified the four signatures and logged the use before it: " +
         Describe(view);
}

absl::StatusOr<std::string> OpenPackage(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(Actor * actor, world.FindActor(fields.Text("as")));
  ASSIGN_OR_RETURN(const std::string id, world.FindCase(fields.Text("case")));
  ASSIGN_OR_RETURN(const Owner* owner, world.FindOwner(fields.Text("who")));
  const std::string folder = actor->person->folder + "/package-" + id;
  LegalClient client(actor->session.get(), actor->person.get());
  ASSIGN_OR_RETURN(const std::vector<OpenedFile> opened, client.Open(id, folder));
  for (const SourceFile& file : owner->files) {
    const auto found = std::find_if(opened.begin(), opened.end(),
                                    [&](const OpenedFile& o) { return o.name == file.name; });
    if (found == opened.end()) return Unmet("the package has no file " + file.name);
    ComparingStream compare(file.path);
    std::ifstream in(found->path, std::ios::binary);
    if (found->size > 0) compare << in.rdbuf();
    if (!in || !compare.Equal()) return Unmet(file.name + " in the package differs");
  }
  if (opened.size() != owner->files.size()) {
    return Unmet("the package holds " + Count(opened.size(), "file") + ", the account " +
                 std::to_string(owner->files.size()));
  }
  return "the agent's own key opened " + Count(opened.size(), "file") + " of " + owner->name +
         ", equal byte for byte to what was stored; no service saw the keys in the clear but "
         "custody, which sealed them to the agent";
}

}  // namespace

Outcome PerformLegalStep(World& world, const Step& step) {
  if (step.verb == "submit") return Submit(world, step.fields);
  if (step.verb == "decide") return Decide(world, step.fields);
  if (step.verb == "approve") return Approve(world, step.fields);
  if (step.verb == "expect-case") return ExpectCase(world, step.fields);
  if (step.verb == "expect-notice") return ExpectNotice(world, step.fields);
  if (step.verb == "execute") return Execute(world, step.fields);
  if (step.verb == "open-package") return OpenPackage(world, step.fields);
  return std::nullopt;
}

}  // namespace comity::scenario
