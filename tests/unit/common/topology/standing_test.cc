#include "services/common/topology/standing.h"

#include <functional>

#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

constexpr UnixMillis kAnnounced = TestDeployment::kAnnounced;
constexpr UnixMillis kHandover = TestDeployment::kHandover;
constexpr UnixMillis kWindowEnd = TestDeployment::kWindowEnd;

class StandingTest : public ::testing::Test {
 protected:
  static const TestDeployment& deployment() {
    static const auto* const shared = new TestDeployment();
    return *shared;
  }
  AccountFacts Facts(std::string territory = "CN") const {
    AccountFacts facts;
    facts.territory = std::move(territory);
    facts.place = ResidentIn(us_);
    return facts;
  }
  const Topology& topology_ = deployment().topology();
  const RegionId us_ = TestDeployment::Region("us");
  const RegionId cn_ = TestDeployment::Region("cn");
};

TEST_F(StandingTest, HomeChangesAtTheInstantOfItsDate) {
  const TerritoryInfo& cn = topology_.territory("CN");
  EXPECT_EQ(HomeAt(cn, 0).region, us_);
  EXPECT_EQ(HomeAt(cn, kHandover - 1).region, us_);
  EXPECT_EQ(HomeAt(cn, kHandover).region, cn_);
  EXPECT_EQ(HomeAt(topology_.territory("HK"), kHandover).region, us_);
}

TEST_F(StandingTest, ChangeIsKnownFromItsAnnouncementToItsDate) {
  const TerritoryInfo& cn = topology_.territory("CN");
  EXPECT_EQ(AnnouncedChange(cn, kAnnounced - 1), nullptr);
  ASSERT_NE(AnnouncedChange(cn, kAnnounced), nullptr);
  EXPECT_EQ(AnnouncedChange(cn, kAnnounced)->region, cn_);
  EXPECT_EQ(AnnouncedChange(cn, kHandover), nullptr);
}

TEST_F(StandingTest, SaysWhatIsScheduled) {
  const StandingResult result = DecideStanding(topology_, Facts(), kAnnounced);
  EXPECT_EQ(result.standing, Standing::kToBeNotified);
  EXPECT_EQ(result.scheduled_region, cn_);
  EXPECT_EQ(result.scheduled_time, kHandover);
  EXPECT_EQ(result.terms, "cn-2018-02");
  EXPECT_EQ(result.window_end, kWindowEnd);
}

TEST_F(StandingTest, SuspendedFromTheEndOfTheWindowOn) {
  AccountFacts facts = Facts();
  facts.notified = true;
  EXPECT_EQ(DecideStanding(topology_, facts, kWindowEnd - 1).standing, Standing::kWaitingForTerms);
  EXPECT_EQ(DecideStanding(topology_, facts, kWindowEnd).standing, Standing::kSuspended);
}

TEST_F(StandingTest, ConsentToAnotherMoveCountsForNothing) {
  AccountFacts facts = Facts();
  facts.notified = true;
  ASSERT_OK_AND_ASSIGN(facts.consent, DraftConsent(topology_, "CN", ResidentIn(us_), kHandover));
  EXPECT_EQ(DecideStanding(topology_, facts, kHandover).standing, Standing::kEligible);
  facts.consent->destination = us_;
  EXPECT_EQ(DecideStanding(topology_, facts, kHandover).standing, Standing::kWaitingForTerms);
  facts.consent->destination = cn_;
  facts.consent->source = cn_;
  EXPECT_EQ(DecideStanding(topology_, facts, kHandover).standing, Standing::kWaitingForTerms);
}

TEST_F(StandingTest, ConsentEndsWithAChangeOfTerritory) {
  AccountFacts facts = Facts();
  ASSERT_OK_AND_ASSIGN(facts.consent, DraftConsent(topology_, "CN", ResidentIn(us_), kHandover));
  facts.territory = "HK";
  EXPECT_EQ(DecideStanding(topology_, facts, kHandover).standing, Standing::kStays);
}

