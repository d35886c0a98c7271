#include "client/testing/running_deployment.h"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "client/deployment/ephemeral.h"
#include "client/deployment/templates.h"
#include "client/person/person.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::testing {
namespace {

namespace fs = std::filesystem;

void Remove(const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
}

}  // namespace

RunningDeployment::RunningDeployment(std::string directory, Supervisor supervisor)
    : directory_(std::move(directory)), supervisor_(std::move(supervisor)) {}

absl::StatusOr<std::unique_ptr<RunningDeployment>> RunningDeployment::Start(
    const std::string& topology) {
  ASSIGN_OR_RETURN(std::string folder, MakeEphemeralFolder());
  if (const absl::Status made = MakeFromTemplate(topology, folder, nullptr); !made.ok()) {
    Remove(folder);
    return made;
  }
  absl::StatusOr<Supervisor> supervisor = Supervisor::Open(folder);
  if (!supervisor.ok()) {
    Remove(folder);
    return supervisor.status();
  }
  // From here on the destructor stops what runs.
  std::unique_ptr<RunningDeployment> deployment(
      new RunningDeployment(std::move(folder), *std::move(supervisor)));
  RETURN_IF_ERROR(deployment->supervisor_.Start());
  return deployment;
}

RunningDeployment::~RunningDeployment() {
  supervisor_.Stop().IgnoreError();
  Remove(directory_);
}

absl::StatusOr<TestUser> RunningDeployment::CreateUser(const std::string& territory,
                                                       const std::string& accepted_terms) {
  const std::string folder = directory_ + "/home/profiles/user-" + std::to_string(++users_);
  ASSIGN_OR_RETURN(Profile profile, Profile::Create(folder, topology().deployment(), Now()));
  TestUser user;
  user.profile = std::make_unique<Profile>(std::move(profile));
  ASSIGN_OR_RETURN(TlsIdentity identity, user.profile->Tls());
  ASSIGN_OR_RETURN(user.session, Session::Open(directory_, std::move(identity)));
  user.account = std::make_unique<AccountClient>(user.session.get(), user.profile.get());
  RETURN_IF_ERROR(user.account->Create(territory, accepted_terms).status());
  user.objects = std::make_unique<ObjectClient>(user.session.get(), user.profile.get());
  return user;
}

absl::StatusOr<std::unique_ptr<Session>> RunningDeployment::OpenAs(const std::string& who) const {
  ASSIGN_OR_RETURN(const Person person, LoadPerson(directory_, who));
  return Session::Open(directory_, person.Tls());
}

absl::Status RunningDeployment::AdvanceClock(int64_t delta_ms) {
  return supervisor_.AdvanceClock(delta_ms);
}

absl::Status RunningDeployment::AdvanceClockTo(UnixMillis time) {
  const UnixMillis now = Now();
  if (time < now) {
    return Refuse(Reason::kFieldInvalid, "it is " + FormatTime(now) + " already");
  }
  return supervisor_.AdvanceClock(time - now);
}

absl::Status RunningDeployment::Kill(std::string_view region, ServiceKind kind) {
  return supervisor_.Kill(region, kind);
}

absl::Status RunningDeployment::Restart() { return supervisor_.Start(); }

}  // namespace comity::testing
