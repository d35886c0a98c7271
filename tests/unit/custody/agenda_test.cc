#include "services/custody/agenda.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/testing/custody.h"

namespace comity::custody {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Account Active(const AccountId& id) {
  Account account{.id = id};
  account.presence = Presence::kActive;
  account.epoch = 1;
  account.keys = {{1, 1, KeyState::kActive, 0, 0, "sealed", {}}};
  return account;
}
Account ClosingAt(const AccountId& id, UnixMillis time) {
  Account account = Active(id);
  account.closing = Closing{2, time, {}};
  return account;
}

std::optional<UnixMillis> DueOf(const Account& account, UnixMillis now) {
  return NextDue(account, SharedDeployment().topology(), TestDeployment::Region("us"), now);
}

class AgendaTest : public testing::Test {
 protected:
  void Note(const Account& before, const Account& after) {
    agenda_.Note(before, after, DueOf(after, 0));
  }
  void Add(const Account& account) { Note(Account{.id = account.id}, account); }
  Agenda agenda_;
  const AccountId a_ = RandomId<AccountId>();
  const AccountId b_ = RandomId<AccountId>();
};

TEST_F(AgendaTest, AccountAtRestIsNeverDue) {
  EXPECT_EQ(DueOf(Active(a_), 5), std::nullopt);
  Add(Active(a_));
  EXPECT_THAT(agenda_.TakeDue(1'000'000, 10), IsEmpty());
}

TEST_F(AgendaTest, EarliestComesFirstAndOnlyOnce) {
  Add(ClosingAt(a_, 200));
  Add(ClosingAt(b_, 100));
  EXPECT_THAT(agenda_.TakeDue(99, 10), IsEmpty());
  EXPECT_THAT(agenda_.TakeDue(200, 1), ElementsAre(b_));
  EXPECT_THAT(agenda_.TakeDue(200, 10), ElementsAre(a_));
  EXPECT_THAT(agenda_.TakeDue(200, 10), IsEmpty());
}

TEST_F(AgendaTest, CommitMovesTheDate) {
  Add(ClosingAt(a_, 100));
  Note(ClosingAt(a_, 100), Active(a_));
  EXPECT_THAT(agenda_.TakeDue(1'000, 10), IsEmpty());
}

TEST_F(AgendaTest, PostponingGivesWayToACommit) {
  Add(ClosingAt(a_, 100));
  ASSERT_THAT(agenda_.TakeDue(100, 10), ElementsAre(a_));
  Add(ClosingAt(a_, 150));
  agenda_.Postpone(a_, 9'000);
  EXPECT_THAT(agenda_.TakeDue(150, 10), ElementsAre(a_));
  agenda_.Postpone(a_, 300);
  EXPECT_THAT(agenda_.TakeDue(299, 10), IsEmpty());
  EXPECT_THAT(agenda_.TakeDue(300, 10), ElementsAre(a_));
}

TEST_F(AgendaTest, HasteningOnlyMovesForward) {
  Add(ClosingAt(a_, 100));
  agenda_.Hasten(a_, 500);
  EXPECT_THAT(agenda_.TakeDue(100, 10), ElementsAre(a_));
  agenda_.Hasten(a_, 50);
  EXPECT_THAT(agenda_.TakeDue(50, 10), ElementsAre(a_));
}

TEST_F(AgendaTest, KnownAccountsAreCountedUntilTheirKeysAreGone) {
  const Account nobody{.id = a_};
  const Account active = Active(a_);
  Account closed = active;
  closed.presence = Presence::kClosed;
  closed.keys[0].state = KeyState::kDestroyed;
  Note(nobody, active);
  EXPECT_EQ(agenda_.known_accounts(), 1u);
  Note(active, active);
  EXPECT_EQ(agenda_.known_accounts(), 1u);
  Note(active, closed);
  EXPECT_EQ(agenda_.known_accounts(), 0u);
}

TEST(NextDueTest, MovesHaveTheirTimes) {
  Account account = Active(RandomId<AccountId>());
  account.outgoing.emplace();
  account.outgoing->fence.emplace();
  account.outgoing->fenced_at = 1'000;
  EXPECT_EQ(DueOf(account, 1'000), 1'000 + 30 * kSecondMs);
  account.outgoing->destination_manifest.emplace();
  EXPECT_EQ(DueOf(account, 1'000), 2'000);
  account.outgoing->decision = Decision{DecisionKind::kReleased, {}};
  account.presence = Presence::kReleased;
  EXPECT_EQ(DueOf(account, 5'000), 5'000);
  account.outgoing->activation.emplace();
  account.outgoing->activated_at = 6'000;
  EXPECT_EQ(DueOf(account, 7'000), 6'000 + 30 * kDayMs);
  account.keys[0].state = KeyState::kDestroyed;
  EXPECT_EQ(DueOf(account, 7'000), std::nullopt);
  account.untold_aborts.emplace_back();
  EXPECT_EQ(DueOf(account, 7'000), 7'000);
}

}  // namespace
}  // namespace comity::custody
