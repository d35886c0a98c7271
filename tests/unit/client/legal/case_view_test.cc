#include "client/legal/case_view.h"

#include <string>

#include <gmock/gmock.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

namespace rpb = comity::review::v1;
using testing::ElementsAre;
using testing::HasSubstr;

rpb::Case ExampleCase() {
  rpb::Case message;
  message.set_case_id("cn-201803-0a-abcdefghijklmnop");
  message.set_state(rpb::CASE_STATE_CLOSED);
  message.set_outcome(rpb::CASE_OUTCOME_REJECTED);
  message.set_generation(5);
  message.set_authority("guiyang-police");
  message.set_agent("agent-lin");
  message.add_rejections(rpb::REJECTION_REASON_BULK);
  message.add_rejections(rpb::REJECTION_REASON_OVER_BROAD);
  rpb::CaseTarget& target = *message.add_targets();
  target.set_target("us/someone");
  target.set_objects(2);
  target.add_rejections(rpb::REJECTION_REASON_WRONG_JURISDICTION);
  message.set_receive_time_ms(1);
  message.set_due_time_ms(2);
  message.set_notice_end_ms(3);
  message.set_expiry_time_ms(4);
  message.add_authorisation_digests(std::string(32, 'd'));
  message.add_authorisation_cores("core");
  message.add_approvers("approver-wang");
  rpb::CaseEvent& event = *message.add_events();
  event.set_time_ms(9);
  event.set_state(rpb::CASE_STATE_UNDER_REVIEW);
  event.set_text("received");
  return message;
}

TEST(CaseViewTest, NamesAreThoseOfTheProtosWithoutTheirPrefix) {
  ASSERT_OK_AND_ASSIGN(const CaseView view, CaseViewOf(ExampleCase()));
  EXPECT_EQ(view.id, "cn-201803-0a-abcdefghijklmnop");
  EXPECT_EQ(view.state, "CLOSED");
  EXPECT_EQ(view.outcome, "REJECTED");
  EXPECT_THAT(view.rejections, ElementsAre("BULK", "OVER_BROAD"));
  ASSERT_EQ(view.targets.size(), 1u);
  EXPECT_EQ(view.targets[0].target, "us/someone");
  EXPECT_EQ(view.targets[0].objects, 2u);
  EXPECT_THAT(view.targets[0].rejections, ElementsAre("WRONG_JURISDICTION"));
  ASSERT_EQ(view.events.size(), 1u);
  EXPECT_EQ(view.events[0].state, "UNDER_REVIEW");
  EXPECT_EQ(view.events[0].text, "received");
}

TEST(CaseViewTest, EveryOtherFieldIsCarriedOver) {
  ASSERT_OK_AND_ASSIGN(const CaseView view, CaseViewOf(ExampleCase()));
  EXPECT_EQ(view.generation, 5u);
  EXPECT_EQ(view.authority, "guiyang-police");
  EXPECT_EQ(view.agent, "agent-lin");
  EXPECT_EQ(view.received, 1);
  EXPECT_EQ(view.due, 2);
  EXPECT_EQ(view.notice_end, 3);
  EXPECT_EQ(view.expiry, 4);
  EXPECT_THAT(view.authorisations, ElementsAre(Digest::FromBytes(std::string(32, 'd')).value()));
  EXPECT_THAT(view.cores, ElementsAre("core"));
  EXPECT_THAT(view.approvers, ElementsAre("approver-wang"));
}

TEST(CaseViewTest, AnOpenCaseHasNoOutcome) {
  rpb::Case message = ExampleCase();
  message.clear_outcome();
  ASSERT_OK_AND_ASSIGN(const CaseView view, CaseViewOf(message));
  EXPECT_EQ(view.outcome, "");
}

TEST(CaseViewTest, ADigestOfAnotherLengthIsRefused) {
  rpb::Case message = ExampleCase();
  message.set_authorisation_digests(0, "short");
  EXPECT_THAT(CaseViewOf(message), RefusedWith(Reason::kFieldInvalid));
}

TEST(RejectionByNameTest, EveryReasonIsFoundByTheNameThatIsShown) {
  for (int i = 1; i < rpb::RejectionReason_ARRAYSIZE; ++i) {
    const auto reason = static_cast<rpb::RejectionReason>(i);
    const std::string name =
        rpb::RejectionReason_Name(reason).substr(std::string("REJECTION_REASON_").size());
    EXPECT_THAT(RejectionByName(name), IsOkAndHolds(reason)) << name;
  }
}

TEST(RejectionByNameTest, AnUnknownNameIsRefusedAndListsTheKnownOnes) {
  for (const char* name : {"TOO_MUCH", "", "bulk", "UNSPECIFIED"}) {
    const absl::Status status = RejectionByName(name).status();
    EXPECT_THAT(status, RefusedWith(Reason::kFieldInvalid)) << name;
    EXPECT_THAT(CauseOf(status), HasSubstr("there are: AUTHENTICITY_FAILED")) << name;
    EXPECT_THAT(CauseOf(status), HasSubstr(" NEVER_RELEASED")) << name;
  }
}

}  // namespace
}  // namespace comity
