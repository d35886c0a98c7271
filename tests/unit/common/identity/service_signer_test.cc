#include "services/common/identity/service_signer.h"

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/statement/custody.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

class ServiceSignerTest : public testing::Test {
 protected:
  std::unique_ptr<ServiceSigner> Open() {
    const TestService& service = deployment_.service("cn", ServiceKind::kCustody);
    absl::StatusOr<std::unique_ptr<ServiceSigner>> signer = ServiceSigner::Open(
        deployment_.topology().deployment(), *RegionId::Create("cn"), ServiceKind::kCustody,
        *PrivateKey::FromPem(service.statement_key.ToPem()), service.endorsement, &records_,
        &clock_);
    EXPECT_THAT(signer, IsOk());
    return *std::move(signer);
  }
  static absl::StatusOr<uint64_t> SignNumber(ServiceSigner& signer,
                                             const std::string& subject = "subject") {
    absl::StatusOr<Statement> statement = signer.Sign(subject, KeyClosing{});
    return statement.ok() ? PeekEnvelope(*statement)->number
                          : absl::StatusOr<uint64_t>(statement.status());
  }

  const TestDeployment deployment_;
  FakeRecordStore records_;
  ManualClock clock_{TestDeployment::kStart};
};

TEST_F(ServiceSignerTest, StatementSaysWhoSignedItWhenAboutWhat) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  ASSERT_OK_AND_ASSIGN(const Statement statement,
                       signer->Sign("subject", KeyClosing{.close_number = 7}, clock_.Now() + 5));
  ASSERT_OK_AND_ASSIGN(const Parsed<KeyClosing> parsed,
                       VerifyStatement<KeyClosing>(statement, signer->public_key()));
  EXPECT_EQ(parsed.envelope.deployment, deployment_.topology().deployment());
  EXPECT_EQ(parsed.envelope.region, "cn");
  EXPECT_EQ(parsed.envelope.subject, "subject");
  EXPECT_EQ(parsed.envelope.time, clock_.Now());
  EXPECT_EQ(parsed.envelope.expiry, clock_.Now() + 5);
  EXPECT_EQ(parsed.body.close_number, 7U);
}

TEST_F(ServiceSignerTest, NumbersIncreaseWhileTheClockStands) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  uint64_t last = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_OK_AND_ASSIGN(const uint64_t number, SignNumber(*signer));
    ASSERT_GT(number, last);
    last = number;
  }
}

TEST_F(ServiceSignerTest, NumbersIncreaseOverARestart) {
  std::unique_ptr<ServiceSigner> signer = Open();
  ASSERT_OK_AND_ASSIGN(const uint64_t before, SignNumber(*signer));
  signer = Open();
  ASSERT_OK_AND_ASSIGN(const uint64_t after, SignNumber(*signer));
  EXPECT_GT(after, before);
}

TEST_F(ServiceSignerTest, NumbersIncreaseWhenTheClockWasSetBack) {
  std::unique_ptr<ServiceSigner> signer = Open();
  ASSERT_OK_AND_ASSIGN(const uint64_t before, SignNumber(*signer));
  clock_.Advance(-kDayMs);
  ASSERT_OK_AND_ASSIGN(const uint64_t same_process, SignNumber(*signer));
  EXPECT_GT(same_process, before);
  signer = Open();
  ASSERT_OK_AND_ASSIGN(const uint64_t after_restart, SignNumber(*signer));
  EXPECT_GT(after_restart, same_process);
}

TEST_F(ServiceSignerTest, NumbersFollowAClockThatJumpsAhead) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  ASSERT_OK_AND_ASSIGN(const uint64_t before, SignNumber(*signer));
  clock_.Advance(90 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const uint64_t after, SignNumber(*signer));
  EXPECT_GT(after, before + 90ULL * kDayMs);
}

TEST_F(ServiceSignerTest, StoreIsTouchedOnlyWhenAReservationIsUsedUp) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  ASSERT_THAT(SignNumber(*signer), IsOk());
  const uint64_t commits = records_.applied();
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(100);
    ASSERT_THAT(SignNumber(*signer), IsOk());
  }
  EXPECT_EQ(records_.applied(), commits);
  clock_.Advance(2 * kMinuteMs);
  ASSERT_THAT(SignNumber(*signer), IsOk());
  EXPECT_EQ(records_.applied(), commits + 1);
}

TEST_F(ServiceSignerTest, NothingIsSignedWithoutADurableReservation) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  records_.SetUnavailable(true);
  EXPECT_THAT(SignNumber(*signer), RefusedWith(Reason::kStoreUnavailable));
  records_.SetUnavailable(false);
  EXPECT_THAT(SignNumber(*signer), IsOk());
}

TEST_F(ServiceSignerTest, ReservationWithUnknownOutcomeIsMadeAgain) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  records_.FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(SignNumber(*signer), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(SignNumber(*signer), IsOk());
}

TEST_F(ServiceSignerTest, TwoProcessesOverOneStoreNeverShareANumber) {
  const std::unique_ptr<ServiceSigner> one = Open();
  const std::unique_ptr<ServiceSigner> other = Open();
  std::set<uint64_t> numbers;
  for (int i = 0; i < 50; ++i) {
    ASSERT_OK_AND_ASSIGN(const uint64_t first, SignNumber(*one));
    ASSERT_OK_AND_ASSIGN(const uint64_t second, SignNumber(*other));
    EXPECT_TRUE(numbers.insert(first).second);
    EXPECT_TRUE(numbers.insert(second).second);
    clock_.Advance(10 * kSecondMs);
  }
}

TEST_F(ServiceSignerTest, ThreadsNeverShareANumber) {
  const std::unique_ptr<ServiceSigner> signer = Open();
  std::vector<std::vector<uint64_t>> numbers(4);
  std::vector<std::thread> threads;
  for (std::vector<uint64_t>& mine : numbers) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        mine.push_back(SignNumber(*signer).value());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::set<uint64_t> all;
  for (const std::vector<uint64_t>& mine : numbers) {
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), 400U);
}

TEST_F(ServiceSignerTest, DamagedReservationIsRefused) {
  ASSERT_THAT(SignNumber(*Open()), IsOk());
  ASSERT_THAT(
      records_.Commit("service/statement-numbers", *RequestId::FromBytes("0123456789abcdef"), {},
                      {Mutation::Put("reserved", "damaged")}),
      IsOk());
  const TestService& service = deployment_.service("cn", ServiceKind::kCustody);
  EXPECT_THAT(ServiceSigner::Open("d", *RegionId::Create("cn"), ServiceKind::kCustody,
                                  *PrivateKey::FromPem(service.statement_key.ToPem()),
                                  service.endorsement, &records_, &clock_),
              RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
