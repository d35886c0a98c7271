#ifndef COMITY_TESTS_HANDLER_CUSTODY_SERVICE_FIXTURE_H_
#define COMITY_TESTS_HANDLER_CUSTODY_SERVICE_FIXTURE_H_

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/custody.h"
#include "tests/testing/test_server.h"

namespace comity::custody {

namespace pb = comity::custody::v1;

inline ServiceDefinition FakelySealedCustody() {
  return CustodyDefinition([](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<Seal>> {
    return std::make_unique<FakeSeal>();
  });
}

// One custody over real gRPC and mTLS, and the owner of an account that it may be asked to make.
class CustodyServiceTest : public testing::Test {
 protected:
  CustodyServiceTest() : owner_(deployment_.NewAccount()) {
    server_ = TestServer::Start(
        deployment_, {.region = "us", .definition = FakelySealedCustody(), .clock = clock_});
    stub_ = pb::CustodyService::NewStub(server_->AsDevice(owner_.device()));
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (pb::CustodyService::Stub::*)(grpc::ClientContext*, const Request&,
                                                            Response*);
  template <typename Request, typename Response>
  absl::StatusOr<Response> CallAs(pb::CustodyService::Stub& stub, Method<Request, Response> method,
                                  const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) {
      return FromGrpcStatus(status, context);
    }
    return response;
  }
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request) {
    return CallAs(*stub_, method, request);
  }

  pb::CreateAccountRequest CreateRequest() {
    pb::CreateAccountRequest request;
    request.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_.entries()) {
      *request.add_chain() = ToProto(entry);
    }
    *request.mutable_account_record() = ToProto(record_);
    return request;
  }
  absl::StatusOr<pb::CreateAccountResponse> Create() {
    return Call(&pb::CustodyService::Stub::CreateAccount, CreateRequest());
  }
  absl::Status Rotate() {
    pb::RotateAccountKeyRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_account_id(Id());
    return Call(&pb::CustodyService::Stub::RotateAccountKey, request).status();
  }
  std::string Id() const { return std::string(owner_.id().bytes()); }
  static void FillContext(comity::common::v1::EncryptionContext& context) {
    context.set_object_id(std::string(16, 'o'));
    context.set_content_id(std::string(16, 'c'));
    context.set_purpose(comity::common::v1::PURPOSE_CONTENT);
  }
  pb::GenerateDataKeyRequest GenerateRequest() {
    pb::GenerateDataKeyRequest request;
    request.set_account_id(Id());
    FillContext(*request.mutable_context());
    request.set_reason(pb::USE_REASON_OWNER_ACCESS);
    return request;
  }
  pb::UnwrapDataKeyRequest UnwrapRequest(const std::string& wrapped) {
    pb::UnwrapDataKeyRequest request;
    request.set_account_id(Id());
    FillContext(*request.mutable_context());
    request.set_wrapped(wrapped);
    request.set_reason(pb::USE_REASON_OWNER_ACCESS);
    return request;
  }
  pb::WrapDataKeyRequest WrapRequest(const std::string& plaintext) {
    pb::WrapDataKeyRequest request;
    request.set_account_id(Id());
    FillContext(*request.mutable_context());
    request.set_plaintext(plaintext);
    request.set_reason(pb::USE_REASON_OWNER_ACCESS);
    return request;
  }

  const TestDeployment& deployment_ = SharedDeployment();
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  TestAccount owner_;
  const Statement record_ = owner_.SignRecord(deployment_.topology(), "CN", clock_->Now());
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<pb::CustodyService::Stub> stub_;
};

}  // namespace comity::custody

#endif  // COMITY_TESTS_HANDLER_CUSTODY_SERVICE_FIXTURE_H_
