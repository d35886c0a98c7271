#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/staged_world.h"

// Every service that takes part in a move is killed at a commit to its store, before it and after
// it, and started again: each account ends on one side, whole, and what was acknowledged is there.
// By default at the commits that stand for the seven steps; with COMITY_SOAK set, at every single
// one, on either side, until a move ends without reaching the next (docs/check.md).
namespace comity::testing {
namespace {

std::string Text(const DeathFault& death) {
  return death.service + " dies " + (death.before ? "before" : "after") + " commit " +
         std::to_string(death.count) + " in \"" + death.partition + "\", key \"" + death.key + "\"";
}

// One death of each service in each round. What they are by what they write: "move" is the source
// storage's record of how far it is, "pending" the leaves that are about to be logged.
using Round = std::vector<DeathFault>;
const std::vector<Round>& Representatives() {
  static const std::vector<Round>* const kRounds = new std::vector<Round>{
      {{"us/storage", false, "storage/", "move", 2},             // PREPARED
       {"cn/storage", false, "storage/", "incoming", 1},         // PREPARED, destination
       {"us/custody", false, "log/", "pending", 1},              // KEYS_MOVED: about to export
       {"cn/custody", false, "custody/", "account/key/", 1}},    // KEYS_MOVED, destination
      {{"cn/storage", true, "objects/", "o/", 1},                // DATA_COPIED, destination
       {"us/storage", true, "storage/", "fence", 1},             // FENCED: not yet
       {"us/custody", true, "custody/", "decision/", 1},         // CUT_OVER: not decided
       {"cn/custody", true, "custody/", "account/record", 2}},   // CUT_OVER: not activated
      {{"us/storage", false, "storage/", "fence", 1},            // FENCED, gates still open
       {"us/custody", false, "custody/", "decision/", 1},        // CUT_OVER: decided, nobody knows
       {"cn/storage", false, "log/", "pending", 2},              // CUT_OVER: about to serve
       {"cn/custody", false, "custody/", "account/record", 2}},  // CUT_OVER: active, nobody knows
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

  // Moves the account with these deaths on the way, starting again whoever died. Returns those that
  // did not come.
  Round MoveWith(Round deaths, const std::string& name) {
    Accept(name);
    world_.SetFaults({.borders = {}, .deaths = deaths, .disks = {}});
    const RequestId id = world_.StartMigration();
    StagedWorld::Await("the migration ends", [&] {
      const auto died = [&](const DeathFault& death) { return !Runs(death.service); };
      const auto dead = std::ranges::find_if(deaths, died);
      if (dead == deaths.end()) {
        const absl::StatusOr<MigrationView> view = world_.Migration(id);
        return view.ok() && view->done;
      }
      deaths.erase(dead);
      world_.SetFaults({.borders = {}, .deaths = deaths, .disks = {}});
      // Another may die its own death while this one starts: it is the next.
      const absl::Status started = world_.supervisor().Start();
      EXPECT_TRUE(started.ok() || std::ranges::any_of(deaths, died)) << started;
      return false;
    });
    // What comes after the cut-over, on both sides, may still reach its commit.
    world_.MoveAll({name});
    world_.SetFaults({});
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
  constexpr uint64_t kMost = 40;
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
        died = MoveWith({death}, NameOf(next++)).empty();
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
