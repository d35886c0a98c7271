#include "services/custody/move_rules.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using Kind = MoveStep::Kind;

// What is recorded about a move, and what must follow. Every combination is tried.
struct Recorded {
  bool consent_known = false;
  bool withdrawn = false;
  bool source_manifest = false;
  bool destination_manifest = false;
  bool sent = false;
  bool receipt = false;
  bool late = false;
};

class DecideNextStepTest : public testing::Test {
 protected:
  DecideNextStepTest() : consent_(world_.SignConsent()) {
    EXPECT_THAT(world_.DeliverAsDevice(world_.us, {consent_}), IsOk());
    known_ = world_.us.LoadAccount(world_.account.id());
    EXPECT_THAT(
        world_.DeliverAsDevice(world_.us, {world_.account.Sign(Withdrawal{2}, world_.now())}),
        IsOk());
    withdrawn_ = world_.us.LoadAccount(world_.account.id());
  }
  Account Make(const Recorded& recorded) {
    Account account = recorded.withdrawn ? withdrawn_ : known_;
    if (!recorded.consent_known) {
      account.statements.erase(2);
    }
    account.outgoing.emplace();
    Outgoing& move = *account.outgoing;
    move.fence = consent_;
    move.epoch = 2;
    move.destination = TestDeployment::Region("cn");
    move.consent = consent_.digest();
    move.fenced_at = world_.now() - (recorded.late ? kDecisionPeriodMs : kDecisionPeriodMs - 1);
    if (recorded.source_manifest) move.source_manifest = consent_;
    if (recorded.destination_manifest) move.destination_manifest = consent_;
    if (recorded.sent) move.sent.emplace();
    if (recorded.receipt) move.receipt.emplace();
    return account;
  }
  MoveStep Decide(const Account& account) {
    return DecideNextStep(account, world_.topology(), world_.us.region(), world_.now());
  }
  MoveStep Decide(const Recorded& recorded) { return Decide(Make(recorded)); }

  CustodyWorld world_;
  const Statement consent_;
  Account known_;
  Account withdrawn_;
};

TEST_F(DecideNextStepTest, ReleaseNeedsEverythingAndEveryOtherCaseWaitsOrAborts) {
  int released = 0;
  for (unsigned bits = 0; bits < 128; ++bits) {
    Recorded r;
    r.consent_known = (bits & 1) != 0;
    r.withdrawn = (bits & 2) != 0;
    r.source_manifest = (bits & 4) != 0;
    r.destination_manifest = (bits & 8) != 0;
    r.sent = (bits & 16) != 0;
    r.receipt = (bits & 32) != 0;
    r.late = (bits & 64) != 0;
    SCOPED_TRACE(bits);
    const MoveStep step = Decide(r);
    if (r.consent_known && r.withdrawn) {
      EXPECT_EQ(step.kind, Kind::kAbort);
      EXPECT_EQ(step.reason, AbortReason::kWithdrawn);
    } else if (r.late) {
      EXPECT_EQ(step.kind, Kind::kAbort);
      EXPECT_EQ(step.reason, AbortReason::kTimeout);
    } else if (!r.consent_known || !r.source_manifest || !r.destination_manifest) {
      EXPECT_EQ(step.kind, Kind::kNothing);
    } else if (!r.sent) {
      EXPECT_EQ(step.kind, Kind::kExport);
    } else if (!r.receipt) {
      EXPECT_EQ(step.kind, Kind::kImport);
    } else {
      EXPECT_EQ(step.kind, Kind::kRelease);
      ++released;
    }
  }
  EXPECT_EQ(released, 1);
}

TEST_F(DecideNextStepTest, BorderThatIsNotThereAborts) {
  Account account = Make({.consent_known = true});
  account.outgoing->destination = TestDeployment::Region("us");
  EXPECT_EQ(Decide(account).kind, Kind::kAbort);
  EXPECT_EQ(Decide(account).reason, AbortReason::kRulesChanged);
}

TEST_F(DecideNextStepTest, ForkedChainAborts) {
  Account account = Make({.consent_known = true});
  account.fork = consent_;
  EXPECT_EQ(Decide(account).reason, AbortReason::kRulesChanged);
}

TEST_F(DecideNextStepTest, DecidedMoveIsNotDecidedAgain) {
  Account account = Make({.consent_known = true, .late = true});
  account.outgoing->decision = Decision{DecisionKind::kAborted, consent_};
  EXPECT_EQ(Decide(account).kind, Kind::kNothing);
  account.untold_aborts.push_back({TestDeployment::Region("cn"), consent_});
  EXPECT_EQ(Decide(account).kind, Kind::kTellAbort);
}

// A peer that cannot be reached would put off whatever came after it.
TEST_F(DecideNextStepTest, WhatNeedsNobodyComesBeforeWhatNeedsThePeer) {
  Account account = Make({.consent_known = true});
  account.outgoing->decision = Decision{DecisionKind::kAborted, consent_};
  account.untold_aborts.push_back({TestDeployment::Region("cn"), consent_});
  account.rotation_days = 1;
  account.keys.front().created = world_.now() - kDayMs;
  EXPECT_EQ(Decide(account).kind, Kind::kTellAbort);
  Account given_up = account;
  given_up.keys.front().word = {true, world_.now()};
  EXPECT_EQ(Decide(given_up).kind, Kind::kDestroyVersions);
  Account closing = account;
  closing.closing = Closing{3, world_.now(), consent_};
  EXPECT_EQ(Decide(closing).kind, Kind::kDestroyClosed);
  account.untold_aborts.clear();
  EXPECT_EQ(Decide(account).kind, Kind::kRotate);
}

TEST_F(DecideNextStepTest, ReleasedKeyIsToldThenDestroyed) {
  Account account = Make({.consent_known = true});
  account.presence = Presence::kReleased;
  account.outgoing->decision = Decision{DecisionKind::kReleased, consent_};
  EXPECT_EQ(Decide(account).kind, Kind::kTellRelease);
  account.outgoing->activation.emplace();
  account.outgoing->activated_at = world_.now() - kReadBackPeriodMs + 1;
  EXPECT_EQ(Decide(account).kind, Kind::kNothing);
  account.outgoing->activated_at -= 1;
  EXPECT_EQ(Decide(account).kind, Kind::kDestroySource);
  account.keys.clear();
  EXPECT_EQ(Decide(account).kind, Kind::kNothing);
}

TEST_F(DecideNextStepTest, UndecidedMoveComesBeforeADueClosing) {
  Account account = Make({.consent_known = true, .late = true});
  account.closing = Closing{3, world_.now(), consent_};
  EXPECT_EQ(Decide(account).kind, Kind::kAbort);
  account.outgoing.reset();
  EXPECT_EQ(Decide(account).kind, Kind::kDestroyClosed);
}

TEST_F(DecideNextStepTest, OnlyStepsThatAskTheOtherSideNeedIt) {
  for (const Kind kind :
       {Kind::kBeginKeyMove, Kind::kExport, Kind::kImport, Kind::kTellAbort, Kind::kTellRelease}) {
    EXPECT_TRUE(NeedsPeer(kind));
  }
  for (const Kind kind :
       {Kind::kNothing, Kind::kAbort, Kind::kRelease, Kind::kDestroySource, Kind::kDestroyClosed}) {
    EXPECT_FALSE(NeedsPeer(kind));
  }
}

}  // namespace
}  // namespace comity::custody
