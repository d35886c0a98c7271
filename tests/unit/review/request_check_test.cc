#include "services/review/request_check.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "tests/testing/golden.h"

namespace comity::review {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr UnixMillis kNow = 1'520'640'000'000;  // 2018-03-10

// A good request for content and names of two accounts, and what is known of it.
struct Situation {
  Situation() {
    agent.name = "agent-lin";
    agent.roles = {PersonRole::kAgent};
    agent.organisation = "guiyang-police";
    request.authority = "guiyang-police";
    request.case_reference = "docket";
    request.instrument = InstrumentType::kWarrant;
    request.instrument_hash = Sha256Digest("warrant");
    request.instrument_issued = kNow - kDayMs;
    request.instrument_expiry = kNow + kDayMs;
    request.legal_basis = "a provision";
    request.ground = "a ground";
    request.classes = {DataClass::kC4, DataClass::kC5};
    request.begin_time = kNow - 30 * kDayMs;
    request.end_time = kNow;
    request.recipient_key = std::string(32, 'k');
    AddTargets(2);
    sums = {2, 2, 2, 2};
  }

  void AddTargets(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      request.targets.push_back("cn/" + RandomId<AccountId>().ToString());
      held[request.targets.back()] = true;
    }
  }

  Finding Check() const {
    RequestFacts facts;
    facts.region = *RegionId::Create("cn");
    facts.now = kNow;
    facts.rules = &rules;
    facts.signer = signed_by_agent ? &agent : nullptr;
    facts.instrument_seen = instrument_seen;
    facts.sums = sums;
    if (storage_asked) facts.held = held;
    return CheckRequest(request, facts);
  }

  RosterPerson agent;
  LegalRequest request;
  ReviewRulesInfo rules;
  SiblingSums sums;
  std::map<std::string, bool> held;
  bool signed_by_agent = true;
  bool instrument_seen = false;
  bool storage_asked = true;
};

TEST(RequestCheckTest, GoodRequestPasses) {
  const Finding finding = Situation().Check();
  EXPECT_FALSE(finding.refused());
  EXPECT_FALSE(finding.hold_as_split);
  ASSERT_EQ(finding.targets.size(), 2U);
  EXPECT_THAT(finding.targets[0].rejections, IsEmpty());
}

// The reviewed table of what each defect alone leads to.
struct Case {
  std::string name;
  std::function<void(Situation&)> change;
};

std::vector<Case> Cases() {
  return {
      {"nothing changed", [](Situation&) {}},
      {"signed by nobody of the roster", [](Situation& s) { s.signed_by_agent = false; }},
      {"signed by a reviewer", [](Situation& s) { s.agent.roles = {PersonRole::kReviewer}; }},
      {"agent of another authority", [](Situation& s) { s.agent.organisation = "other"; }},
      {"instrument seen before", [](Situation& s) { s.instrument_seen = true; }},
      {"no docket", [](Situation& s) { s.request.case_reference.clear(); }},
      {"no legal basis", [](Situation& s) { s.request.legal_basis.clear(); }},
      {"no ground", [](Situation& s) { s.request.ground.clear(); }},
      {"no targets", [](Situation& s) { s.request.targets.clear(); }},
      {"no classes", [](Situation& s) { s.request.classes.clear(); }},
      {"no instrument hash", [](Situation& s) { s.request.instrument_hash = Digest(); }},
      {"recipient key too short", [](Situation& s) { s.request.recipient_key.pop_back(); }},
      {"open time range", [](Situation& s) { s.request.begin_time = 0; }},
      {"open time range, subscriber data only",
       [](Situation& s) {
         s.request.classes = {DataClass::kC0};
         s.request.begin_time = s.request.end_time = 0;
       }},
      {"target twice", [](Situation& s) { s.request.targets.push_back(s.request.targets[0]); }},
      {"class twice", [](Situation& s) { s.request.classes.push_back(DataClass::kC5); }},
      {"instrument expires before it was issued",
       [](Situation& s) { s.request.instrument_expiry = s.request.instrument_issued; }},
      {"range ends when it begins", [](Situation& s) { s.request.begin_time = kNow; }},
      {"range of 366 days", [](Situation& s) { s.request.begin_time = kNow - 366 * kDayMs; }},
      {"range of more than 366 days",
       [](Situation& s) { s.request.begin_time = kNow - 366 * kDayMs - 1; }},
      {"instrument expired", [](Situation& s) { s.request.instrument_expiry = kNow; }},
      {"instrument not issued yet", [](Situation& s) { s.request.instrument_issued = kNow + 1; }},
      {"court order for content",
       [](Situation& s) { s.request.instrument = InstrumentType::kCourtOrder; }},
      {"subpoena for usage records",
       [](Situation& s) {
         s.request.instrument = InstrumentType::kSubpoena;
         s.request.classes = {DataClass::kC0, DataClass::kC3};
       }},
      {"subpoena for subscriber data",
       [](Situation& s) {
         s.request.instrument = InstrumentType::kSubpoena;
         s.request.classes = {DataClass::kC0};
       }},
      {"only classes of which no records are kept",
       [](Situation& s) {
         s.request.classes = {DataClass::kC1, DataClass::kC2};
       }},
      {"key material", [](Situation& s) { s.request.classes.push_back(DataClass::kC6); }},
      {"everyone in the region", [](Situation& s) { s.request.targets = {"cn/*"}; }},
      {"a question and an account",
       [](Situation& s) { s.request.targets[0] = "who read object 7"; }},
      {"five accounts, content", [](Situation& s) { s.AddTargets(3); }},
      {"six accounts, content", [](Situation& s) { s.AddTargets(4); }},
      {"26 accounts, names",
       [](Situation& s) {
         s.request.classes = {DataClass::kC4};
         s.AddTargets(24);
       }},
      {"251 accounts, subscriber data",
       [](Situation& s) {
         s.request.classes = {DataClass::kC0};
         s.AddTargets(249);
       }},
      {"siblings by docket over the cap", [](Situation& s) { s.sums.by_reference = 6; }},
      {"siblings by instrument over the cap", [](Situation& s) { s.sums.by_instrument = 6; }},
      {"siblings by ground over the cap", [](Situation& s) { s.sums.by_ground = 6; }},
      {"siblings by authority over the cap", [](Situation& s) { s.sums.by_authority = 6; }},
      {"siblings by authority over the cap, subscriber data",
       [](Situation& s) {
         s.request.classes = {DataClass::kC0};
         s.sums.by_authority = 251;
       }},
      {"one account of another region",
       [](Situation& s) { s.request.targets[0] = "us/" + RandomId<AccountId>().ToString(); }},
      {"all accounts of another region",
       [](Situation& s) {
         for (std::string& target : s.request.targets) target.replace(0, 2, "us");
       }},
      {"one account not held", [](Situation& s) { s.held[s.request.targets[0]] = false; }},
      {"no account held",
       [](Situation& s) {
         for (auto& [target, held] : s.held) held = false;
       }},
      {"one account elsewhere, one not held",
       [](Situation& s) {
         s.request.targets[0].replace(0, 2, "us");
         s.held[s.request.targets[1]] = false;
       }},
      {"much at once: bulk, key material, weak instrument",
       [](Situation& s) {
         s.request.targets = {"cn/*"};
         s.request.classes = {DataClass::kC5, DataClass::kC6};
         s.request.instrument = InstrumentType::kSubpoena;
       }},
  };
}

