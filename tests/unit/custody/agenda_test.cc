#include "services/custody/agenda.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>

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

// A count under way, over two accounts in the order of the store.
class CountTest : public AgendaTest {
 protected:
  CountTest() {
    if (second_.ToString() < first_.ToString()) std::swap(first_, second_);
    agenda_.BeginCount();
  }

  static Agenda::Counted Read(const Account& account) {
    return {.account = account.id, .known = CountsAsKnown(account), .due = DueOf(account, 0)};
  }
  // Of one account; `meanwhile` happens after it was read.
  void CountOne(
      const Account& account, bool last, const std::function<void()>& meanwhile = [] {}) {
    const Agenda::Page page = agenda_.BeginPage(1'000);
    const Agenda::Counted counted = Read(account);
    meanwhile();
    agenda_.EndPage(page, {account.id}, {counted}, last);
  }
  void Commit(const Account& before, const Account& after) {
    agenda_.Begin(after.id);
    Note(before, after);
  }

  AccountId first_ = a_;
  AccountId second_ = b_;
};

TEST_F(CountTest, EachAccountCountsOnceAndIsDueWhenItIs) {
  CountOne(ClosingAt(first_, 100), false);
  EXPECT_EQ(agenda_.known_accounts(), 1u);
  EXPECT_TRUE(agenda_.counting());
  CountOne(Active(second_), true);
  EXPECT_EQ(agenda_.known_accounts(), 2u);
  EXPECT_FALSE(agenda_.counting());
  EXPECT_THAT(agenda_.TakeDue(100, 10), ElementsAre(first_));
}

TEST_F(CountTest, ACommitBeforeItsAccountIsReadIsNotCountedTwice) {
  Commit(Account{.id = second_}, Active(second_));
  EXPECT_EQ(agenda_.known_accounts(), 0u);
  CountOne(Active(first_), false);
  CountOne(Active(second_), true);
  EXPECT_EQ(agenda_.known_accounts(), 2u);
}

TEST_F(CountTest, ACommitAfterItsAccountIsCountedCounts) {
  CountOne(Active(first_), false);
  Account closed = Active(first_);
  closed.presence = Presence::kClosed;
  closed.keys[0].state = KeyState::kDestroyed;
  Commit(Active(first_), closed);
  EXPECT_EQ(agenda_.known_accounts(), 0u);
  CountOne(Active(second_), true);
  EXPECT_EQ(agenda_.known_accounts(), 1u);
}

TEST_F(CountTest, AnAccountThatIsCommittedWhileItIsReadIsReadAgain) {
  // Read as it was before the commit, and as it was after it.
  for (const bool read_after : {false, true}) {
    SCOPED_TRACE(read_after);
    Agenda agenda;
    agenda.BeginCount();
    const Account before{.id = first_};
    const Account after = Active(first_);
    const Agenda::Page page = agenda.BeginPage(1'000);
    const Agenda::Counted counted = Read(read_after ? after : before);
    agenda.Begin(first_);
    agenda.Note(before, after, std::nullopt);
    agenda.EndPage(page, {first_}, {counted}, true);
    EXPECT_EQ(agenda.known_accounts(), 0u);
    EXPECT_TRUE(agenda.counting());

    const Agenda::Page again = agenda.BeginPage(1'000);
    EXPECT_THAT(again.again, ElementsAre(first_));
    agenda.EndPage(again, again.again, {Read(after)}, true);
    EXPECT_EQ(agenda.known_accounts(), 1u);
    EXPECT_FALSE(agenda.counting());
  }
}

TEST_F(CountTest, ACommitThatOutlastsItsPageIsNotCountedTwice) {
  const Account before{.id = first_};
  agenda_.Begin(first_);
  // Done in the store, and its account read so; nobody has noted it yet.
  CountOne(Active(first_), false);
  CountOne(Active(second_), true);
  Note(before, Active(first_));
  EXPECT_EQ(agenda_.known_accounts(), 1u);
  EXPECT_TRUE(agenda_.counting());
  CountOne(Active(first_), true);
  EXPECT_EQ(agenda_.known_accounts(), 2u);
  EXPECT_FALSE(agenda_.counting());
}

TEST_F(CountTest, ACommitThatFailedLeavesItsAccountToBeReadAgain) {
  agenda_.Begin(first_);
  CountOne(Active(first_), false);
  agenda_.Leave(first_);
  CountOne(Active(second_), true);
  EXPECT_EQ(agenda_.known_accounts(), 1u);
  CountOne(Active(first_), true);
  EXPECT_EQ(agenda_.known_accounts(), 2u);
  EXPECT_FALSE(agenda_.counting());
}

TEST_F(CountTest, WhatCannotBeReadIsLeftOut) {
  const Agenda::Page page = agenda_.BeginPage(1'000);
  agenda_.EndPage(page, {first_, second_}, {Read(Active(second_))}, true);
  EXPECT_EQ(agenda_.known_accounts(), 1u);
  EXPECT_FALSE(agenda_.counting());
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
