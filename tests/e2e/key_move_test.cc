#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/e2e/staged_world.h"

// Keys come from one region to where their data is (icloud-2017), and either custody is killed at a
// commit on the way, before it and after it, and started again: each key ends on one side, the data
// opens all the time or again, and what was acknowledged is there.
namespace comity::testing {
namespace {

using Round = std::vector<DeathFault>;

// Each is of one account; what dies is known by what it writes.
const std::vector<Round>& Rounds() {
  static const auto* const kRounds = new std::vector<Round>{
      {{"us/custody", false, "log/", "pending", 1},              // about to export
       {"eu/custody", false, "custody/", "account/key/", 1}},    // arrived, and nobody knows
      {{"us/custody", true, "custody/", "decision/", 1},         // not decided
       {"eu/custody", true, "custody/", "account/record", 2}},   // not activated
      {{"us/custody", false, "custody/", "decision/", 1},        // decided, and nobody knows
       {"eu/custody", false, "custody/", "account/record", 2}},  // active, and nobody knows
  };
  return *kRounds;
}

class KeyMoveTest : public ::testing::Test {
 protected:
  static std::string Who(const std::string& name) { return R"("who": [")" + name + "\"]}"; }
  void NewAccount(const std::string& name) {
    world_.Do(R"({"do": "create-accounts", "check": "x", "people": {")" + name + R"(": "DE"}})");
    world_.Do(R"({"do": "store-files", "check": "x", )" + Who(name));
  }
  // Starts again whoever has died of these, and forgets the deaths that came.
  void Revive(Round& deaths) {
    const auto died = [&](const DeathFault& death) {
      return !world_.Runs(death.service.substr(0, 2), ServiceKind::kCustody);
    };
    const auto dead = std::ranges::find_if(deaths, died);
    if (dead == deaths.end()) return;
    deaths.erase(dead);
    world_.SetFaults({.borders = {}, .deaths = deaths, .disks = {}});
    // The other may die its own death while this one starts: it is the next.
    const absl::Status started = world_.supervisor().Start();
    EXPECT_TRUE(started.ok() || std::ranges::any_of(deaths, died)) << started;
  }
  bool KeyIsAtHome(const std::string& name) {
    return world_
        .Try(R"({"do": "expect-key", "check": "x", "region": "eu", "operator": "adi",
                 "can-compel": ["EU"], "data": "eu", )" +
             Who(name))
        .ok();
  }
  StagedWorld world_{"icloud-2017"};
};

TEST_F(KeyMoveTest, KeysComeToTheirDataWhoeverIsKilledOnTheWay) {
  for (size_t i = 0; i < Rounds().size(); ++i) NewAccount("p" + std::to_string(i));
  world_.Do(R"({"do": "clock-to", "check": "x", "date": "2018-05-25"})");
  for (size_t i = 0; i < Rounds().size(); ++i) {
    const std::string name = "p" + std::to_string(i);
    Round deaths = Rounds()[i];
    world_.SetFaults({.borders = {}, .deaths = deaths, .disks = {}});
    // The day has come: the consent is all that it takes. Whoever takes it may die of it.
    StagedWorld::Await("the consent is taken", [&] {
      const bool taken = world_.Try(R"({"do": "accept-terms", "check": "x", )" + Who(name)).ok();
      Revive(deaths);
      return taken;
    });
    StagedWorld::Await("the key has come", [&] {
      Revive(deaths);
      return deaths.empty() && KeyIsAtHome(name);
    });
    world_.Do(R"({"do": "read-back", "check": "x", "region": "eu", )" + Who(name));
    world_.Do(R"({"do": "confirm-move", "check": "x", )" + Who(name));
    world_.Do(R"({"do": "expect-statements", "check": "x", "region": "us", "service": "custody",
                  "types": ["key.destruction"], )" +
              Who(name));
    if (HasFailure()) return;
  }
  world_.SetFaults({});
  StagedWorld::Await("everything is settled", [&] { return world_.Check(true).ok(); });
  world_.ExpectNothingLost(/*settled=*/true);
}

}  // namespace
}  // namespace comity::testing
