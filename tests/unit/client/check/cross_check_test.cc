#include "client/check/cross_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/check/deployment_check.h"
#include "tests/unit/client/check/facts_testing.h"

namespace comity {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class CrossCheckTest : public ::testing::Test {
 protected:
  std::vector<std::string> Violations() const { return Texts(CrossCheck(facts_.All()), true); }
  std::vector<std::string> Notes() const { return Texts(CrossCheck(facts_.All()), false); }

  CustodyFact& source() { return facts_.us_custody.custody[WorldFacts::kAccount]; }
  CustodyFact& destination() { return facts_.cn_custody.custody[WorldFacts::kAccount]; }
  StorageFact& from() { return facts_.us_storage.storage[WorldFacts::kAccount]; }
  StorageFact& to() { return facts_.cn_storage.storage[WorldFacts::kAccount]; }

  WorldFacts facts_;
};

TEST_F(CrossCheckTest, NothingIsFoundWhenEverythingIsAsItShouldBe) {
  EXPECT_THAT(Violations(), IsEmpty());
  EXPECT_THAT(Notes(), IsEmpty());
}

TEST_F(CrossCheckTest, ASecondStorageThatServesIsNamed) {
  from().state = "active";
  from().move.reset();
  EXPECT_THAT(Violations(), Contains("one-side: it is served in cn and us"));
}

TEST_F(CrossCheckTest, AFencedSourceDoesNotServe) {
  from().state = "active";
  from().epoch = 1;
  from().fenced = true;
  from().move->step = 4;
  EXPECT_THAT(Violations(), IsEmpty());
  EXPECT_THAT(Notes(),
              ElementsAre("under-way: it is fenced in us", "under-way: it is moving from us"));
}

TEST_F(CrossCheckTest, ASecondActiveKeyIsNamed) {
  source().keys = {{1, "active"}};
  EXPECT_THAT(Violations(), ElementsAre("keys-one-side: its keys are active in cn and us"));
}

TEST_F(CrossCheckTest, ServedDataWithoutAnActiveKeyIsLost) {
  destination().keys = {{2, "released"}};
  EXPECT_THAT(Violations(), ElementsAre("lost: it is served in cn, and its key is active nowhere"));
}

TEST_F(CrossCheckTest, ReleasedKeysThatAreNotAtTheDestinationAreLost) {
  facts_.cn_custody.custody.clear();
  EXPECT_THAT(Violations(),
              Contains("lost: its keys were released from us to cn, and are not there"));
}

TEST_F(CrossCheckTest, ReleasedKeysThatWaitAtTheDestinationAreUnderWay) {
  source().move->activated = false;
  destination().presence = "none";
  destination().epoch = 0;
  destination().keys = {{2, "inactive"}};
  destination().incoming = IncomingKeyFact{2, "us", "consent"};
  from().state = "active";
  from().epoch = 1;
  from().fenced = true;
  to().state = "incoming";
  to().epoch = 0;
  to().incoming = IncomingDataFact{2, "us"};
  EXPECT_THAT(Violations(), IsEmpty());
  EXPECT_THAT(Notes(), Contains("under-way: the release of us is on its way"));
}

TEST_F(CrossCheckTest, KeysDestroyedBeforeTheDestinationIsActiveAreNamed) {
  source().keys = {{1, "destroyed"}};
  source().move->activated = false;
  destination().presence = "none";
  destination().epoch = 0;
  destination().keys = {{2, "inactive"}};
  destination().incoming = IncomingKeyFact{2, "us", "consent"};
  EXPECT_THAT(Violations(), Contains(StartsWith("destroyed-early: its keys in us")));
}

TEST_F(CrossCheckTest, DataErasedBeforeTheDestinationServesIsNamed) {
  from().data_here = false;
  to().state = "incoming";
  to().epoch = 0;
  to().incoming = IncomingDataFact{2, "us"};
  EXPECT_THAT(Violations(), Contains(StartsWith("destroyed-early: its data in us")));
}

TEST_F(CrossCheckTest, AnAccountThatMovedNowhereIsLost) {
  facts_.cn_storage.storage.clear();
  EXPECT_THAT(Violations(), Contains("lost: it moved from us to cn, and is not there"));
}

TEST_F(CrossCheckTest, AMoveWithoutConsentIsNamed) {
  source().statements.clear();
  EXPECT_THAT(Violations(), ElementsAre(StartsWith("consent: its keys left us")));
}

TEST_F(CrossCheckTest, AStorageThatActsOnNoDecisionIsNamed) {
  source().decisions.clear();
  EXPECT_THAT(Violations(),
              ElementsAre(HasSubstr("epoch 2 is released, and custody there has none")));
}

TEST_F(CrossCheckTest, AStorageThatCalledOffWhatWasReleasedIsNamed) {
  from().state = "active";
  from().aborted_epoch = 2;
  EXPECT_THAT(Violations(),
              Contains(HasSubstr("epoch 2 is aborted, and custody there has released")));
}

TEST_F(CrossCheckTest, AnAccountWithoutAnyCustodyIsLost) {
  facts_.us_storage.storage["other"].state = "active";
  EXPECT_THAT(Violations(), Contains("lost: storage of us knows it, and no custody does"));
}

TEST_F(CrossCheckTest, ACaseThatStorageKnowsNothingOfIsNamed) {
  to().uses.clear();
  EXPECT_THAT(Violations(), Contains(StartsWith("legal: it was carried out, and storage of cn")));
}

TEST_F(CrossCheckTest, ACaseThatCustodyKnowsNothingOfIsNamed) {
  destination().uses.clear();
  EXPECT_THAT(Violations(),
              ElementsAre(StartsWith("legal: it was carried out, and custody of cn")));
}

TEST_F(CrossCheckTest, ACaseWithoutObjectsNeedsNoCustody) {
  destination().uses.clear();
  to().uses["authorisation"] = 0;
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(CrossCheckTest, KeysOpenedForNothingGivenAreNamed) {
  facts_.cn_review.cases.clear();
  to().uses.clear();
  EXPECT_THAT(Violations(), ElementsAre(StartsWith("legal: custody of cn opened keys")));
}

TEST_F(CrossCheckTest, AuthorisationsThatReviewNeverLoggedAreNamed) {
  facts_.cn_review.grants = 0;
  EXPECT_THAT(Violations(), ElementsAre(StartsWith("legal: 1 authorisations were used")));
}

TEST_F(CrossCheckTest, ServicesThatWereNotCheckedAreNotHeldAgainstOthers) {
  EXPECT_THAT(Texts(CrossCheck({facts_.us_custody}), true), IsEmpty());
  EXPECT_THAT(Texts(CrossCheck({facts_.us_storage}), true), IsEmpty());
  EXPECT_THAT(Texts(CrossCheck({facts_.cn_review}), true), IsEmpty());
}

TEST_F(CrossCheckTest, WhatIsUnderWayIsWrongWhenAllIsToBeSettled) {
  from().erasing = true;
  EXPECT_TRUE(Judge(facts_.All(), {}).ok());
  const DeploymentCheck settled = Judge(facts_.All(), {.acts = {}, .settled = true});
  EXPECT_THAT(Texts(settled.findings, true),
              ElementsAre("half-done: its data in us is being erased"));
}

TEST_F(CrossCheckTest, CountsWhatWasLookedAt) {
  const DeploymentCheck check = Judge(facts_.All(), {});
  EXPECT_EQ(check.services, 6U);
  EXPECT_EQ(check.accounts, 1U);
  EXPECT_EQ(check.objects, 1U);
  EXPECT_EQ(check.cases, 1U);
}

}  // namespace
}  // namespace comity
