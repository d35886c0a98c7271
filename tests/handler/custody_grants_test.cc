#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/custody.h"
#include "tests/testing/key_grants.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_server.h"

// Data keys of one account in the hands of another one, over real gRPC and mTLS.
namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;
using Stub = pb::CustodyService::Stub;
using testing::SizeIs;

class CustodyGrantsTest : public testing::Test {
 protected:
  CustodyGrantsTest()
      : owner_(deployment_.NewAccount()),
        grantee_(deployment_.NewAccount()),
        stranger_(deployment_.NewAccount()) {
    absl::StatusOr<std::unique_ptr<AuditLog>> audit =
        AuditLog::Open({.directory = directory_.path(), .clock = clock_.get()});
    EXPECT_THAT(audit.status(), IsOk());
    audit_ = *std::move(audit);
    server_ = TestServer::Start(
        deployment_, {.region = "us",
                      .definition = CustodyDefinition(
                          [](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<Seal>> {
                            return std::make_unique<FakeSeal>();
                          }),
                      .clock = clock_,
                      .audit = audit_});
    owners_ = Create(owner_);
    grantees_ = Create(grantee_);
    strangers_ = Create(stranger_);
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);
  template <typename Request, typename Response>
  static absl::StatusOr<Response> Call(Stub& stub, Method<Request, Response> method,
                                       const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status, context);
    return response;
  }
  std::unique_ptr<Stub> Create(TestAccount& account) {
    auto stub = pb::CustodyService::NewStub(server_->AsDevice(account.device()));
    pb::CreateAccountRequest request;
    request.set_request_id(RandomBytes(16));
    for (const Statement& entry : account.entries()) *request.add_chain() = ToProto(entry);
    *request.mutable_account_record() =
        ToProto(account.SignRecord(deployment_.topology(), "US", clock_->Now()));
    EXPECT_THAT(Call(*stub, &Stub::CreateAccount, request), IsOk());
    return stub;
  }
  absl::StatusOr<pb::ChangeKeyGrantsResponse> Hand(Stub& stub, const Statement& statement) {
    pb::ChangeKeyGrantsRequest request;
    request.set_account_id(Owner());
    *request.mutable_statement() = ToProto(statement);
    return Call(stub, &Stub::ChangeKeyGrants, request);
  }
  absl::StatusOr<pb::ChangeKeyGrantsResponse> Give(const KeyGrant& grant) {
    return Hand(*owners_, SignGrant(owner_, grant, clock_->Now(), clock_->Now() + 30 * kDayMs));
  }
  KeyGrant Everything() const {
    KeyGrant grant = ExampleGrant(grantee_.id());
    grant.operations = {KeyOperation::kGenerate, KeyOperation::kWrap, KeyOperation::kUnwrap,
                        KeyOperation::kRewrap};
    return grant;
  }
  std::string Owner() const { return std::string(owner_.id().bytes()); }
  static void FillContext(comity::common::v1::EncryptionContext& context) {
    context.set_object_id(std::string(16, 'o'));
    context.set_content_id(std::string(16, 'c'));
    context.set_purpose(comity::common::v1::PURPOSE_CONTENT);
  }
  // A request for the owner's key under the grant.
  template <typename Request>
  Request Under(const GrantId& grant) const {
    Request request;
    request.set_account_id(Owner());
    request.set_reason(pb::USE_REASON_GRANT);
    request.set_grant_id(std::string(grant.bytes()));
    return request;
  }
  pb::GenerateDataKeyResponse Generate() {
    pb::GenerateDataKeyRequest request;
    request.set_account_id(Owner());
    request.set_reason(pb::USE_REASON_OWNER_ACCESS);
    FillContext(*request.mutable_context());
    return *Call(*owners_, &Stub::GenerateDataKey, request);
  }
  pb::UnwrapDataKeyRequest UnwrapRequest(const std::string& wrapped, const GrantId& grant) const {
    auto request = Under<pb::UnwrapDataKeyRequest>(grant);
    FillContext(*request.mutable_context());
    request.set_wrapped(wrapped);
    return request;
  }
  absl::StatusOr<pb::UnwrapDataKeyResponse> Unwrap(Stub& stub, const std::string& wrapped,
                                                   const GrantId& grant) {
    return Call(stub, &Stub::UnwrapDataKey, UnwrapRequest(wrapped, grant));
  }
  std::vector<pb::AuditRecord> Records(const std::string& method) {
    EXPECT_THAT(audit_->AppendDurably({"/test/Marker", nullptr, {}, Reason::kUnspecified}), IsOk());
    const auto person = pb::CustodyService::NewStub(server_->AsPerson("us", "ops-evans"));
    pb::ListAuditRecordsRequest request;
    request.set_method(method);
    const auto response = Call(*person, &Stub::ListAuditRecords, request);
    EXPECT_THAT(response, IsOk());
    return {response->records().begin(), response->records().end()};
  }