std::string Describe(const Finding& finding) {
  std::string text = finding.refused() ? "refused" : "passes";
  for (const Rejection rejection : finding.rejections) text += " " + std::string(Name(rejection));
  if (finding.hold_as_split) text += " HOLD_AS_SPLIT";
  for (const TargetFinding& target : finding.targets) {
    for (const Rejection rejection : target.rejections) {
      text += " [" + std::string(Name(rejection)) + "]";
    }
  }
  return text;
}

TEST(RequestCheckTest, EachDefectIsRefusedAsInTheReviewedTable) {
  std::string table;
  for (const Case& c : Cases()) {
    Situation situation;
    c.change(situation);
    table += c.name + ": " + Describe(situation.Check()) + "\n";
  }
  std::string golden = ReadGoldenText("review-rules.txt");
  golden.erase(0, golden.find("\n\n") + 2);  // its introduction
  EXPECT_EQ(table, golden);
}

TEST(RequestCheckTest, TargetsStayUnknownUntilStorageIsAsked) {
  Situation situation;
  situation.storage_asked = false;
  situation.request.ground.clear();
  const Finding finding = situation.Check();
  EXPECT_THAT(finding.rejections, ElementsAre(Rejection::kIncomplete));
  for (const TargetFinding& target : finding.targets) EXPECT_THAT(target.rejections, IsEmpty());
}

TEST(RequestCheckTest, TargetThatStorageWasNotAskedForIsNotHeld) {
  Situation situation;
  situation.held.erase(situation.request.targets[1]);
  EXPECT_THAT(situation.Check().targets[1].rejections, ElementsAre(Rejection::kDataNotHeld));
}

TEST(RequestCheckTest, OnlyRegionAndAccountIdMakeATarget) {
  const std::string id = RandomId<AccountId>().ToString();
  EXPECT_EQ(ParseTarget("cn/" + id).account->ToString(), id);
  EXPECT_EQ(ParseTarget("cn/" + id).region, "cn");
  for (const std::string& text : std::vector<std::string>{
           "cn", id, "cn/" + id + "/", "cn/*", "/" + id, "CN/" + id, "cn/" + id.substr(1), ""}) {
    EXPECT_FALSE(ParseTarget(text).account.has_value()) << text;
  }
}

TEST(RequestCheckTest, NoInstrumentSufficesForKeyMaterial) {
  EXPECT_EQ(NeededInstrument(DataClass::kC1), InstrumentType::kSubpoena);
  EXPECT_EQ(NeededInstrument(DataClass::kC3), InstrumentType::kCourtOrder);
  EXPECT_EQ(NeededInstrument(DataClass::kC4), InstrumentType::kWarrant);
  EXPECT_EQ(NeededInstrument(DataClass::kC6), std::nullopt);
}

}  // namespace
}  // namespace comity::review
