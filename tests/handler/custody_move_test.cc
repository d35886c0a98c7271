#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/server/status_codec.h"
#include "services/common/server/topology_mark.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

// A key moves between two custodies over real gRPC and mTLS.
namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;

class CustodyMoveServiceTest : public testing::Test {
 protected:
  // What a custody has on disk.
  struct Disk {
    std::shared_ptr<FakeRecordStore> records = std::make_shared<FakeRecordStore>();
    std::shared_ptr<FakeBlobStore> blobs = std::make_shared<FakeBlobStore>();
  };

  CustodyMoveServiceTest() : owner_(deployment_.NewAccount()) { us_ = Start("us", us_disk_); }

  std::unique_ptr<TestServer> Start(const std::string& region, const Disk& disk) {
    ServiceDefinition definition = CustodyDefinition(
        [](const ServiceEnvironment& environment) -> absl::StatusOr<std::unique_ptr<Seal>> {
          return std::make_unique<FakeSeal>(environment.region().name()[0]);
        });
    auto server = TestServer::Start(deployment_, {.region = region,
                                                  .definition = std::move(definition),
                                                  .clock = clock_,
                                                  .records = disk.records,
                                                  .blobs = disk.blobs,
                                                  .addresses = &addresses_});
    EXPECT_NE(server, nullptr);
    return server;
  }
  absl::StatusOr<std::vector<Statement>> Deliver(const std::shared_ptr<grpc::Channel>& channel,
                                                 const std::vector<Statement>& statements) {
    pb::DeliverStatementRequest request;
    request.set_account_id(std::string(owner_.id().bytes()));
    for (const Statement& statement : statements) {
      *request.add_statements() = ToProto(statement);
    }
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    pb::DeliverStatementResponse response;
    const grpc::Status status =
        pb::CustodyService::NewStub(channel)->DeliverStatement(&context, request, &response);
    if (!status.ok()) {
      return FromGrpcStatus(status, context);
    }
    return FromProto(response.statements(), 64);
  }
  void Create() {
    pb::CreateAccountRequest request;
    request.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_.entries()) {
      *request.add_chain() = ToProto(entry);
    }
    *request.mutable_account_record() =
        ToProto(owner_.SignRecord(deployment_.topology(), "CN", clock_->Now()));
    grpc::ClientContext context;
    pb::CreateAccountResponse response;
    ASSERT_TRUE(pb::CustodyService::NewStub(us_->AsDevice(owner_.device()))
                    ->CreateAccount(&context, request, &response)
                    .ok());
    clock_->Advance(TestDeployment::kHandover + kDayMs - clock_->Now());
    const Statement consent = owner_.SignConsent(deployment_.topology(), "CN",
                                                 TestDeployment::Region("us"), 1, clock_->Now());
    ASSERT_THAT(Deliver(us_->AsDevice(owner_.device()), {consent}), IsOk());
    evidence_ = SignMoveEvidence(deployment_, owner_.id(), 2, consent.digest(), clock_->Now());
  }
  std::string Generate() {
    pb::GenerateDataKeyRequest request;
    request.set_account_id(std::string(owner_.id().bytes()));
    FillContext(*request.mutable_context());
    request.set_reason(pb::USE_REASON_OWNER_ACCESS);
    grpc::ClientContext context;
    pb::GenerateDataKeyResponse response;
    EXPECT_TRUE(pb::CustodyService::NewStub(us_->AsDevice(owner_.device()))
                    ->GenerateDataKey(&context, request, &response)
                    .ok());
    plaintext_ = response.plaintext();
    return response.wrapped();
  }
  static void FillContext(comity::common::v1::EncryptionContext& context) {
    context.set_object_id(std::string(16, 'o'));
    context.set_content_id(std::string(16, 'c'));
    context.set_purpose(comity::common::v1::PURPOSE_CONTENT);
  }
  absl::StatusOr<std::string> Unwrap(TestServer& server, const std::string& wrapped) {
    pb::UnwrapDataKeyRequest request;
    request.set_account_id(std::string(owner_.id().bytes()));
    FillContext(*request.mutable_context());
    request.set_wrapped(wrapped);
    request.set_reason(pb::USE_REASON_OWNER_VERIFY);
    grpc::ClientContext context;
    pb::UnwrapDataKeyResponse response;
    const grpc::Status status = pb::CustodyService::NewStub(server.AsDevice(owner_.device()))
                                    ->UnwrapDataKey(&context, request, &response);
    if (!status.ok()) {
      return FromGrpcStatus(status, context);
    }
    return response.plaintext();
  }
  std::shared_ptr<grpc::Channel> Storage() { return us_->AsService("us", ServiceKind::kStorage); }

  const TestDeployment& deployment_ = SharedDeployment();
  TestAddresses addresses_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  const Disk us_disk_;
  const Disk cn_disk_;
  TestAccount owner_;
  std::unique_ptr<TestServer> us_;
  MoveEvidence evidence_;
  std::string plaintext_;
};

