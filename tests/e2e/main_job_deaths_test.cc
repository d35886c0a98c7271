#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "client/scenario/scenario.h"
#include "services/common/status/reason.h"
#include "tests/e2e/staged_world.h"

// The main job, while every service of both regions dies at its next commit in each of its steps,
// before that commit or after it, and is started again. Every check holds as if nothing had
// happened, and every act is there once.
namespace comity::testing {
namespace {

constexpr char kMainJob[] = COMITY_SOURCE_DIR "/deploy/scenarios/icloud-cn-2018";

std::vector<DeathFault> DeathOfEach(bool flipped) {
  std::vector<DeathFault> deaths;
  for (const std::string region : {"us", "cn"}) {
    deaths.push_back({region + "/storage", flipped, "", "", 1});
    deaths.push_back({region + "/custody", !flipped, "", "", 1});
    deaths.push_back({region + "/review", flipped, "", "", 1});
  }
  return deaths;
}

bool Runs(const StagedWorld& world, const std::string& service) {
  const size_t slash = service.find('/');
  const std::string name = service.substr(slash + 1);
  for (const ServiceKind kind :
       {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
    if (Name(kind) == name) return world.Runs(service.substr(0, slash), kind);
  }
  ADD_FAILURE() << "no service " << service;
  return true;
}

// Starts again whoever died, in a thread of its own, as a service manager does.
class Undertaker final {
 public:
  explicit Undertaker(StagedWorld* world) : world_(*world), thread_([this] { Watch(); }) {}
  ~Undertaker() {
    ends_ = true;
    thread_.join();
  }

  // From now on these die; those of before that did not come are forgotten.
  void Arm(std::vector<DeathFault> deaths) {
    const absl::MutexLock lock(&mutex_);
    armed_ = std::move(deaths);
    world_.SetFaults({.borders = {}, .deaths = armed_, .disks = {}});
  }
  int deaths() const { return deaths_; }

 private:
  void Watch() {
    while (!ends_) {
      Revive();
      std::this_thread::sleep_for(kLook);
    }
    // Nobody is armed any more.
    const absl::Status started = world_.supervisor().Start();
    EXPECT_TRUE(started.ok()) << started;
  }
  void Revive() {
    const absl::MutexLock lock(&mutex_);
    bool all = true;
    for (const DeathFault& each : DeathOfEach(false)) {
      if (Runs(world_, each.service)) continue;
      all = false;
      deaths_ += static_cast<int>(std::erase_if(
          armed_, [&](const DeathFault& death) { return death.service == each.service; }));
    }
    if (all) return;
    world_.SetFaults({.borders = {}, .deaths = armed_, .disks = {}});
    // Another one may die while these start: then at the next look.
    world_.supervisor().Start().IgnoreError();
  }

  static constexpr std::chrono::milliseconds kLook{20};
  StagedWorld& world_;
  absl::Mutex mutex_;
  std::vector<DeathFault> armed_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int> deaths_ = 0;
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

// Looks, reads and reports change nothing of their own.
bool Acts(const scenario::Step& step) {
  return !step.verb.starts_with("expect-") && step.verb != "read-back" && step.verb != "report" &&
         step.verb != "verify-logs" && step.verb != "open-package";
}

class MainJobDeathsTest : public ::testing::TestWithParam<bool> {
 protected:
  // One step, begun again when a death broke its streams, or a call of one service to another.
  void Perform(const scenario::Step& step) {
    SCOPED_TRACE("line " + std::to_string(step.line) + ": " + step.check);
    absl::Status outcome;
    StagedWorld::Await("somebody answers", [&] {
      outcome = scenario::Perform(world_.world(), step).status();
      return ReasonOf(outcome) != Reason::kPeerUnavailable;
    });
    const std::string reason(outcome.ok() ? std::string_view() : Describe(ReasonOf(outcome)).name);
    EXPECT_EQ(reason, step.refused) << CauseOf(outcome);
  }

  StagedWorld world_;
};

TEST_P(MainJobDeathsTest, EveryCheckHoldsAlthoughEachServiceDiesInEachStep) {
  std::ifstream in(kMainJob);
  const absl::StatusOr<scenario::Scenario> job = scenario::ParseScenario(
      std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()));
  ASSERT_TRUE(job.ok()) << job.status();
  int deaths = 0;
  {
    Undertaker undertaker(&world_);
    bool flipped = GetParam();
    for (const scenario::Step& step : job->steps) {
      if (step.verb == "say") continue;
      if (Acts(step)) {
        undertaker.Arm(DeathOfEach(flipped));
        flipped = !flipped;
      }
      if (step.verb == "migrate" && !step.fields.Texts("moved").empty()) {
        // An attempt may be called off for a death, and then the account goes with the next.
        world_.MoveAll(step.fields.Texts("moved"));
      } else {
        Perform(step);
      }
      if (HasFailure()) break;
    }
    undertaker.Arm({});
    deaths = undertaker.deaths();
  }
  EXPECT_GT(deaths, 20) << "they did not die";
  StagedWorld::Await("everything is settled", [&] { return world_.Check(true).ok(); });
  world_.ExpectNothingLost(/*settled=*/true);
}

// With COMITY_SOAK each service dies both ways in each step, else one of the two.
std::vector<bool> Ways() {
  return std::getenv("COMITY_SOAK") != nullptr ? std::vector<bool>{false, true}
                                               : std::vector<bool>{false};
}
INSTANTIATE_TEST_SUITE_P(BeforeAndAfter, MainJobDeathsTest, ::testing::ValuesIn(Ways()));

}  // namespace
}  // namespace comity::testing
