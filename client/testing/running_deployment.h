#ifndef COMITY_CLIENT_TESTING_RUNNING_DEPLOYMENT_H_
#define COMITY_CLIENT_TESTING_RUNNING_DEPLOYMENT_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/account/account.h"
#include "client/deployment/supervisor.h"
#include "client/objects/objects.h"
#include "client/profile/profile.h"
#include "client/session/session.h"
#include "services/common/clock/clock.h"

namespace comity::testing {

// A device with an account in a running deployment, and the clients that act for it. Not
// thread-safe: one per thread.
struct TestUser {
  std::unique_ptr<Profile> profile;
  std::unique_ptr<Session> session;
  std::unique_ptr<AccountClient> account;
  std::unique_ptr<ObjectClient> objects;
};

// A development deployment of its own: real service processes on free ports of loopback, with a
// test clock, in a temporary folder. Nothing is shared with any other one, so that suites may run
// side by side. Stopped and removed with this object. Not thread-safe.
class RunningDeployment final {
 public:
  // Makes and starts it, and returns when every service answers. `topology` is the name of a
  // template that ships, or the path of one. Programs and templates are found as `comity up` finds
  // them: in $COMITY_BIN_DIR and $COMITY_SHARE_DIR, else beside the running program, else where the
  // first comity-storage of $PATH was installed. STORE_UNAVAILABLE, TOPOLOGY_INVALID,
  // STATE_NOT_READY.
  static absl::StatusOr<std::unique_ptr<RunningDeployment>> Start(
      const std::string& topology = "icloud-cn-2018");
  ~RunningDeployment();
  RunningDeployment(const RunningDeployment&) = delete;
  RunningDeployment& operator=(const RunningDeployment&) = delete;

  const std::string& directory() const { return directory_; }
  const Topology& topology() const { return supervisor_.topology(); }
  UnixMillis Now() const { return supervisor_.Now(); }

  // A new device with an account where the rules put this territory today.
  absl::StatusOr<TestUser> CreateUser(const std::string& territory,
                                      const std::string& accepted_terms = "");
  // A session of a person of the rosters, "us/ops-evans": what `comity --as` acts as.
  absl::StatusOr<std::unique_ptr<Session>> OpenAs(const std::string& who) const;

  // Moves the test clock and waits until every service shows it.
  absl::Status AdvanceClock(int64_t delta_ms);
  absl::Status AdvanceClockTo(UnixMillis time);  // FIELD_INVALID: it never goes back

  // A sudden death, and everything that does not run started again.
  absl::Status Kill(std::string_view region, ServiceKind kind);
  absl::Status Restart();

  Supervisor& supervisor() { return supervisor_; }

 private:
  RunningDeployment(std::string directory, Supervisor supervisor);
  std::string directory_;
  Supervisor supervisor_;
  int users_ = 0;
};

}  // namespace comity::testing

#endif  // COMITY_CLIENT_TESTING_RUNNING_DEPLOYMENT_H_
