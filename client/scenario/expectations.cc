#include <algorithm>
#include <utility>

#include "client/account/account.h"
#include "client/key/key.h"
#include "client/scenario/world.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// What must be so about accounts, keys and regions.
namespace comity::scenario {
namespace {

// `what` is "state" and the like; an empty expectation expects nothing.
absl::Status Compare(const std::string& whose, const std::string& what, const std::string& expected,
                     std::string_view found) {
  if (expected.empty() || expected == found) return absl::OkStatus();
  return Unmet(what + " of " + whose + " is \"" + std::string(found) + "\", not \"" + expected +
               "\"");
}

absl::Status CheckAccount(Owner& owner, const Fields& fields, AccountView& view) {
  AccountClient client(owner.session.get(), owner.profile.get());
  ASSIGN_OR_RETURN(view, client.Show());
  RETURN_IF_ERROR(Compare(owner.name, "region", fields.Text("region"), view.home_region));
  RETURN_IF_ERROR(Compare(owner.name, "state", fields.Text("state"), Name(view.state)));
  RETURN_IF_ERROR(Compare(owner.name, "standing", fields.Text("standing"), Name(view.standing)));
  RETURN_IF_ERROR(Compare(owner.name, "territory", fields.Text("territory"), view.territory));
  if (fields.Has("notified") && fields.Flag("notified") != (view.notified != 0)) {
    return Unmet(owner.name + (view.notified != 0 ? " was notified" : " was not notified"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExpectAccount(World& world, const Fields& fields) {
  AccountView view;
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    RETURN_IF_ERROR(Await([&] { return CheckAccount(*owner, fields, view); }));
  }
  std::string text = Join(fields.Texts("who")) + ": " + std::string(Name(view.state)) +
                     " in region " + view.home_region + ", " + std::string(Name(view.standing)) +
                     " (" + view.standing_reason + ")";
  if (fields.Flag("notified")) text += ", notified on " + FormatDay(view.notified);
  return text;
}

absl::Status CheckKey(Owner& owner, const Fields& fields, KeyWhere& where) {
  AccountClient account(owner.session.get(), owner.profile.get());
  RETURN_IF_ERROR(account.Show().status());  // follows a move
  ASSIGN_OR_RETURN(where, AskKeyLocation(*owner.session, *owner.profile));
  RETURN_IF_ERROR(Compare(owner.name, "key region", fields.Text("region"), where.region));
  RETURN_IF_ERROR(
      Compare(owner.name, "key operator", fields.Text("operator"), where.location.operator_name));
  RETURN_IF_ERROR(Compare(owner.name, "scheduled region", fields.Text("scheduled"),
                          where.location.scheduled_region));
  if (where.location.can_compel != fields.Texts("can-compel")) {
    return Unmet("the key of " + owner.name + " can be compelled by " +
                 Join(where.location.can_compel));
  }
  if (fields.Has("data") &&
      (where.data_region != fields.Text("data") ||
       (where.location.mode == CustodyMode::kResident) != (where.data_region == where.region))) {
    return Unmet("the data of " + owner.name + " is in region " + where.data_region);
  }
  if (fields.Has("data-can-compel") && where.data_can_compel != fields.Texts("data-can-compel")) {
    return Unmet("the data of " + owner.name + " can be compelled by " +
                 Join(where.data_can_compel));
  }
  if (fields.Has("version") && where.location.newest_version != fields.Number("version")) {
    return Unmet("the newest key version of " + owner.name + " is " +
                 std::to_string(where.location.newest_version));
  }
  if (where.location.active == 0) return Unmet("the key of " + owner.name + " is not active");
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExpectKey(World& world, const Fields& fields) {
  KeyWhere where;
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    RETURN_IF_ERROR(Await([&] { return CheckKey(*owner, fields, where); }));
    if (fields.Flag("show") && name == fields.Texts("who").front()) {
      world.Show("$ comity --profile " + name + " key where\n" + FormatKeyWhere(where));
    }
  }
  return "custody signed that the keys of " + Join(fields.Texts("who")) + " are in region " +
         where.region + ", operated by " + where.operator_title + "; access can be compelled by " +
         Join(where.jurisdictions);
}

absl::StatusOr<std::string> ExpectCounts(World& world, const Fields& fields) {
  const std::string region = fields.Text("region");
  for (const ServiceReport& report : world.supervisor().Report()) {
    if (report.region != region || report.kind == ServiceKind::kReview) continue;
    const std::string service(Name(report.kind));
    if (!report.answers) return Unmet(service + " of " + region + ": " + report.problem);
    const uint64_t expected = fields.Number(service);
    if (report.accounts != expected) {
      return Unmet(service + " of region " + region + " holds " +
                   Count(report.accounts, "account") + ", not " + std::to_string(expected));
    }
  }
  return "region " + region + ": storage holds the data of " +
         Count(fields.Number("storage"), "account") + ", custody the keys of " +
         std::to_string(fields.Number("custody"));
}

absl::Status CheckStatements(Owner& owner, const Fields& fields) {
  AccountClient client(owner.session.get(), owner.profile.get());
  // Delivering nothing asks for what is there.
  const bool custody = fields.Text("service") == Name(ServiceKind::kCustody);
  ASSIGN_OR_RETURN(const std::vector<Statement> statements,
                   custody ? client.DeliverToCustody(fields.Text("region"), {})
                           : client.DeliverToStorage(fields.Text("region"), {}));
  for (const std::string& type : fields.Texts("types")) {
    const bool there = std::any_of(statements.begin(), statements.end(), [&](const Statement& s) {
      const absl::StatusOr<Envelope> envelope = PeekEnvelope(s);
      return envelope.ok() && envelope->type == type;
    });
    if (!there) {
      return Unmet(fields.Text("service") + " of region " + fields.Text("region") +
                   " shows no statement " + type + " about " + owner.name);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ExpectStatements(World& world, const Fields& fields) {
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    RETURN_IF_ERROR(Await([&] { return CheckStatements(*owner, fields); }));
  }
  return fields.Text("service") + " of region " + fields.Text("region") + " has signed " +
         Join(fields.Texts("types")) + " about " + Join(fields.Texts("who"));
}

}  // namespace

Outcome PerformExpectation(World& world, const Step& step) {
  if (step.verb == "expect-account") return ExpectAccount(world, step.fields);
  if (step.verb == "expect-key") return ExpectKey(world, step.fields);
  if (step.verb == "expect-counts") return ExpectCounts(world, step.fields);
  if (step.verb == "expect-statements") return ExpectStatements(world, step.fields);
  return std::nullopt;
}

}  // namespace comity::scenario