  const TestDeployment& deployment_ = SharedDeployment();
  TempDir directory_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  TestAccount owner_;
  TestAccount grantee_;
  TestAccount stranger_;
  std::shared_ptr<AuditLog> audit_;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<Stub> owners_;
  std::unique_ptr<Stub> grantees_;
  std::unique_ptr<Stub> strangers_;
};

TEST_F(CustodyGrantsTest, GranteeUsesTheOwnersKeyThroughEveryMethod) {
  const KeyGrant grant = Everything();
  ASSERT_OK_AND_ASSIGN(const auto given, Give(grant));
  ASSERT_OK_AND_ASSIGN(const Statement receipt, FromProto(given.receipt()));
  EXPECT_EQ(ParseStatement<KeyGrantReceipt>(receipt)->body.grant, grant.grant);

  const pb::GenerateDataKeyResponse key = Generate();
  ASSERT_OK_AND_ASSIGN(const auto opened, Unwrap(*grantees_, key.wrapped(), grant.grant));
  EXPECT_EQ(opened.plaintext(), key.plaintext());

  auto batch = Under<pb::BatchUnwrapDataKeysRequest>(grant.grant);
  FillContext(*batch.add_items()->mutable_context());
  batch.mutable_items(0)->set_wrapped(key.wrapped());
  ASSERT_OK_AND_ASSIGN(const auto all, Call(*grantees_, &Stub::BatchUnwrapDataKeys, batch));
  EXPECT_EQ(all.plaintexts(0), key.plaintext());

  auto generate = Under<pb::GenerateDataKeyRequest>(grant.grant);
  FillContext(*generate.mutable_context());
  ASSERT_OK_AND_ASSIGN(const auto made, Call(*grantees_, &Stub::GenerateDataKey, generate));
  auto generate_all = Under<pb::BatchGenerateDataKeysRequest>(grant.grant);
  FillContext(*generate_all.add_contexts());
  EXPECT_THAT(Call(*grantees_, &Stub::BatchGenerateDataKeys, generate_all), IsOk());

  auto wrap = Under<pb::WrapDataKeyRequest>(grant.grant);
  FillContext(*wrap.mutable_context());
  wrap.set_plaintext(made.plaintext());
  EXPECT_THAT(Call(*grantees_, &Stub::WrapDataKey, wrap), IsOk());
  auto wrap_all = Under<pb::BatchWrapDataKeysRequest>(grant.grant);
  FillContext(*wrap_all.add_items()->mutable_context());
  wrap_all.mutable_items(0)->set_plaintext(made.plaintext());
  EXPECT_THAT(Call(*grantees_, &Stub::BatchWrapDataKeys, wrap_all), IsOk());

  auto rewrap = Under<pb::RewrapDataKeyRequest>(grant.grant);
  FillContext(*rewrap.mutable_context());
  rewrap.set_wrapped(made.wrapped());
  EXPECT_THAT(Call(*grantees_, &Stub::RewrapDataKey, rewrap), IsOk());
  auto rewrap_all = Under<pb::BatchRewrapDataKeysRequest>(grant.grant);
  FillContext(*rewrap_all.add_items()->mutable_context());
  rewrap_all.mutable_items(0)->set_wrapped(made.wrapped());
  EXPECT_THAT(Call(*grantees_, &Stub::BatchRewrapDataKeys, rewrap_all), IsOk());

  // Each of them refuses a stranger who names the same grant.
  const Reason no = Reason::kAccountNotYours;
  EXPECT_THAT(Unwrap(*strangers_, key.wrapped(), grant.grant), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::BatchUnwrapDataKeys, batch), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::GenerateDataKey, generate), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::BatchGenerateDataKeys, generate_all), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::WrapDataKey, wrap), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::BatchWrapDataKeys, wrap_all), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::RewrapDataKey, rewrap), RefusedWith(no));
  EXPECT_THAT(Call(*strangers_, &Stub::BatchRewrapDataKeys, rewrap_all), RefusedWith(no));
}

TEST_F(CustodyGrantsTest, RevokedGrantIsOutAtOnceAndListedAsSuch) {
  const KeyGrant grant = ExampleGrant(grantee_.id());
  ASSERT_THAT(Give(grant), IsOk());
  const pb::GenerateDataKeyResponse key = Generate();
  ASSERT_THAT(Unwrap(*grantees_, key.wrapped(), grant.grant), IsOk());
  pb::GetKeyGrantsRequest list;
  list.set_account_id(Owner());
  ASSERT_OK_AND_ASSIGN(auto listed, Call(*owners_, &Stub::GetKeyGrants, list));
  ASSERT_THAT(listed.grants(), SizeIs(1));
  EXPECT_EQ(listed.grants(0).state(), pb::GRANT_STATE_IN_FORCE);
  EXPECT_FALSE(listed.grants(0).has_revocation());

  const Statement revocation = SignGrantRevocation(owner_, grant.grant, clock_->Now());
  EXPECT_THAT(Hand(*grantees_, revocation), RefusedWith(Reason::kAccountNotYours));
  ASSERT_THAT(Hand(*owners_, revocation), IsOk());
  EXPECT_THAT(Unwrap(*grantees_, key.wrapped(), grant.grant),
              RefusedWith(Reason::kGrantNotInForce));
  ASSERT_OK_AND_ASSIGN(listed, Call(*owners_, &Stub::GetKeyGrants, list));
  ASSERT_THAT(listed.grants(), SizeIs(1));
  EXPECT_EQ(listed.grants(0).state(), pb::GRANT_STATE_REVOKED);
  ASSERT_OK_AND_ASSIGN(const Statement said, FromProto(listed.grants(0).revocation()));
  EXPECT_EQ(said, revocation);
  EXPECT_TRUE(listed.grants(0).has_revocation_receipt());
  for (Stub* const other : {grantees_.get(), strangers_.get()}) {
    EXPECT_THAT(Call(*other, &Stub::GetKeyGrants, list), RefusedWith(Reason::kAccountNotYours));
  }
}

