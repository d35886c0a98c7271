#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

#include "client/account/account.h"
#include "client/objects/objects.h"
#include "client/scenario/world.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// What owners do with their accounts and files.
namespace comity::scenario {
namespace {

absl::StatusOr<std::string> CreateAccounts(World& world, const Fields& fields) {
  std::map<std::string, std::vector<std::string>> by_region;
  for (const auto& [name, territory] : fields.TextPairs("people")) {
    world.Progress("making the account of " + name);
    ASSIGN_OR_RETURN(Owner * owner, world.AddOwner(name));
    AccountClient client(owner->session.get(), owner->profile.get());
    ASSIGN_OR_RETURN(const AccountView view, client.Create(territory, fields.Text("terms")));
    world.RememberAct({.kind = Act::Kind::kAccount, .account = view.id.ToString()});
    by_region[view.home_region].push_back(name + " (" + territory + ")");
  }
  std::string text;
  for (const auto& [region, names] : by_region) {
    text += (text.empty() ? "" : "; ") + std::string("in region ") + region + ": " + Join(names);
  }
  return "each has a device key of its own and an account " + text;
}

absl::StatusOr<ObjectInfo> Store(ObjectClient& objects, const SourceFile& file) {
  std::ifstream in(file.path, std::ios::binary);
  if (!in) return Refuse(Reason::kFieldInvalid, "cannot read " + file.path);
  ObjectAttributes attributes;
  attributes.name = file.name;
  attributes.size = file.size;
  return objects.Put(in, attributes);
}

// Deals the files to the owners in turn; when there are fewer files than owners, some go to more
// than one.
absl::StatusOr<std::string> StoreFiles(World& world, const Fields& fields) {
  const std::vector<std::string> who = fields.Texts("who");
  const size_t rounds = std::max(world.files().size(), who.size());
  uint64_t bytes = 0;
  for (size_t i = 0; i < rounds; ++i) {
    const SourceFile& file = world.files()[i % world.files().size()];
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(who[i % who.size()]));
    world.Progress("storing " + std::to_string(i + 1) + " of " + std::to_string(rounds) + ": " +
                   file.name);
    ObjectClient objects(owner->session.get(), owner->profile.get());
    ASSIGN_OR_RETURN(const ObjectInfo info, Store(objects, file));
    world.RememberAct({.kind = Act::Kind::kObject,
                       .account = owner->profile->account().ToString(),
                       .object = info.id.ToString(),
                       .version = info.version,
                       .content = info.content.ToString()});
    // The same name again is another version of the same object.
    const bool again = std::ranges::any_of(
        owner->files, [&](const SourceFile& known) { return known.name == file.name; });
    if (!again) owner->files.push_back(file);
    bytes += file.size;
  }
  return Count(rounds, "file") + " (" + std::to_string(bytes) +
         " bytes) were encrypted here and stored for " + Count(who.size(), "account");
}

absl::Status ReadBackOne(World& world, Owner& owner, const std::string& region, uint64_t& bytes) {
  AccountClient account(owner.session.get(), owner.profile.get());
  ASSIGN_OR_RETURN(const AccountView view, account.Show());
  if (view.home_region != region) {
    return Unmet(owner.name + " is served by region " + view.home_region + ", not " + region);
  }
  ObjectClient objects(owner.session.get(), owner.profile.get());
  ASSIGN_OR_RETURN(const std::vector<ObjectInfo> all, objects.List());
  if (all.size() != owner.files.size()) {
    return Unmet(owner.name + " has " + Count(all.size(), "object") + " there, and stored " +
                 std::to_string(owner.files.size()));
  }
  for (const SourceFile& file : owner.files) {
    world.Progress("reading back " + file.name + " of " + owner.name);
    ComparingStream out(file.path);
    RETURN_IF_ERROR(objects.Get(file.name, out).status());
    if (!out.Equal()) return Unmet(file.name + " of " + owner.name + " differs");
    bytes += out.bytes();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadBack(World& world, const Fields& fields) {
  uint64_t bytes = 0;
  size_t files = 0;
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    RETURN_IF_ERROR(ReadBackOne(world, *owner, fields.Text("region"), bytes));
    files += owner->files.size();
  }
  return Count(files, "file") + " (" + std::to_string(bytes) + " bytes) of " +
         Join(fields.Texts("who")) + " came back from region " + fields.Text("region") +
         " and are equal byte for byte";
}

// What the owner's device has just signed, and custody and storage have taken.
void RememberStatement(World& world, const Owner& owner, std::string_view type) {
  const auto& statements = owner.profile->state().statements;
  if (const auto newest = statements.find(std::string(type)); newest != statements.end()) {
    world.RememberAct({.kind = Act::Kind::kStatement,
                       .account = owner.profile->account().ToString(),
                       .statement = newest->second.digest().ToString()});
  }
}

// Has each owner that the step names sign a statement of this type.
template <typename Sign>
absl::Status ForEach(World& world, const Fields& fields, std::string_view type, Sign sign) {
  for (const std::string& name : fields.Texts("who")) {
    ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(name));
    AccountClient client(owner->session.get(), owner->profile.get());
    RETURN_IF_ERROR(sign(client));
    RememberStatement(world, *owner, type);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> AcceptTerms(World& world, const Fields& fields) {
  Consent consent;
  RETURN_IF_ERROR(
      ForEach(world, fields, Consent::kType, [&](AccountClient& client) -> absl::Status {
        ASSIGN_OR_RETURN(consent, client.AcceptTerms());
        return absl::OkStatus();
      }));
  return Join(fields.Texts("who")) + " signed consent to the terms " + consent.terms_version +
         ": from region " + consent.source.name() + " to " + consent.destination.name() +
         "; who can compel access: " + Join(consent.can_compel_before) + " before, " +
         Join(consent.can_compel_after) + " after";
}

absl::StatusOr<std::string> WithdrawConsent(World& world, const Fields& fields) {
  RETURN_IF_ERROR(ForEach(world, fields, Withdrawal::kType,
                          [](AccountClient& client) { return client.WithdrawConsent(); }));
  return Join(fields.Texts("who")) + " took the consent back";
}

absl::StatusOr<std::string> OptOut(World& world, const Fields& fields) {
  RETURN_IF_ERROR(
      ForEach(world, fields, Close::kType, [](AccountClient& client) { return client.Close(); }));
  return Join(fields.Texts("who")) +
         " opted out: the account closes, and its keys are destroyed in 30 days";
}

absl::StatusOr<std::string> SetTerritory(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(Owner * owner, world.FindOwner(fields.Text("who")));
  AccountClient client(owner->session.get(), owner->profile.get());
  RETURN_IF_ERROR(client.SetTerritory(fields.Text("territory")));
  return owner->name + " changed the country of the account to " + fields.Text("territory");
}

}  // namespace

Outcome PerformAccountStep(World& world, const Step& step) {
  if (step.verb == "create-accounts") return CreateAccounts(world, step.fields);
  if (step.verb == "store-files") return StoreFiles(world, step.fields);
  if (step.verb == "read-back") return ReadBack(world, step.fields);
  if (step.verb == "accept-terms") return AcceptTerms(world, step.fields);
  if (step.verb == "withdraw-consent") return WithdrawConsent(world, step.fields);
  if (step.verb == "opt-out") return OptOut(world, step.fields);
  if (step.verb == "set-territory") return SetTerritory(world, step.fields);
  return std::nullopt;
}

}  // namespace comity::scenario