TEST_F(CustodyMoveServiceTest, KeyMovesAcrossTheBorder) {
  Create();
  const std::string wrapped = Generate();
  const auto cn = Start("cn", cn_disk_);
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Storage(), evidence_.All()));
  EXPECT_NE(FindType(answer, Release::kType, "us"), nullptr);
  EXPECT_NE(FindType(answer, Activation::kType, "cn"), nullptr);
  EXPECT_THAT(Unwrap(*cn, wrapped), IsOkAndHolds(plaintext_));
  EXPECT_THAT(Unwrap(*us_, wrapped), RefusedWith(Reason::kAccountNotHere));
}

TEST_F(CustodyMoveServiceTest, DestinationThatIsDownIsFoundAfterARestart) {
  Create();
  const std::string wrapped = Generate();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Storage(), evidence_.All()));
  EXPECT_EQ(FindType(answer, Release::kType, "us"), nullptr);
  EXPECT_THAT(Unwrap(*us_, wrapped), IsOkAndHolds(plaintext_));
  const auto cn = Start("cn", cn_disk_);
  us_.reset();  // with its channels, which would wait before they try again
  us_ = Start("us", us_disk_);
  ASSERT_OK_AND_ASSIGN(const auto again, Deliver(Storage(), evidence_.All()));
  EXPECT_NE(FindType(again, Activation::kType, "cn"), nullptr);
  EXPECT_THAT(Unwrap(*cn, wrapped), IsOkAndHolds(plaintext_));
}

TEST_F(CustodyMoveServiceTest, SourceThatRestartsAfterTheFenceAborts) {
  Create();
  const std::string wrapped = Generate();
  ASSERT_THAT(Deliver(Storage(), {evidence_.fence, evidence_.source_endorsement}), IsOk());
  us_.reset();
  us_ = Start("us", us_disk_);
  clock_->Advance(30 * kSecondMs);
  us_->environment().TickOnce();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Storage(), evidence_.All()));
  EXPECT_NE(FindType(answer, Abort::kType, "us"), nullptr);
  EXPECT_THAT(Unwrap(*us_, wrapped), IsOkAndHolds(plaintext_));
}

TEST_F(CustodyMoveServiceTest, CustodyOfARegionWithoutABorderIsRefused) {
  Create();
  grpc::ClientContext context;
  context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(deployment_.topology())));
  pb::GetTransportKeyRequest request;
  request.set_account_id(std::string(owner_.id().bytes()));
  request.set_account_epoch(2);
  pb::GetTransportKeyResponse response;
  // Nothing leads from "cn" to "us".
  const grpc::Status status =
      pb::CustodyService::NewStub(us_->AsService("cn", ServiceKind::kCustody))
          ->GetTransportKey(&context, request, &response);
  EXPECT_THAT(FromGrpcStatus(status, context), RefusedWith(Reason::kBorderClosed));
}

TEST_F(CustodyMoveServiceTest, MalformedImportIsRefused) {
  const auto cn = Start("cn", cn_disk_);
  const auto stub = pb::CustodyService::NewStub(cn->AsService("us", ServiceKind::kCustody));
  const auto import = [&](const pb::ImportKeysRequest& request) {
    grpc::ClientContext context;
    context.AddMetadata(kTopologyMetadata, FormatTopologyMark(MarkOf(deployment_.topology())));
    pb::ImportKeysResponse response;
    const grpc::Status status = stub->ImportKeys(&context, request, &response);
    return FromGrpcStatus(status, context);
  };
  pb::ImportKeysRequest request;
  EXPECT_THAT(import(request), RefusedWith(Reason::kFieldInvalid));
  request.set_account_id(std::string(owner_.id().bytes()));
  EXPECT_THAT(import(request), RefusedWith(Reason::kFieldInvalid));
  request.set_account_epoch(2);
  EXPECT_THAT(import(request), RefusedWith(Reason::kConsentMissing));
  *request.mutable_consent() = ToProto(owner_.entries().front());
  EXPECT_THAT(import(request), RefusedWith(Reason::kFieldInvalid));
  *request.mutable_export_statement() = ToProto(owner_.entries().front());
  EXPECT_THAT(import(request), RefusedWith(Reason::kEndorsementMissing));
  *request.mutable_endorsement() = ToProto(owner_.entries().front());
  EXPECT_THAT(import(request), RefusedWith(Reason::kFieldInvalid));
  request.set_sealed_keys(std::string((64 << 10) + 1, 'k'));
  EXPECT_THAT(import(request), RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity::custody
