#include "services/common/audit/audit_log.h"

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

#include "tests/fakes/manual_clock.h"
#include "tests/fakes/stubborn_file_calls.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/common/audit/audit_testing.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::Field;

constexpr char kUnwrap[] = "/comity.custody.v1.CustodyService/UnwrapDataKey";

class AuditLogTest : public testing::Test {
 protected:
  AuditLog::Options Options() {
    return {.directory = directory_.path() + "/audit",
            .files = files_,
            .clock = &clock_,
            .report =
                [this](const absl::Status& status) {
                  absl::MutexLock lock(&mutex_);
                  reports_.push_back(status);
                },
            .retry = std::chrono::milliseconds(5)};
  }
  void Open() {
    log_.reset();
    absl::StatusOr<std::unique_ptr<AuditLog>> log = AuditLog::Open(Options());
    ASSERT_THAT(log.status(), IsOk());
    log_ = *std::move(log);
  }
  std::vector<AuditRecord> Records() const { return RecordsIn(directory_.path() + "/audit"); }
  absl::Status Check() const { return log_->Check(std::chrono::steady_clock::now()); }
  // Until a condition that another thread brings about holds; the test's own timeout bounds it.
  template <typename Condition>
  static void Await(const Condition& condition) {
    while (!condition()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  TempDir directory_;
  ManualClock clock_{kAuditTime};
  std::shared_ptr<StubbornFileCalls> files_ = std::make_shared<StubbornFileCalls>();
  absl::Mutex mutex_;
  std::vector<absl::Status> reports_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<AuditLog> log_;
};

TEST_F(AuditLogTest, CallsAreKeptWithWhoAndWhat) {
  Open();
  AuditLog::Call call = TestCall();
  call.note.items = 3;
  call.note.items_digest = *Digest::FromBytes(std::string(32, 'd'));
  clock_.Advance(5);
  log_->Append(call);
  AuditLog::Call stranger{kUnwrap, nullptr, {}, Reason::kCertificateInvalid};
  log_->Append(stranger);
  log_.reset();
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].event, AuditEvent::kStart);
  EXPECT_EQ(records[0].time, kAuditTime);
  EXPECT_EQ(records[1].event, AuditEvent::kCall);
  EXPECT_EQ(records[1].time, kAuditTime + 5);
  EXPECT_EQ(records[1].method, "UnwrapDataKey");
  EXPECT_EQ(records[1].caller, "device");
  EXPECT_EQ(records[1].caller_key, call.caller->key.id());
  EXPECT_EQ(records[1].account, call.note.account);
  EXPECT_EQ(records[1].use, 1u);
  EXPECT_EQ(records[1].items, 3u);
  EXPECT_EQ(records[1].items_digest, call.note.items_digest);
  EXPECT_EQ(records[1].authorisation, std::nullopt);
  EXPECT_EQ(records[1].outcome, 0);
  EXPECT_EQ(records[1].calls, 1u);
  EXPECT_EQ(records[2].caller, "");
  EXPECT_EQ(records[2].account, std::nullopt);
  EXPECT_EQ(records[2].outcome, static_cast<uint16_t>(Reason::kCertificateInvalid));
  EXPECT_EQ(records[3].event, AuditEvent::kStop);
}

TEST_F(AuditLogTest, EachKindOfCallerHasItsName) {
  Open();
  for (const Caller::Kind kind : {Caller::Kind::kService, Caller::Kind::kOperatorPerson,
                                  Caller::Kind::kAgent, Caller::Kind::kReviewer}) {
    log_->Append({kUnwrap, TestCaller(kind), {}, Reason::kUnspecified});
  }
  log_.reset();
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 6u);
  EXPECT_EQ(records[1].caller, "us/operator/acme/review");
  EXPECT_EQ(records[2].caller, "us/operator/acme/person/evans");
  EXPECT_EQ(records[3].caller, "us/authority/bureau/agent/evans");
  EXPECT_EQ(records[4].caller, "us/reviewer/evans");
}

