#include "services/review/rejection.h"

#include <string>

#include <gtest/gtest.h>

#include "comity/review/v1/review.pb.h"
#include "services/review/case.h"

namespace comity::review {
namespace {

namespace pb = comity::review::v1;

TEST(RejectionTest, EveryReasonOfTheWireHasTheSameNameHere) {
  const auto* values = pb::RejectionReason_descriptor();
  for (int i = 0; i < values->value_count(); ++i) {
    const int number = values->value(i)->number();
    const auto rejection = static_cast<Rejection>(number);
    EXPECT_EQ(IsValid(rejection), number != 0);
    if (number == 0) continue;
    EXPECT_EQ("REJECTION_REASON_" + std::string(Name(rejection)), values->value(i)->name());
    EXPECT_FALSE(Explain(rejection).empty());
  }
  EXPECT_FALSE(IsValid(static_cast<Rejection>(values->value_count())));
}

TEST(RejectionTest, EveryStateAndOutcomeOfTheWireHasTheSameNameHere) {
  const auto* states = pb::CaseState_descriptor();
  for (int i = 1; i < states->value_count(); ++i) {
    const auto state = static_cast<CaseState>(states->value(i)->number());
    EXPECT_TRUE(IsValid(state));
    EXPECT_EQ("CASE_STATE_" + std::string(Name(state)), states->value(i)->name());
  }
  EXPECT_FALSE(IsValid(static_cast<CaseState>(states->value_count())));
  const auto* outcomes = pb::CaseOutcome_descriptor();
  for (int i = 1; i < outcomes->value_count(); ++i) {
    const auto outcome = static_cast<CaseOutcome>(outcomes->value(i)->number());
    EXPECT_TRUE(IsValid(outcome));
    EXPECT_EQ("CASE_OUTCOME_" + std::string(Name(outcome)), outcomes->value(i)->name());
  }
  EXPECT_FALSE(IsValid(static_cast<CaseOutcome>(outcomes->value_count())));
}

TEST(RejectionTest, OnlyQuestionsOfLawNeedALawyer) {
  std::string needing;
  for (int number = 1; IsValid(static_cast<Rejection>(number)); ++number) {
    const auto rejection = static_cast<Rejection>(number);
    if (NeedsLawyer(rejection)) needing += std::string(Name(rejection)) + " ";
  }
  EXPECT_EQ(needing,
            "IMMUNITIES_OR_PRIVILEGES FUNDAMENTAL_RIGHTS NE_BIS_IN_IDEM NOT_AN_OFFENCE_HERE "
            "CONFLICT_OF_LAW DE_FACTO_IMPOSSIBILITY ");
}

}  // namespace
}  // namespace comity::review