TEST_F(CustodyGrantsTest, ReasonAndGrantComeTogetherOrNotAtAll) {
  const KeyGrant grant = ExampleGrant(grantee_.id());
  ASSERT_THAT(Give(grant), IsOk());
  const std::string wrapped = Generate().wrapped();
  const auto ask = [&](Stub& stub, const std::function<void(pb::UnwrapDataKeyRequest&)>& change) {
    pb::UnwrapDataKeyRequest request = UnwrapRequest(wrapped, grant.grant);
    change(request);
    return Call(stub, &Stub::UnwrapDataKey, request);
  };
  EXPECT_THAT(ask(*grantees_, [](auto& r) { r.set_reason(pb::USE_REASON_OWNER_ACCESS); }),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ask(*grantees_, [](auto& r) { r.clear_reason(); }),
              RefusedWith(Reason::kReasonUnspecified));
  EXPECT_THAT(ask(*owners_, [](auto& r) { r.clear_grant_id(); }),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ask(*grantees_, [](auto& r) { r.set_grant_id("short"); }),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ask(*grantees_,
                  [](auto& r) {
                    r.clear_grant_id();
                    r.set_reason(pb::USE_REASON_OWNER_ACCESS);
                  }),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(CustodyGrantsTest, RequestsWithoutAStatementAreRefused) {
  pb::ChangeKeyGrantsRequest request;
  request.set_account_id(Owner());
  EXPECT_THAT(Call(*owners_, &Stub::ChangeKeyGrants, request), RefusedWith(Reason::kFieldInvalid));
  request.mutable_statement()->set_body("nothing");
  EXPECT_THAT(Call(*owners_, &Stub::ChangeKeyGrants, request), RefusedWith(Reason::kFieldInvalid));
  *request.mutable_statement() = ToProto(owner_.Sign(Close{}, clock_->Now()));
  EXPECT_THAT(Call(*owners_, &Stub::ChangeKeyGrants, request),
              RefusedWith(Reason::kStatementMalformed));
  request.set_account_id("short");
  EXPECT_THAT(Call(*owners_, &Stub::ChangeKeyGrants, request), RefusedWith(Reason::kFieldInvalid));
  pb::GetKeyGrantsRequest list;
  EXPECT_THAT(Call(*owners_, &Stub::GetKeyGrants, list), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyGrantsTest, RecordsTellWhoUsedWhoseKeyUnderWhichGrant) {
  const KeyGrant grant = ExampleGrant(grantee_.id());
  ASSERT_THAT(Give(grant), IsOk());
  const std::string wrapped = Generate().wrapped();
  ASSERT_THAT(Unwrap(*grantees_, wrapped, grant.grant), IsOk());
  ASSERT_THAT(Unwrap(*strangers_, wrapped, grant.grant), RefusedWith(Reason::kAccountNotYours));
  const std::vector<pb::AuditRecord> uses = Records("UnwrapDataKey");
  ASSERT_THAT(uses, SizeIs(2));
  EXPECT_EQ(uses[0].account_id(), Owner());
  EXPECT_EQ(uses[0].caller_key_id(), grantee_.device().key.public_key().id().bytes());
  EXPECT_EQ(uses[0].grant_id(), grant.grant.bytes());
  EXPECT_EQ(uses[0].use(), pb::USE_REASON_GRANT);
  EXPECT_EQ(uses[0].items(), 1u);
  EXPECT_EQ(uses[1].caller_key_id(), stranger_.device().key.public_key().id().bytes());
  EXPECT_EQ(uses[1].outcome(), comity::common::v1::ERROR_REASON_ACCOUNT_NOT_YOURS);
  EXPECT_EQ(uses[1].grant_id(), grant.grant.bytes());
  const std::vector<pb::AuditRecord> changes = Records("ChangeKeyGrants");
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes[0].grant_id(), grant.grant.bytes());
  EXPECT_EQ(changes[0].account_id(), Owner());
  EXPECT_TRUE(Records("GenerateDataKey").at(0).grant_id().empty());
}

}  // namespace
}  // namespace comity::custody
