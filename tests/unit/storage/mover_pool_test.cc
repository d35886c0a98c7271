#include "services/storage/mover_pool.h"

#include <atomic>
#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

namespace comity::storage {
namespace {

AccountId Account(char c) { return *AccountId::FromBytes(std::string(20, c)); }

TEST(MoverPoolTest, FailingAccountIsTriedAgainUntilItIsDone) {
  std::atomic<int> tries = 0;
  absl::Notification done;
  MoverPool pool(
      [&](const AccountId&) {
        if (++tries < 4) return Progress::kRetry;
        done.Notify();
        return Progress::kDone;
      },
      {.threads = 2,
       .first_delay = std::chrono::milliseconds(1),
       .longest_delay = std::chrono::milliseconds(2)});
  pool.Enqueue(Account('a'));
  done.WaitForNotification();
  EXPECT_EQ(tries, 4);
}

TEST(MoverPoolTest, AccountThatWaitsHoldsUpNoOther) {
  absl::Notification first_began;
  absl::Notification second_done;
  MoverPool pool(
      [&](const AccountId& account) {
        if (account == Account('a')) {
          first_began.Notify();
          second_done.WaitForNotification();
        } else {
          second_done.Notify();
        }
        return Progress::kDone;
      },
      {.threads = 2});
  pool.Enqueue(Account('a'));
  first_began.WaitForNotification();
  pool.Enqueue(Account('b'));
  second_done.WaitForNotification();
}

TEST(MoverPoolTest, OneAccountIsNeverAdvancedTwiceAtOnce) {
  std::atomic<int> running = 0;
  std::atomic<int> rounds = 0;
  std::atomic<bool> overlapped = false;
  absl::Notification done;
  MoverPool* self = nullptr;
  absl::Notification ready;
  MoverPool pool(
      [&](const AccountId& account) {
        ready.WaitForNotification();
        if (++running > 1) overlapped = true;
        const int round = ++rounds;
        // Woken while it runs: once more afterwards.
        if (round < 50) {
          self->Enqueue(account);
          self->Enqueue(account);
        }
        --running;
        if (round == 50) done.Notify();
        return Progress::kDone;
      },
      {.threads = 4});
  self = &pool;
  ready.Notify();
  pool.Enqueue(Account('a'));
  done.WaitForNotification();
  EXPECT_FALSE(overlapped);
}

TEST(MoverPoolTest, EndsWhileAccountsWaitForARetry) {
  std::atomic<int> tries = 0;
  absl::Notification tried;
  {
    MoverPool pool(
        [&](const AccountId&) {
          ++tries;
          if (!tried.HasBeenNotified()) tried.Notify();
          return Progress::kRetry;
        },
        {.threads = 1, .first_delay = std::chrono::hours(1)});
    pool.Enqueue(Account('a'));
    tried.WaitForNotification();
  }
  EXPECT_EQ(tries, 1) << "an ending pool tries nothing again";
}

}  // namespace
}  // namespace comity::storage