TEST_F(StandingTest, TerritoryChangeAfterTheMoveNeedsAConsentOfItsOwn) {
  AccountFacts facts = Facts("HK");
  facts.place = ResidentIn(cn_);
  facts.moved = true;
  facts.notified = true;
  const StandingResult result = DecideStanding(topology_, facts, kHandover);
  EXPECT_EQ(result.standing, Standing::kWaitingForTerms);
  EXPECT_EQ(result.scheduled_region, us_);
  EXPECT_EQ(result.terms, "");
  EXPECT_THAT(result.reason, HasSubstr("has not consented"));
}

TEST_F(StandingTest, NewAccountIsAtHomeWhereItBegins) {
  AccountFacts facts = Facts();
  facts.place = ResidentIn(cn_);
  EXPECT_EQ(DecideStanding(topology_, facts, kHandover).standing, Standing::kStays);
}

// ---- consents ----

TEST_F(StandingTest, DraftSaysWhoOperatesAndWhoCanCompel) {
  ASSERT_OK_AND_ASSIGN(const Consent draft,
                       DraftConsent(topology_, "CN", ResidentIn(us_), kAnnounced));
  EXPECT_EQ(draft.destination, cn_);
  EXPECT_EQ(draft.terms_version, "cn-2018-02");
  EXPECT_EQ(draft.terms_hash, topology_.terms().at("cn-2018-02").hash);
  EXPECT_EQ(draft.operators_before, (std::vector<std::string>{"apple", "apple", "apple"}));
  EXPECT_EQ(draft.operators_after, (std::vector<std::string>{"gcbd", "apple", "gcbd"}));
  EXPECT_EQ(draft.can_compel_before, (std::vector<std::string>{"US"}));
  EXPECT_EQ(draft.can_compel_after, (std::vector<std::string>{"CN", "US"}));
  ASSERT_EQ(draft.policy_after.size(), 1U);
  EXPECT_EQ(draft.policy_after[0].regions, (std::vector<std::string>{"cn"}));
}

TEST_F(StandingTest, DraftOfATerritoryWithoutTermsNamesNone) {
  ASSERT_OK_AND_ASSIGN(const Consent draft,
                       DraftConsent(topology_, "HK", ResidentIn(cn_), kHandover));
  EXPECT_EQ(draft.destination, us_);
  EXPECT_EQ(draft.terms_version, "");
  EXPECT_TRUE(draft.terms_hash.IsZero());
}

