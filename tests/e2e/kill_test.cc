#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <future>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/e2e/program.h"
#include "tests/e2e/staged_world.h"

// Every service that takes part in a move is killed at a commit to its store, before it and after
// it, and started again: each account ends on one side, whole, and what was acknowledged is there.
// By default at commits that stand for the steps; with COMITY_SOAK set, at every single
// one, on either side, until a move ends without reaching the next (docs/check.md).
namespace comity::testing {
namespace {

std::string Text(const DeathFault& death) {
  return death.service + " dies " + (death.before ? "before" : "after") + " commit " +
         std::to_string(death.count) + " in \"" + death.partition + "\", key \"" + death.key + "\"";
}

// One death of each service at a time. What they are by what they write: "move" is the source
// storage's record of how far it is, "pending" the leaves that are about to be logged.
using Deaths = std::vector<DeathFault>;
struct Round {
  Deaths moving;
  Deaths ending;  // planned when the device has yet to confirm that it has read everything back
};
const std::vector<Round>& Representatives() {
  static const std::vector<Round>* const kRounds = new std::vector<Round>{
      {{{"us/storage", false, "storage/", "move", 2},             // PREPARED
        {"cn/storage", false, "storage/", "incoming", 1},         // PREPARED, destination
        {"us/custody", false, "log/", "pending", 1},              // KEYS_MOVED: about to export
        {"cn/custody", false, "custody/", "account/key/", 1}},    // KEYS_MOVED, destination
       {{"us/storage", true, "objects/", "gate", 1},              // DESTROYED: about to erase
        {"us/custody", true, "custody/", "account/key/", 1},      // DESTROYED: keys, not yet
        {"cn/storage", true, "storage/", "", 1}}},                // TOLD: not yet
      {{{"cn/storage", true, "objects/", "o/", 1},                // DATA_COPIED, destination
        {"us/storage", true, "storage/", "fence", 1},             // FENCED: not yet
        {"us/custody", true, "custody/", "decision/", 1},         // CUT_OVER: not decided
        {"cn/custody", true, "custody/", "account/record", 2}},   // CUT_OVER: not activated
       {{"us/storage", false, "objects/", "gate", 1},             // DESTROYED: part of it erased
        {"us/custody", false, "custody/", "account/key/", 1},     // DESTROYED: keys, nobody knows
        {"cn/storage", false, "storage/", "", 1}}},               // TOLD: nobody knows
      {{{"us/storage", false, "storage/", "fence", 1},            // FENCED, gates still open
        {"us/custody", false, "custody/", "decision/", 1},        // CUT_OVER: decided, nobody knows
        {"cn/storage", false, "log/", "pending", 2},              // CUT_OVER: about to serve
        {"cn/custody", false, "custody/", "account/record", 2}},  // CUT_OVER: active, nobody knows
       {{"us/storage", false, "storage/", "move", 1},             // DESTROYED: certified
        {"us/custody", false, "log/", "pending", 1}}},            // DESTROYED: about to be logged
  };
  return *kRounds;
}

// Set for the whole matrix, which takes long.
bool IsSoak() { return std::getenv("COMITY_SOAK") != nullptr; }

class KillTest : public ::testing::Test {
 protected:
  static std::string NameOf(size_t number) { return "p" + std::to_string(number); }

  // An account that may move now.
  void NewAccount(const std::string& name) {
    const std::string who = R"("who": [")" + name + "\"]";
    world_.Do(R"({"do": "create-accounts", "check": "x", "people": {")" + name + R"(": "CN"}})");
    world_.Do(R"({"do": "store-files", "check": "x", )" + who + "}");
  }
  void Accept(const std::string& name) {
    const std::string who = R"("who": [")" + name + "\"]";
    world_.Do(R"({"do": "accept-terms", "check": "x", )" + who + "}");
    world_.Do(R"({"do": "expect-account", "check": "x", "standing": "eligible", )" + who + "}");
  }
  bool Runs(const std::string& service) const {
    const size_t slash = service.find('/');
    const bool custody = service.substr(slash + 1) == Name(ServiceKind::kCustody);
    return world_.Runs(service.substr(0, slash),
                       custody ? ServiceKind::kCustody : ServiceKind::kStorage);
  }

  void Plan(const Deaths& deaths) {
    world_.SetFaults({.borders = {}, .deaths = deaths, .disks = {}});
  }
  // Starts again who died a planned death, and strikes that off the plan.
  void Revive(Deaths& deaths) {
    const auto died = [&](const DeathFault& death) { return !Runs(death.service); };
    const auto dead = std::ranges::find_if(deaths, died);
    if (dead == deaths.end()) return;
    deaths.erase(dead);
    Plan(deaths);
    // Another may die its own death while this one starts: it is the next.
    const absl::Status started = world_.supervisor().Start();
    EXPECT_TRUE(started.ok() || std::ranges::any_of(deaths, died)) << started;
  }
  // Looks until it is so, while services die and are started again.
  void AwaitAmongDeaths(const std::string& what, Deaths& deaths,
                        const std::function<bool()>& look) {
    StagedWorld::Await(what, [&] {
      Revive(deaths);
      return look();
    });
  }
  bool HasReached(const RequestId& migration, const std::string& name, MoveStep step) {
    const absl::StatusOr<MoveView> move = world_.MoveOf(migration, name);
    return move.ok() && move->step == step;
  }

