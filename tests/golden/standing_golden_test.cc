#include <string>

#include "services/common/topology/standing.h"
#include "tests/testing/deployment.h"
#include "tests/testing/golden.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

std::string NameOf(Standing standing) {
  switch (standing) {
    case Standing::kStays:
      return "STAYS";
    case Standing::kToBeNotified:
      return "TO_BE_NOTIFIED";
    case Standing::kWaitingForTerms:
      return "WAITING_FOR_TERMS";
    case Standing::kEligible:
      return "ELIGIBLE";
    case Standing::kAccepted:
      return "ACCEPTED";
    case Standing::kInMigration:
      return "IN_MIGRATION";
    case Standing::kMoved:
      return "MOVED";
    case Standing::kSuspended:
      return "SUSPENDED";
    case Standing::kClosing:
      return "CLOSING";
  }
  return "?";
}

std::string Pad(std::string text, size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text + " ";
}

// One line for each territory, state of an account and day, under the shipped topology.
std::string Render() {
  const TestDeployment deployment;
  const Topology& topology = deployment.topology();
  const RegionId us = TestDeployment::Region("us");
  const RegionId cn = TestDeployment::Region("cn");
  const Consent consent = *DraftConsent(topology, "CN", ResidentIn(us), TestDeployment::kHandover);
  const auto facts = [&](const RegionId& home) {
    AccountFacts f;
    f.place = ResidentIn(home);
    return f;
  };
  AccountFacts unnotified = facts(us);
  AccountFacts notified = facts(us);
  notified.notified = true;
  AccountFacts consented = notified;
  consented.consent = consent;
  AccountFacts moving = consented;
  moving.in_migration = true;
  AccountFacts closing = notified;
  closing.closing = true;
  AccountFacts moved = facts(cn);
  moved.notified = true;
  moved.moved = true;
  const std::pair<std::string, AccountFacts> states[] = {
      {"in us", unnotified},   {"notified", notified}, {"consented", consented},
      {"being moved", moving}, {"closing", closing},   {"moved to cn", moved},
      {"in cn", facts(cn)}};

  std::string text = "# Standings under icloud-cn-2018: day, standing, scheduled change, reason.\n";
  for (const std::string territory : {"CN", "HK", "MO", "US"}) {
    for (const auto& [name, state] : states) {
      text += "\n" + territory + ", " + name + "\n";
      for (const std::string day :
           {"2018-01-01", "2018-01-10", "2018-02-01", "2018-02-28", "2019-06-01", "2020-03-01"}) {
        // Nobody is in cn before there is a home there.
        if (state.place.home == cn && *ParseTime(day) < TestDeployment::kHandover) continue;
        AccountFacts f = state;
        f.territory = territory;
        const StandingResult result = DecideStanding(topology, f, *ParseTime(day));
        std::string change = "-";
        if (!result.scheduled_region.empty()) {
          change = result.scheduled_region.name() +
                   (result.scheduled_time == 0 ? "" : " " + FormatDay(result.scheduled_time)) +
                   (result.terms.empty() ? "" : " " + result.terms) +
                   (result.window_end == 0 ? "" : " until " + FormatDay(result.window_end));
        }
        text += "  " + Pad(day, 10) + Pad(NameOf(result.standing), 17) + Pad(change, 42) +
                result.reason + "\n";
      }
    }
  }
  return text;
}

TEST(StandingGoldenTest, EveryStandingIsDecidedAsRecorded) {
  EXPECT_EQ(Render(), ReadGoldenText("standing.txt"));
}

}  // namespace
}  // namespace comity
