#ifndef COMITY_TESTS_E2E_STAGED_WORLD_H_
#define COMITY_TESTS_E2E_STAGED_WORLD_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/check/deployment_check.h"
#include "client/migrate/migrate.h"
#include "client/scenario/world.h"
#include "tests/testing/temp_dir.h"

namespace comity::testing {

// A deployment of the real programs, told step by step what to do, in the words of scenarios, while
// the test does to it what no scenario can say. Stopped and removed at the end.
class StagedWorld final {
 public:
  // Makes and starts a shipped topology, on the first day of its clock, with faults enabled and a
  // few small files.
  explicit StagedWorld(const std::string& topology = "icloud-cn-2018");
  ~StagedWorld();

  // One step of a scenario (docs/deployment.md): {"do": "…", …}. The test fails when it does.
  void Do(const std::string& step);
  absl::Status Try(const std::string& step);

  Supervisor& supervisor() { return *supervisor_; }
  scenario::World& world() { return *world_; }
  std::string directory() const { return dir_.path() + "/world"; }
  std::string home() const { return dir_.path() + "/home"; }  // profiles are called as the owners

  // What an operator person of us starts and asks. Names are those of the accounts.
  RequestId StartMigration();
  absl::StatusOr<MigrationView> Migration(const RequestId& id);
  // The step of that account's newest move, and why it does not get on.
  absl::StatusOr<MoveView> MoveOf(const RequestId& id, const std::string& name);
  // Starts moves until everybody named is served in cn: an attempt may have been called off.
  void MoveAll(const std::vector<std::string>& names);

  // Stops everything, checks all stores and every act so far, and starts it again.
  DeploymentCheck Check(bool settled);
  // The same, and fails the test with what was found.
  void ExpectNothingLost(bool settled);

  void SetBorder(BorderState state, bool kill = false);
  void SetFaults(const FaultPlan& plan);
  bool Runs(const std::string& region, ServiceKind kind) const;

  // Looks until it is so; fails the test after two minutes. Returns whether it was.
  static bool Await(const std::string& what, const std::function<bool()>& look);

 private:
  Session& Operator();

  const TempDir dir_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<scenario::World> world_;
};

}  // namespace comity::testing

#endif  // COMITY_TESTS_E2E_STAGED_WORLD_H_