TEST_F(AuditLogTest, GoesOnAfterARestart) {
  Open();
  log_->Append(TestCall());
  Open();
  log_->Append(TestCall());
  const AuditEnd before = log_->end();
  EXPECT_EQ(before.next, 5u);  // start, call, stop, start
  log_.reset();
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 6u);
  EXPECT_THAT(records, ElementsAre(Field(&AuditRecord::event, AuditEvent::kStart),
                                   Field(&AuditRecord::event, AuditEvent::kCall),
                                   Field(&AuditRecord::event, AuditEvent::kStop),
                                   Field(&AuditRecord::event, AuditEvent::kStart),
                                   Field(&AuditRecord::event, AuditEvent::kCall),
                                   Field(&AuditRecord::event, AuditEvent::kStop)));
}

TEST_F(AuditLogTest, WhatMustNotBeLostIsOnDiskWhenItReturns) {
  Open();
  AuditLog::Call call = TestCall();
  call.note.authorisation = *Digest::FromBytes(std::string(32, 'a'));
  ASSERT_THAT(log_->AppendDurably(call), IsOk());
  // The log is still open: this is what another process sees.
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[1].authorisation, call.note.authorisation);
  EXPECT_EQ(log_->end().next, 3u);
}

// Everything that was appended while the disk was held is one group.
TEST_F(AuditLogTest, OfManyRefusalsOfStrangersOnlyTheFirstAreToldOneByOne) {
  Open();
  files_->Hold(true);
  log_->Append(TestCall());
  Await([&] { return files_->waiting(); });
  constexpr uint32_t kCalls = 100;
  const AuditLog::Call person{
      kUnwrap, TestCaller(Caller::Kind::kOperatorPerson), {}, Reason::kAccountNotYours};
  for (uint32_t i = 0; i < kCalls; ++i) {
    log_->Append(TestCall(kUnwrap, Reason::kAccountNotYours));
    log_->Append(person);
    log_->Append(TestCall());
  }
  for (uint32_t i = 0; i < AuditLog::kToldAlike + 1; ++i) {
    log_->Append(TestCall(kUnwrap, Reason::kRateLimited));
  }
  files_->Hold(false);
  log_.reset();
  uint32_t done = 0;
  uint32_t persons = 0;
  std::vector<uint32_t> strangers;
  std::vector<uint32_t> limited;
  for (const AuditRecord& record : Records()) {
    if (record.event != AuditEvent::kCall) continue;
    // Of those told together nobody is named.
    EXPECT_EQ(record.calls > 1, record.caller.empty());
    if (record.outcome == 0) {
      ++done;
    } else if (record.outcome == static_cast<uint16_t>(Reason::kRateLimited)) {
      limited.push_back(record.calls);
    } else if (record.caller == "us/operator/acme/person/evans") {
      ++persons;
    } else {
      strangers.push_back(record.calls);
    }
  }
  EXPECT_EQ(done, kCalls + 1);
  EXPECT_EQ(persons, kCalls);
  EXPECT_THAT(strangers, ElementsAre(1, 1, 1, 1, kCalls - AuditLog::kToldAlike));
  EXPECT_THAT(limited, ElementsAre(1, 1, 1, 1, 1));
}

TEST_F(AuditLogTest, StrangersHaveNoMoreThanSoManyRecordsInAGroup) {
  Open();
  files_->Hold(true);
  log_->Append(TestCall());
  Await([&] { return files_->waiting(); });
  constexpr int kReasons = 20;
  for (int reason = 1; reason <= kReasons; ++reason) {
    for (int i = 0; i < 3; ++i) log_->Append(TestCall(kUnwrap, static_cast<Reason>(reason)));
  }
  files_->Hold(false);
  log_.reset();
  uint32_t records = 0;
  uint32_t calls = 0;
  for (const AuditRecord& record : Records()) {
    if (record.outcome == 0) continue;
    ++records;
    calls += record.calls;
  }
  EXPECT_EQ(calls, 3u * kReasons);
  EXPECT_LE(records, AuditLog::kToldStrangers + kReasons);
}

TEST_F(AuditLogTest, RecordsAreInTheOrderOfTheAnswers) {
  Open();
  // Each from another thread, all in one millisecond.
  for (uint32_t i = 1; i <= 40; ++i) {
    std::thread([&] {
      AuditLog::Call call = TestCall();
      call.note.items = i;
      log_->Append(std::move(call));
    }).join();
  }
  log_.reset();
  uint32_t last = 0;
  for (const AuditRecord& record : Records()) {
    if (record.event != AuditEvent::kCall) continue;
    EXPECT_EQ(record.items, ++last);
  }
  EXPECT_EQ(last, 40u);
}