TEST_F(StandingTest, NothingToConsentToBeforeTheAnnouncement) {
  EXPECT_THAT(DraftConsent(topology_, "CN", ResidentIn(us_), kAnnounced - 1),
              RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(DraftConsent(topology_, "HK", ResidentIn(us_), kHandover),
              RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(DraftConsent(topology_, "CN", ResidentIn(TestDeployment::Region("uk")), kHandover),
              RefusedWith(Reason::kStateNotReady));
}

class ConsentTest : public StandingTest {
 protected:
  ConsentTest() {
    envelope_.deployment = topology_.deployment();
    envelope_.time = kHandover;
    envelope_.expiry = kHandover + 90 * kDayMs;
    consent_ = *DraftConsent(topology_, "CN", ResidentIn(us_), kHandover);
  }
  absl::Status Check(UnixMillis now = kHandover, ConsentUse use = ConsentUse::kMove,
                     std::string_view territory = "CN") const {
    return CheckConsent(topology_, envelope_, consent_, territory, now, use);
  }
  void ExpectVoid(const std::string& cause, UnixMillis now = kHandover,
                  std::string_view territory = "CN") const {
    const absl::Status status = Check(now, ConsentUse::kMove, territory);
    EXPECT_THAT(status, RefusedWith(Reason::kConsentVoid));
    EXPECT_THAT(CauseOf(status), HasSubstr(cause));
  }
  Envelope envelope_;
  Consent consent_;
};

TEST_F(ConsentTest, EpochAndChainHeadAreTheAccountsAffair) {
  consent_.from_epoch = 7;
  consent_.chain_number = 3;
  consent_.chain_hash = topology_.digest();
  EXPECT_THAT(Check(), IsOk());
}

TEST_F(ConsentTest, MayBeKeptFromTheAnnouncementAndMovesNothingBeforeTheDate) {
  envelope_.time = kAnnounced;
  envelope_.expiry = kAnnounced + 90 * kDayMs;
  EXPECT_THAT(Check(kAnnounced, ConsentUse::kRecord), IsOk());
  EXPECT_THAT(Check(kHandover - 1, ConsentUse::kRecord), IsOk());
  EXPECT_THAT(Check(kHandover - 1), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(Check(kHandover), IsOk());
}

TEST_F(ConsentTest, VoidWhenSignedBeforeTheAnnouncement) {
  envelope_.time = kAnnounced - 1;
  envelope_.expiry = kHandover + kDayMs;
  ExpectVoid("before the announcement");
}

TEST_F(ConsentTest, VoidAfterNinetyDays) {
  EXPECT_THAT(Check(envelope_.expiry - 1), IsOk());
  ExpectVoid("expired", envelope_.expiry);
}

TEST_F(ConsentTest, VoidWithoutExpiry) {
  envelope_.expiry = 0;
  ExpectVoid("expired");
}

TEST_F(ConsentTest, VoidWhenItIsToLiveLonger) {
  ++envelope_.expiry;
  ExpectVoid("over 90 days");
}

TEST_F(ConsentTest, VoidWhenSignedInTheFuture) {
  ExpectVoid("in the future", kHandover - kMinuteMs);
}

TEST_F(ConsentTest, StillGoodAfterTheWindowWhenSignedWithinIt) {
  envelope_.time = kWindowEnd - 1;
  envelope_.expiry = kWindowEnd + kDayMs;
  EXPECT_THAT(Check(kWindowEnd + 1), IsOk());
}

TEST_F(ConsentTest, VoidWhenSignedAfterTheWindow) {
  envelope_.time = kWindowEnd;
  envelope_.expiry = kWindowEnd + kDayMs;
  ExpectVoid("after the window", kWindowEnd);
}

TEST_F(ConsentTest, VoidForAnotherDeployment) {
  envelope_.deployment = "other.test";
  ExpectVoid("another deployment");
}

TEST_F(ConsentTest, VoidWhenTheTerritoryMovesNowhere) { ExpectVoid("no move", kHandover, "HK"); }

TEST_F(ConsentTest, VoidToAnotherRegion) {
  consent_.destination = us_;
  ExpectVoid("another region");
}

TEST_F(ConsentTest, VoidWhenAnyFieldDiffersFromTheTopology) {
  const Consent good = consent_;
  const std::vector<std::function<void(Consent&)>> changes = {
      [](Consent& c) { c.terms_version = "cn-2017"; },
      [&](Consent& c) { c.terms_hash = topology_.digest(); },
      [](Consent& c) { c.operators_before[0] = "gcbd"; },
      [](Consent& c) { c.operators_after[1] = "gcbd"; },
      [](Consent& c) { c.policy_before[0].regions = {"cn"}; },
      [](Consent& c) { c.policy_after.clear(); },
      [](Consent& c) { c.policy_after[0].refuge_regions = {"us"}; },
      [](Consent& c) { c.can_compel_before.clear(); },
      [](Consent& c) { c.can_compel_after = {"US"}; },
  };
  for (size_t i = 0; i < changes.size(); ++i) {
    SCOPED_TRACE(i);
    consent_ = good;
    changes[i](consent_);
    ExpectVoid("does not say what the topology computes");
  }
}

}  // namespace
}  // namespace comity