  // Moves the account with these deaths on the way, until both sides know that the source has
  // destroyed its copies. Returns the deaths that did not come.
  Deaths MoveWith(Round round, const std::string& name) {
    Accept(name);
    Deaths deaths = std::move(round.moving);
    Plan(deaths);
    RequestId id = world_.StartMigration();
    AwaitAmongDeaths(name + " is served in cn", deaths, [&] {
      const absl::StatusOr<MigrationView> view = world_.Migration(id);
      if (!view.ok() || !view->done) return false;
      if (HasReached(id, name, MoveStep::kCutOver)) return true;
      id = world_.StartMigration();  // an attempt that was called off is followed by the next
      return false;
    });
    // Deaths that have not come yet go on counting.
    std::ranges::move(round.ending, std::back_inserter(deaths));
    Plan(deaths);
    // By a process of its own, which tries again while services die under it.
    std::future<ProgramResult> confirms = std::async(std::launch::async, [&] {
      return RunComity(world_.home(), {"--deployment", world_.directory(), "--profile", name,
                                       "account", "confirm-move"});
    });
    AwaitAmongDeaths(name + " confirms", deaths, [&] {
      return confirms.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    });
    const ProgramResult confirmed = confirms.get();
    EXPECT_EQ(confirmed.exit_code, 0) << confirmed.output;
    AwaitAmongDeaths("the copies of " + name + " are destroyed, and everybody knows", deaths,
                     [&] { return HasReached(id, name, MoveStep::kTold); });
    if (const absl::StatusOr<MoveView> move = world_.MoveOf(id, name); HasFailure() && move.ok()) {
      ADD_FAILURE() << Name(move->step) << ", " << Describe(move->failure).name;
    }
    Revive(deaths);
    Plan({});
    EXPECT_EQ(world_.supervisor().Start(), absl::OkStatus());
    world_.Do(R"({"do": "read-back", "check": "x", "region": "cn", "who": [")" + name + "\"]}");
    return deaths;
  }

  void ExpectSettled() {
    StagedWorld::Await("everything is settled", [&] { return world_.Check(true).ok(); });
    world_.ExpectNothingLost(/*settled=*/true);
  }

  void Prepare(size_t accounts) {
    for (size_t i = 0; i < accounts; ++i) NewAccount(NameOf(i));
    world_.Do(R"({"do": "clock-to", "check": "x", "date": "2018-01-10"})");
    for (size_t i = 0; i < accounts; ++i) {
      world_.Do(R"({"do": "expect-account", "check": "x", "standing": "waiting for terms",
                    "who": [")" +
                NameOf(i) + "\"]}");
    }
    world_.Do(R"({"do": "clock-to", "check": "x", "date": "2018-02-28"})");
  }

  void DieAtEachStep();
  void DieAtEveryCommit();

  StagedWorld world_;
};

void KillTest::DieAtEachStep() {
  const std::vector<Round>& rounds = Representatives();
  Prepare(rounds.size());
  for (size_t i = 0; i < rounds.size(); ++i) {
    for (const DeathFault& death : MoveWith(rounds[i], NameOf(i))) {
      ADD_FAILURE() << "it never came so far: " << Text(death);
    }
    if (HasFailure()) return;
  }
  ExpectSettled();
}

void KillTest::DieAtEveryCommit() {
  // More commits than a move makes in one service; each account is moved once.
  constexpr uint64_t kMost = 60;
  const std::vector<std::string> services = {"us/storage", "us/custody", "cn/storage",
                                             "cn/custody"};
  Prepare(services.size() * 2 * kMost);
  size_t next = 0;
  for (const std::string& service : services) {
    for (const bool before : {true, false}) {
      bool died = true;
      for (uint64_t count = 1; died && count <= kMost; ++count) {
        // In every partition: accounts, objects and the log alike.
        const DeathFault death{service, before, "", "", count};
        SCOPED_TRACE(Text(death));
        died = MoveWith({{death}, {}}, NameOf(next++)).empty();
        world_.ExpectNothingLost(/*settled=*/false);
        if (HasFailure()) return;
      }
      EXPECT_FALSE(died) << "a move makes more commits than were tried";
    }
  }
  ExpectSettled();
}

TEST_F(KillTest, AMoveSurvivesDeathsOnItsWay) { IsSoak() ? DieAtEveryCommit() : DieAtEachStep(); }

}  // namespace
}  // namespace comity::testing