TEST_F(AuditLogTest, NothingMayBeDoneWhileRecordsCannotBeWritten) {
  Open();
  EXPECT_THAT(Check(), IsOk());
  files_->Refuse(ENOSPC);
  EXPECT_THAT(log_->AppendDurably(TestCall()), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(Check(), RefusedWith(Reason::kStoreUnavailable));
  files_->Refuse(0);
  Await([&] { return Check().ok(); });
  ASSERT_THAT(log_->AppendDurably(TestCall()), IsOk());
  log_.reset();
  // What waited was written, once, into another file.
  EXPECT_EQ(Records().size(), 4u);
  absl::MutexLock lock(&mutex_);
  EXPECT_THAT(reports_, ElementsAre(RefusedWith(Reason::kStoreUnavailable), IsOk()));
}

TEST_F(AuditLogTest, NothingMayBeDoneWhileRecordsAreLate) {
  Open();
  files_->Hold(true);
  log_->Append(TestCall());
  EXPECT_THAT(Check(), IsOk());
  const auto later = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  EXPECT_THAT(log_->Check(later), RefusedWith(Reason::kStoreUnavailable));
  files_->Hold(false);
  Await([&] { return log_->Check(std::chrono::steady_clock::now() + std::chrono::hours(1)).ok(); });
}

TEST_F(AuditLogTest, ADiskThatIsFullAtTheStartIsToldThen) {
  files_->Refuse(ENOSPC);
  EXPECT_THAT(AuditLog::Open(Options()).status(), RefusedWith(Reason::kStoreUnavailable));
  files_->Refuse(0);
  Open();
  log_.reset();
  EXPECT_EQ(Records().size(), 2u);
}

// Two failures and a death in between.
TEST_F(AuditLogTest, WhatCouldNotBeWrittenTwiceLeavesAWholeLog) {
  Open();
  ASSERT_THAT(log_->AppendDurably(TestCall()), IsOk());
  files_->Refuse(EIO);
  EXPECT_THAT(log_->AppendDurably(TestCall()), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(log_->AppendDurably(TestCall()), RefusedWith(Reason::kStoreUnavailable));
  log_.reset();
  // The file that was begun and has no block: what is in it stays.
  WriteBytes(directory_.path() + "/audit/" + AuditFileName(3), "torn");
  files_->Refuse(0);
  Open();
  ASSERT_THAT(log_->AppendDurably(TestCall()), IsOk());
  log_.reset();
  EXPECT_EQ(Records().size(), 5u);  // start, call, start, call, stop
  EXPECT_EQ(ReadBytes(directory_.path() + "/audit/" + AuditFileName(3) + ".1"), "torn");
}

TEST_F(AuditLogTest, OldFilesGoAndTheRestIsWhole) {
  Open();  // a file for each day
  for (int day = 0; day < 5; ++day) {
    clock_.Advance(kDayMs);
    ASSERT_THAT(log_->AppendDurably(TestCall()), IsOk());
  }
  ASSERT_THAT(log_->DropBefore(clock_.Now() - 2 * kDayMs + 1), IsOk());
  log_.reset();
  const std::vector<AuditRecord> records = Records();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].time, kAuditTime + 3 * kDayMs);
}

TEST_F(AuditLogTest, ManyThreadsLoseNothing) {
  Open();
  constexpr int kThreads = 8;
  constexpr int kEach = 2'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        AuditLog::Call call = TestCall();
        call.note.items = static_cast<uint32_t>(t * kEach + i);
        if (i % 500 == 0) {
          EXPECT_THAT(log_->AppendDurably(std::move(call)), IsOk());
        } else {
          log_->Append(std::move(call));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  log_.reset();
  std::vector<bool> seen(kThreads * kEach);
  for (const AuditRecord& record : Records()) {
    if (record.event != AuditEvent::kCall) continue;
    ASSERT_FALSE(seen.at(record.items));
    seen[record.items] = true;
  }
  EXPECT_THAT(seen, testing::Each(true));
}

}  // namespace
}  // namespace comity
