#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/topology/standing.h"
#include "services/common/topology/topology.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

// Homes whose keys are kept in another region, and what the residency rules make of them.
namespace comity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr UnixMillis kNow = 1'488'412'800'000;        // 2017-03-02
constexpr UnixMillis kAnnounced = 1'517'443'200'000;  // 2018-02-01
constexpr UnixMillis kMoves = 1'527'206'400'000;      // 2018-05-25

std::string Replaced(std::string_view from, std::string_view to) {
  std::string text = ReadTopologyTemplate("icloud-2017");
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string WhyBroken(std::string_view from, std::string_view to) {
  const absl::StatusOr<Topology> topology =
      Topology::Parse(Replaced(from, to), /*as_template=*/true);
  EXPECT_THAT(topology, RefusedWith(Reason::kTopologyInvalid));
  return CauseOf(topology.status());
}

class ExclaveTest : public testing::Test {
 protected:
  const Topology topology_ =
      Topology::Parse(ReadTopologyTemplate("icloud-2017"), /*as_template=*/true).value();
  const RegionId us_ = TestDeployment::Region("us");
  const RegionId eu_ = TestDeployment::Region("eu");
};

TEST_F(ExclaveTest, HomeNamesWhereTheKeysAre) {
  const HomeInfo& germany = HomeAt(topology_.territory("DE"), kNow);
  EXPECT_EQ(germany.region, eu_);
  EXPECT_EQ(germany.keys, us_);
  EXPECT_FALSE(germany.resident());
  EXPECT_EQ(PolicyOf(PlacementOf(germany)).mode, CustodyMode::kExclave);
  EXPECT_THAT(PolicyOf(PlacementOf(germany)).regions, ElementsAre("us"));
  const HomeInfo& elsewhere = HomeAt(topology_.territory("*"), kNow);
  EXPECT_TRUE(elsewhere.resident());
  EXPECT_EQ(PolicyOf(PlacementOf(elsewhere)).mode, CustodyMode::kResident);
}

TEST_F(ExclaveTest, DataAndKeysAreCompelledByOneLawEach) {
  EXPECT_THAT(topology_.CanCompel(eu_, ServiceKind::kStorage), ElementsAre("EU"));
  EXPECT_THAT(topology_.CanCompel(us_, ServiceKind::kCustody), ElementsAre("US"));
}

TEST_F(ExclaveTest, AccountWhoseKeysAreWhereTheRulesSayStays) {
  AccountFacts facts;
  facts.territory = "DE";
  facts.place = {eu_, us_};
  const StandingResult result = DecideStanding(topology_, facts, kNow);
  EXPECT_EQ(result.standing, Standing::kStays);
  EXPECT_EQ(result.reason, "accounts of Germany live in eu, their keys in us");
}

TEST_F(ExclaveTest, NoConsentIsDraftedForDataWithoutKeys) {
  const Placement exclave{eu_, us_};
  EXPECT_THAT(DraftConsent(topology_, "DE", exclave, kNow), RefusedWith(Reason::kStateNotReady));
  // Somebody in the U.S. who has moved to Germany: the data would go, and the keys would not.
  EXPECT_THAT(DraftConsent(topology_, "DE", ResidentIn(us_), kNow),
              RefusedWith(Reason::kStateNotReady));
  // Somebody in Germany who has moved to the U.S.: the data would go to where the keys are.
  EXPECT_THAT(DraftConsent(topology_, "US", exclave, kNow), RefusedWith(Reason::kStateNotReady));
  // Nothing is announced to accounts of France.
  EXPECT_THAT(DraftConsent(topology_, "FR", exclave, kAnnounced),
              RefusedWith(Reason::kStateNotReady));
}

TEST_F(ExclaveTest, WhereDataWouldMoveWithoutItsKeysAnAccountStays) {
  AccountFacts facts;
  facts.territory = "US";
  facts.place = {eu_, us_};
  const StandingResult result = DecideStanding(topology_, facts, kNow);
  EXPECT_EQ(result.standing, Standing::kStays);
  EXPECT_EQ(result.reason,
            "accounts of this territory live in us; data does not move without its keys");
  EXPECT_TRUE(result.scheduled_region.name().empty());
}

TEST_F(ExclaveTest, ConsentToMoveTheKeysNamesBothRegions) {
  ASSERT_OK_AND_ASSIGN(const Consent consent,
                       DraftConsent(topology_, "DE", Placement{eu_, us_}, kAnnounced));
  EXPECT_EQ(consent.source, us_);
  EXPECT_EQ(consent.destination, eu_);
  EXPECT_EQ(consent.policy_before[0].mode, CustodyMode::kExclave);
  EXPECT_THAT(consent.policy_before[0].regions, ElementsAre("us"));
  EXPECT_EQ(consent.policy_after[0].mode, CustodyMode::kResident);
  EXPECT_THAT(consent.policy_after[0].regions, ElementsAre("eu"));
  // Storage, custody and review of the data; review of the keys as well while they are elsewhere.
  EXPECT_THAT(consent.operators_before, ElementsAre("adi", "apple", "adi", "apple"));
  EXPECT_THAT(consent.operators_after, ElementsAre("adi", "adi", "adi"));
  EXPECT_THAT(consent.can_compel_before, ElementsAre("EU", "US"));
  EXPECT_THAT(consent.can_compel_after, ElementsAre("EU"));
  EXPECT_EQ(consent.terms_version, "eu-2018-05");
  EXPECT_EQ(PlacementBefore(consent), (Placement{eu_, us_}));
}

TEST_F(ExclaveTest, ConsentToMoveTheKeysIsCheckedLikeEveryOther) {
  Consent consent = DraftConsent(topology_, "DE", Placement{eu_, us_}, kAnnounced).value();
  Envelope envelope;
  envelope.deployment = topology_.deployment();
  envelope.time = kAnnounced;
  envelope.expiry = kAnnounced + 90 * kDayMs;
  const auto check = [&](UnixMillis now, ConsentUse use = ConsentUse::kMove) {
    return CheckConsent(topology_, envelope, consent, "DE", now, use);
  };
  EXPECT_THAT(check(kAnnounced, ConsentUse::kRecord), IsOk());
  EXPECT_THAT(check(kAnnounced), RefusedWith(Reason::kStateNotReady));
  envelope.time = kMoves - kDayMs;
  envelope.expiry = kMoves + kDayMs;
  EXPECT_THAT(check(kMoves), IsOk());
  EXPECT_THAT(check(kMoves + kDayMs), RefusedWith(Reason::kConsentVoid));
  consent.can_compel_before = {"EU"};
  EXPECT_THAT(check(kMoves), RefusedWith(Reason::kConsentVoid));
}

TEST_F(ExclaveTest, ConsentOfAResidentAccountMovesNoExclaveKeys) {
  Consent consent = DraftConsent(topology_, "DE", Placement{eu_, us_}, kAnnounced).value();
  consent.policy_before = {PolicyOf(ResidentIn(us_))};
  EXPECT_EQ(PlacementBefore(consent), ResidentIn(us_));
  Envelope envelope;
  envelope.deployment = topology_.deployment();
  envelope.time = kMoves;
  envelope.expiry = kMoves + kDayMs;
  EXPECT_THAT(CheckConsent(topology_, envelope, consent, "DE", kMoves),
              RefusedWith(Reason::kConsentVoid));
}

TEST_F(ExclaveTest, PolicyThatContradictsItsPlaceSaysNothing) {
  const auto place = [&](std::vector<CustodyPolicy> policies) {
    AccountRecord record;
    record.home_region = eu_;
    record.policy = std::move(policies);
    return PlacementOf(record);
  };
  const CustodyPolicy exclave{CustodyMode::kExclave, {"us"}, {}};
  EXPECT_EQ(place({exclave}), (Placement{eu_, us_}));
  EXPECT_EQ(place({}), std::nullopt);
  EXPECT_EQ(place({exclave, exclave}), std::nullopt);
  EXPECT_EQ(place({{CustodyMode::kResident, {"us"}, {}}}), std::nullopt);
  EXPECT_EQ(place({{CustodyMode::kExclave, {"eu"}, {}}}), std::nullopt);
  EXPECT_EQ(place({{CustodyMode::kExclave, {"us", "eu"}, {}}}), std::nullopt);
  EXPECT_EQ(place({{CustodyMode::kExclave, {}, {}}}), std::nullopt);
  EXPECT_EQ(place({{CustodyMode::kExclave, {"No Region"}, {}}}), std::nullopt);
}

TEST_F(ExclaveTest, StandingsLeadFromKeysElsewhereToKeysAtHome) {
  AccountFacts facts;
  facts.territory = "DE";
  facts.place = {eu_, us_};
  StandingResult result = DecideStanding(topology_, facts, kAnnounced);
  EXPECT_EQ(result.standing, Standing::kToBeNotified);
  EXPECT_EQ(result.scheduled_region, eu_);
  EXPECT_EQ(result.scheduled_time, kMoves);
  EXPECT_EQ(
      result.reason,
      "the keys of accounts of Germany move from us to eu as of 2018-05-25; the owner is to be "
      "told");
  facts.notified = true;
  EXPECT_EQ(DecideStanding(topology_, facts, kAnnounced).standing, Standing::kWaitingForTerms);
  facts.consent = DraftConsent(topology_, "DE", facts.place, kAnnounced).value();
  EXPECT_EQ(DecideStanding(topology_, facts, kAnnounced).standing, Standing::kAccepted);
  EXPECT_EQ(DecideStanding(topology_, facts, kMoves).standing, Standing::kEligible);
  facts.consent.reset();
  EXPECT_EQ(DecideStanding(topology_, facts, kMoves + 731 * kDayMs).standing, Standing::kSuspended);
  facts.place = ResidentIn(eu_);
  facts.moved = true;
  EXPECT_EQ(DecideStanding(topology_, facts, kMoves).standing, Standing::kMoved);
}

TEST_F(ExclaveTest, RegionOfTheKeysExists) {
  EXPECT_THAT(WhyBroken("keys: \"us\"", "keys: \"uk\""), HasSubstr("no such region \"uk\""));
}

TEST_F(ExclaveTest, DataDoesNotMoveWithoutItsKeys) {
  const std::string_view home = "homes { region: \"eu\" keys: \"us\" } }";
  const std::string why = "data does not move without its keys";
  EXPECT_THAT(WhyBroken(home,
                        "homes { region: \"eu\" keys: \"us\" } "
                        "homes { region: \"us\" from: \"2018-05-25\" } }"),
              HasSubstr(why));
  EXPECT_THAT(WhyBroken(home,
                        "homes { region: \"us\" } homes { region: \"eu\" keys: \"us\" "
                        "from: \"2018-05-25\" } }"),
              HasSubstr(why));
}

}  // namespace
}  // namespace comity
