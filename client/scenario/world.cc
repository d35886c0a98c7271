#include "client/scenario/world.h"

#include <chrono>
#include <thread>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::scenario {
namespace {

constexpr auto kPatience = std::chrono::seconds(60);
constexpr auto kLookInterval = std::chrono::milliseconds(50);

}  // namespace

absl::StatusOr<Owner*> World::AddOwner(const std::string& name) {
  if (owners_.contains(name)) {
    return Refuse(Reason::kStateNotReady, name + " has an account already");
  }
  const std::string folder = options_.home + "/profiles/" + name;
  Owner owner;
  owner.name = name;
  ASSIGN_OR_RETURN(Profile profile, Profile::Create(folder, supervisor().topology().deployment(),
                                                    supervisor().Now()));
  owner.profile = std::make_unique<Profile>(std::move(profile));
  ASSIGN_OR_RETURN(TlsIdentity identity, owner.profile->Tls());
  ASSIGN_OR_RETURN(owner.session, Session::Open(directory(), std::move(identity)));
  return &owners_.emplace(name, std::move(owner)).first->second;
}

absl::StatusOr<Owner*> World::FindOwner(const std::string& name) {
  const auto found = owners_.find(name);
  if (found != owners_.end()) return &found->second;
  return Refuse(Reason::kFieldInvalid, "nobody of the name " + name + " has an account");
}

absl::StatusOr<Actor*> World::FindActor(const std::string& who) {
  const auto found = actors_.find(who);
  if (found != actors_.end()) return &found->second;
  Actor actor;
  ASSIGN_OR_RETURN(Person person, LoadPerson(directory(), who));
  actor.person = std::make_unique<Person>(std::move(person));
  ASSIGN_OR_RETURN(actor.session, Session::Open(directory(), actor.person->Tls()));
  return &actors_.emplace(who, std::move(actor)).first->second;
}

absl::StatusOr<RegionId> World::FindRegion(const std::string& name) const {
  const RegionInfo* region = options_.supervisor->topology().FindRegion(name);
  if (region != nullptr) return region->id;
  return Refuse(Reason::kFieldInvalid, "there is no region \"" + name + "\"");
}

std::string World::OwnerOf(const AccountId& account) const {
  for (const auto& [name, owner] : owners_) {
    if (owner.profile->account() == account) return name;
  }
  return account.ToString();
}

absl::StatusOr<std::string> World::FindCase(const std::string& name) const {
  const auto found = cases_.find(name);
  if (found != cases_.end()) return found->second;
  return Refuse(Reason::kFieldInvalid, "no request \"" + name + "\" was submitted");
}

absl::Status Unmet(const std::string& what) { return Refuse(Reason::kStateNotReady, what); }

absl::Status Await(const std::function<absl::Status()>& look) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  absl::Status last = look();
  while (!last.ok() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLookInterval);
    last = look();
  }
  return last;
}

std::string Join(const std::vector<std::string>& parts) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  return text.empty() ? "nobody" : text;
}

std::string Count(size_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

absl::StatusOr<std::string> Perform(World& world, const Step& step) {
  for (const auto perform :
       {PerformAccountStep, PerformExpectation, PerformMoveStep, PerformLegalStep,
        PerformPublicStep, PerformFaultStep, PerformKeyStep}) {
    if (Outcome outcome = perform(world, step); outcome.has_value()) return *std::move(outcome);
  }
  return Refuse(Reason::kInternal, "nobody carries out \"" + step.verb + "\"");
}

}  // namespace comity::scenario
