#include "services/common/server/service_environment.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

#include "services/common/statement/custody.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

namespace comity {
namespace {

class ServiceEnvironmentTest : public testing::Test {
 protected:
  static ServiceDefinition Definition() { return {.kind = ServiceKind::kCustody}; }
  ServiceResources Resources() const {
    return TestResources(deployment_, {.region = "cn", .definition = Definition()});
  }
  static std::unique_ptr<ServiceEnvironment> Create(ServiceResources resources) {
    absl::StatusOr<std::unique_ptr<ServiceEnvironment>> environment =
        ServiceEnvironment::Create(std::move(resources), Definition());
    EXPECT_THAT(environment, IsOk());
    return *std::move(environment);
  }

  const TestDeployment deployment_;
};

TEST_F(ServiceEnvironmentTest, RightResourcesMakeAnEnvironment) {
  const std::unique_ptr<ServiceEnvironment> environment = Create(Resources());
  EXPECT_EQ(environment->region().name(), "cn");
  EXPECT_EQ(environment->kind(), ServiceKind::kCustody);
  EXPECT_EQ(environment->operator_name(), "apple");
  EXPECT_EQ(environment->Now(), TestDeployment::kStart);
}

TEST_F(ServiceEnvironmentTest, StatementsAreSignedWithTheEndorsedKey) {
  const std::unique_ptr<ServiceEnvironment> environment = Create(Resources());
  ASSERT_OK_AND_ASSIGN(const Statement statement,
                       SignServiceStatement(*environment, "subject", KeyClosing{}));
  ASSERT_OK_AND_ASSIGN(const PublicKey key, deployment_.topology().VerifyEndorsement(
                                                environment->endorsement(), environment->region(),
                                                environment->kind(), environment->Now()));
  EXPECT_THAT(VerifySignedBy(statement, key), IsOk());
}

TEST_F(ServiceEnvironmentTest, CertificateOfAnotherServiceIsRefused) {
  ServiceResources resources = Resources();
  const TestService& storage = deployment_.service("cn", ServiceKind::kStorage);
  resources.tls = {storage.certificate, storage.tls_key.ToPem()};
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServiceEnvironmentTest, CertificateWithoutItsKeyIsRefused) {
  ServiceResources resources = Resources();
  resources.tls.private_key = deployment_.service("cn", ServiceKind::kStorage).tls_key.ToPem();
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServiceEnvironmentTest, ExpiredCertificateIsRefused) {
  ServiceResources resources = Resources();
  resources.clock = std::make_shared<ManualClock>(TestDeployment::kNotAfter + kDayMs);
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kCertificateInvalid));
}

TEST_F(ServiceEnvironmentTest, EndorsementByAnotherOperatorIsRefused) {
  ServiceResources resources = Resources();
  resources.endorsement = deployment_.Endorse("cn", ServiceKind::kCustody,
                                              resources.statement_key.public_key(), "gcbd");
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(ServiceEnvironmentTest, EndorsementOfAnotherServiceIsRefused) {
  ServiceResources resources = Resources();
  resources.endorsement = deployment_.service("us", ServiceKind::kCustody).endorsement;
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(ServiceEnvironmentTest, EndorsementOfAnotherKeyIsRefused) {
  ServiceResources resources = Resources();
  resources.statement_key = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(ServiceEnvironmentTest, LogUnderAnotherKeyThanTheTopologysIsRefused) {
  ServiceResources resources = Resources();
  ASSERT_OK_AND_ASSIGN(resources.log,
                       TransparencyLog::Open({.origin = "other", .partition_name = "log/other"},
                                             PrivateKey::Generate(SignatureAlgorithm::kEd25519),
                                             resources.records.get(), resources.blobs.get()));
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kTopologyInvalid));
}

TEST_F(ServiceEnvironmentTest, UnknownRegionIsRefused) {
  ServiceResources resources = Resources();
  resources.region = *RegionId::Create("eu");
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kTopologyInvalid));
}

TEST_F(ServiceEnvironmentTest, RosterOfAnotherRegionIsRefused) {
  ServiceResources resources = Resources();
  resources.roster = std::make_shared<const Roster>(deployment_.roster("us"));
  EXPECT_THAT(CheckServiceResources(resources), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(ServiceEnvironmentTest, StatusSaysWhatEveryServiceSays) {
  const std::unique_ptr<ServiceEnvironment> environment = Create(Resources());
  ASSERT_THAT(environment->transparency_log().Append("leaf"), IsOk());
  comity::common::v1::ServiceStatus status;
  environment->FillStatus(status);
  EXPECT_EQ(status.deployment(), deployment_.topology().deployment());
  EXPECT_EQ(status.region(), "cn");
  EXPECT_EQ(status.service(), "custody");
  EXPECT_EQ(status.operator_(), "apple");
  EXPECT_TRUE(status.development());
  EXPECT_EQ(status.time_ms(), TestDeployment::kStart);
  EXPECT_EQ(status.topology_serial(), 1U);
  EXPECT_EQ(status.topology_digest(), deployment_.topology().digest().bytes());
  EXPECT_EQ(status.roster_number(), 1U);
  EXPECT_EQ(status.log_size(), 1U);
  EXPECT_EQ(status.log_quorum(), "none");
  EXPECT_NE(status.version(), "");
}

TEST_F(ServiceEnvironmentTest, TickersRunOnTheirThreadUntilStopped) {
  const std::unique_ptr<ServiceEnvironment> environment = Create(Resources());
  absl::Notification third;
  int ticks = 0;
  environment->RegisterTicker("count", [&] {
    if (++ticks == 3) {
      third.Notify();
    }
  });
  EXPECT_FALSE(environment->stopping());
  environment->StartTickers();
  third.WaitForNotification();
  environment->StopTickers();
  EXPECT_TRUE(environment->stopping());
  const int after_stop = ticks;
  EXPECT_GE(after_stop, 3);
}

TEST_F(ServiceEnvironmentTest, WhoeverWantsATickDoesNotWaitForTheNext) {
  const std::unique_ptr<ServiceEnvironment> environment = Create(Resources());
  // So many would take minutes if one came after the other by itself.
  constexpr int kTicks = 1'000;
  absl::Notification last;
  int ticks = 0;
  environment->RegisterTicker("count", [&] {
    if (++ticks == kTicks) {
      last.Notify();
    }
    environment->TickSoon();
  });
  environment->StartTickers();
  last.WaitForNotification();
  environment->StopTickers();
}

TEST_F(ServiceEnvironmentTest, TickerThatThrowsDoesNotStopTheOthers) {
  const std::unique_ptr<ServiceEnvironment> environment = Create(Resources());
  int ticks = 0;
  environment->RegisterTicker("throws", [] { throw std::runtime_error("broken"); });
  environment->RegisterTicker("counts", [&] { ++ticks; });
  environment->TickOnce();
  environment->TickOnce();
  EXPECT_EQ(ticks, 2);
}

}  // namespace
}  // namespace comity
