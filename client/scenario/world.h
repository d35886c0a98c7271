#ifndef COMITY_CLIENT_SCENARIO_WORLD_H_
#define COMITY_CLIENT_SCENARIO_WORLD_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/check/expectations.h"
#include "client/deployment/supervisor.h"
#include "client/person/person.h"
#include "client/profile/profile.h"
#include "client/scenario/files.h"
#include "client/scenario/scenario.h"
#include "client/session/session.h"

namespace comity::scenario {

// A person with a device and an account.
struct Owner {
  std::string name;
  std::unique_ptr<Profile> profile;
  std::unique_ptr<Session> session;
  std::vector<SourceFile> files;  // that were stored
};

// A person of a roster.
struct Actor {
  std::unique_ptr<Person> person;
  std::unique_ptr<Session> session;
};

// What a running scenario knows: the deployment, its people and their files, the cases so far.
class World final {
 public:
  struct Options {
    Supervisor* supervisor = nullptr;  // outlives the world
    std::string home;                  // profiles are made in <home>/profiles/<name>
    std::vector<SourceFile> files;     // dealt to the owners in turn
    // Told what is worth reading beside the results; may not be null.
    std::function<void(const std::string&)> show;
    std::function<void(const std::string&)> progress;
  };
  explicit World(Options options) : options_(std::move(options)) {}

  Supervisor& supervisor() { return *options_.supervisor; }
  const std::vector<SourceFile>& files() const { return options_.files; }
  const std::string& directory() const { return options_.supervisor->paths().directory(); }
  void Show(const std::string& text) const { options_.show(text); }
  void Progress(const std::string& text) const { options_.progress(text); }

  // Makes a device key and a session for a new person. STATE_NOT_READY when the name is taken.
  absl::StatusOr<Owner*> AddOwner(const std::string& name);
  // FIELD_INVALID when nobody of that name has an account.
  absl::StatusOr<Owner*> FindOwner(const std::string& name);
  // The person "region/name" of a roster.
  absl::StatusOr<Actor*> FindActor(const std::string& who);
  absl::StatusOr<RegionId> FindRegion(const std::string& name) const;

  // "li-wei" of the account id; the id itself for a stranger's.
  std::string OwnerOf(const AccountId& account) const;

  // Case names of the scenario -> case ids of review.
  void RememberCase(const std::string& name, const std::string& id) { cases_[name] = id; }
  absl::StatusOr<std::string> FindCase(const std::string& name) const;

  // What was acknowledged so far: whatever is killed or cut, it must be there at every check.
  void RememberAct(Act act) { acts_.push_back(std::move(act)); }
  const std::vector<Act>& acts() const { return acts_; }

 private:
  Options options_;
  std::map<std::string, Owner> owners_;
  std::map<std::string, Actor> actors_;
  std::map<std::string, std::string> cases_;
  std::vector<Act> acts_;
};

// What did not come as the scenario says.
absl::Status Unmet(const std::string& what);

// Tries until `look` succeeds, for at most a minute: what services do on their own comes a
// moment after the clock was moved. Returns the last answer.
absl::Status Await(const std::function<absl::Status()>& look);

std::string Join(const std::vector<std::string>& parts);  // "a, b and c"
std::string Count(size_t n, const std::string& noun);     // "1 file", "3 files"

// "us/custody" -> its parts. FIELD_INVALID.
absl::StatusOr<std::pair<std::string, ServiceKind>> ParseService(const std::string& text);

// Carries out one step; the answer is a sentence about what was found.
absl::StatusOr<std::string> Perform(World& world, const Step& step);

// The verbs, by kind. Nothing when the verb is not of that kind.
using Outcome = std::optional<absl::StatusOr<std::string>>;
Outcome PerformAccountStep(World& world, const Step& step);
Outcome PerformExpectation(World& world, const Step& step);
Outcome PerformMoveStep(World& world, const Step& step);
Outcome PerformLegalStep(World& world, const Step& step);
Outcome PerformPublicStep(World& world, const Step& step);
Outcome PerformFaultStep(World& world, const Step& step);
Outcome PerformKeyStep(World& world, const Step& step);

}  // namespace comity::scenario

#endif  // COMITY_CLIENT_SCENARIO_WORLD_H_
