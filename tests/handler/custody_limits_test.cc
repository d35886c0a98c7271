#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/limits/rate_limits.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/topology_mark.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/retry_after.h"
#include "services/custody/custody_service_definition.h"
#include "tests/fakes/fake_seal.h"
#include "tests/testing/account.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

// A custody with limits, over real gRPC and mTLS.
namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;
using Stub = pb::CustodyService::Stub;
using testing::HasSubstr;

class CustodyLimitsTest : public testing::Test {
 protected:
  void Start(const std::vector<std::string>& limits) {
    Rates rates{};
    for (const std::string& limit : limits) ASSERT_THAT(SetRate(limit, rates), IsOk());
    server_ = TestServer::Start(
        deployment_, {.region = "us",
                      .definition = CustodyDefinition(
                          [](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<Seal>> {
                            return std::make_unique<FakeSeal>();
                          }),
                      .rates = rates});
    ASSERT_NE(server_, nullptr);
    stub_ = pb::CustodyService::NewStub(server_->AsDevice(owner_.device()));
  }

  template <typename Request, typename Response>
  absl::Status Call(Stub& stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(deployment_.topology())));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    code_ = status.error_code();
    return FromGrpcStatus(status, context);
  }
  absl::Status Create() {
    pb::CreateAccountRequest request;
    request.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_.entries()) *request.add_chain() = ToProto(entry);
    *request.mutable_account_record() =
        ToProto(owner_.SignRecord(deployment_.topology(), "US", TestDeployment::kStart));
    return Call(*stub_, &Stub::CreateAccount, request);
  }
  absl::Status Generate(int count) {
    pb::BatchGenerateDataKeysRequest request;
    request.set_account_id(std::string(owner_.id().bytes()));
    request.set_reason(pb::USE_REASON_OWNER_EXPORT);
    for (int i = 0; i < count; ++i) {
      comity::common::v1::EncryptionContext& context = *request.add_contexts();
      context.set_object_id(std::string(16, 'o'));
      context.set_content_id(std::string(16, 'c'));
      context.set_purpose(comity::common::v1::PURPOSE_CONTENT);
    }
    return Call(*stub_, &Stub::BatchGenerateDataKeys, request);
  }
  absl::Status GetStatus(Stub& stub) {
    return Call(stub, &Stub::GetStatus, pb::GetStatusRequest());
  }
  std::string Metrics() const { return server_->environment().metrics().Text(); }

  const TestDeployment& deployment_ = SharedDeployment();
  TestAccount owner_ = deployment_.NewAccount();
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<Stub> stub_;
  grpc::StatusCode code_ = grpc::StatusCode::OK;
};

TEST_F(CustodyLimitsTest, RefusalSaysWhenToTryAgainAndThenItWorks) {
  Start({"account-keys=20/4"});
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(Generate(12), IsOk());  // 8 of them are to be paid for
  const absl::Status refused = Generate(1);
  EXPECT_EQ(code_, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  const std::chrono::milliseconds delay = RetryAfterOf(refused);
  EXPECT_GT(delay.count(), 0);
  EXPECT_LE(delay, std::chrono::milliseconds(9 * 50));
  EXPECT_THAT(Metrics(), HasSubstr("\ncomity_limited_total{limit=\"account-keys\"} 1\n"));
  EXPECT_THAT(Metrics(), HasSubstr("\ncomity_limited_total{limit=\"use-legal\"} 0\n"));
  std::this_thread::sleep_for(delay);
  EXPECT_THAT(Generate(1), IsOk());
}

TEST_F(CustodyLimitsTest, ReasonThatIsStatedIsTheOneThatIsCounted) {
  Start({"use-export=1/1", "use-access=1/1"});
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(Generate(1), IsOk());
  EXPECT_THAT(Generate(1), RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Metrics(), HasSubstr("\ncomity_limited_total{limit=\"use-export\"} 1\n"));
}

TEST_F(CustodyLimitsTest, CallsOfADeviceAreHeldToARateAndItsKeysAreNot) {
  Start({"account-calls=1/2"});
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(Generate(1), IsOk()) << "loads the account";
  for (int i = 0; i < 10; ++i) EXPECT_THAT(Generate(1), IsOk());
  const absl::Status refused = GetStatus(*stub_);
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  EXPECT_LE(RetryAfterOf(refused), std::chrono::seconds(1));
  const auto other = pb::CustodyService::NewStub(server_->AsDevice(MakeTestDevice()));
  EXPECT_THAT(GetStatus(*other), IsOk());
}

TEST_F(CustodyLimitsTest, OperatorPersonMaySealAlways) {
  Start({"operator-calls=1/1"});
  const auto person = pb::CustodyService::NewStub(server_->AsPerson("us", "ops-evans"));
  EXPECT_THAT(Call(*person, &Stub::GetSeal, pb::GetSealRequest()), IsOk());
  EXPECT_THAT(Call(*person, &Stub::GetSeal, pb::GetSealRequest()),
              RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Call(*person, &Stub::SealCustody, pb::SealCustodyRequest()), IsOk());
}

TEST_F(CustodyLimitsTest, OtherRegionsServicesAreHeldToARateAndOwnOnesAreNot) {
  Start({"operator-calls=1/1"});
  const auto foreign = pb::CustodyService::NewStub(server_->AsService("cn", ServiceKind::kCustody));
  const auto review = pb::CustodyService::NewStub(server_->AsService("us", ServiceKind::kReview));
  absl::Status last;
  for (int i = 0; i < 2; ++i) {
    last = GetStatus(*foreign);
    EXPECT_THAT(GetStatus(*review), IsOk());
  }
  EXPECT_THAT(last, RefusedWith(Reason::kRateLimited));
}

}  // namespace
}  // namespace comity::custody
