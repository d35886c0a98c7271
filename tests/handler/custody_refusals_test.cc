#include <functional>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/handler/custody_service_fixture.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/matchers.h"

// What a custody refuses before it looks at an account.
namespace comity::custody {
namespace {

TEST_F(CustodyServiceTest, MalformedCreateIsRefused) {
  pb::CreateAccountRequest request = CreateRequest();
  request.set_request_id("short");
  EXPECT_THAT(Call(&pb::CustodyService::Stub::CreateAccount, request),
              RefusedWith(Reason::kFieldInvalid));
  request = CreateRequest();
  request.clear_chain();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::CreateAccount, request),
              RefusedWith(Reason::kFieldInvalid));
  request = CreateRequest();
  request.clear_account_record();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::CreateAccount, request),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, UseWithoutReasonIsRefused) {
  pb::GenerateDataKeyRequest request = GenerateRequest();
  request.clear_reason();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kReasonUnspecified));
  request.set_reason(static_cast<pb::UseReason>(77));
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kReasonUnspecified));
}

TEST_F(CustodyServiceTest, MalformedContextIsRefused) {
  pb::GenerateDataKeyRequest request = GenerateRequest();
  request.clear_context();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kFieldInvalid));
  request = GenerateRequest();
  request.mutable_context()->set_object_id("short");
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kFieldInvalid));
  request = GenerateRequest();
  request.mutable_context()->set_content_id(std::string(17, 'c'));
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kFieldInvalid));
  request = GenerateRequest();
  request.mutable_context()->clear_purpose();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kContextInvalid));
  request = GenerateRequest();
  comity::common::v1::ContextPair& pair = *request.mutable_context()->add_pairs();
  pair.set_name("comity-x");
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, request),
              RefusedWith(Reason::kContextInvalid));
}

TEST_F(CustodyServiceTest, MalformedKeysAreRefused) {
  EXPECT_THAT(Call(&pb::CustodyService::Stub::WrapDataKey, WrapRequest(std::string(31, 'p'))),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Call(&pb::CustodyService::Stub::UnwrapDataKey, UnwrapRequest("")),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Call(&pb::CustodyService::Stub::UnwrapDataKey, UnwrapRequest(std::string(257, 'w'))),
              RefusedWith(Reason::kFieldInvalid));
  pb::UnwrapDataKeyRequest request = UnwrapRequest("x");
  request.set_account_id("short");
  EXPECT_THAT(Call(&pb::CustodyService::Stub::UnwrapDataKey, request),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, BatchesHaveOneToAThousandAndTwentyFourItems) {
  ASSERT_THAT(Create(), IsOk());
  pb::BatchGenerateDataKeysRequest request;
  request.set_account_id(Id());
  request.set_reason(pb::USE_REASON_OWNER_ACCESS);
  EXPECT_THAT(Call(&pb::CustodyService::Stub::BatchGenerateDataKeys, request),
              RefusedWith(Reason::kFieldInvalid));
  for (int i = 0; i < 1'024; ++i) {
    FillContext(*request.add_contexts());
  }
  ASSERT_OK_AND_ASSIGN(const auto made,
                       Call(&pb::CustodyService::Stub::BatchGenerateDataKeys, request));
  EXPECT_EQ(made.keys_size(), 1'024);
  FillContext(*request.add_contexts());
  EXPECT_THAT(Call(&pb::CustodyService::Stub::BatchGenerateDataKeys, request),
              RefusedWith(Reason::kFieldInvalid));
  pb::BatchUnwrapDataKeysRequest unwrap;
  unwrap.set_account_id(Id());
  unwrap.set_reason(pb::USE_REASON_OWNER_ACCESS);
  EXPECT_THAT(Call(&pb::CustodyService::Stub::BatchUnwrapDataKeys, unwrap),
              RefusedWith(Reason::kFieldInvalid));
  pb::BatchWrapDataKeysRequest wrap;
  wrap.set_account_id(Id());
  wrap.set_reason(pb::USE_REASON_OWNER_ACCESS);
  EXPECT_THAT(Call(&pb::CustodyService::Stub::BatchWrapDataKeys, wrap),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, NonceHasSixteenToSixtyFourBytesOrNone) {
  ASSERT_THAT(Create(), IsOk());
  pb::GetKeyLocationRequest request;
  request.set_account_id(Id());
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GetKeyLocation, request), IsOk());
  request.set_nonce(std::string(15, 'n'));
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GetKeyLocation, request),
              RefusedWith(Reason::kFieldInvalid));
  request.set_nonce(std::string(65, 'n'));
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GetKeyLocation, request),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, DeliveryHasAtMostSixtyFourStatements) {
  ASSERT_THAT(Create(), IsOk());
  pb::DeliverStatementRequest request;
  request.set_account_id(Id());
  for (int i = 0; i < 65; ++i) {
    *request.add_statements() = ToProto(record_);
  }
  EXPECT_THAT(Call(&pb::CustodyService::Stub::DeliverStatement, request),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, ExecutionWithoutAuthorisationOrWrapsIsRefused) {
  const auto review = pb::CustodyService::NewStub(server_->AsService("us", ServiceKind::kReview));
  pb::ExecuteAuthorisationRequest request;
  EXPECT_THAT(CallAs(*review, &pb::CustodyService::Stub::ExecuteAuthorisation, request),
              RefusedWith(Reason::kAuthorisationInvalid));
  *request.mutable_authorisation() = ToProto(
      TestAuthorisation(deployment_, owner_.id(), {ContentId()}, clock_->Now(), "us").Build());
  EXPECT_THAT(CallAs(*review, &pb::CustodyService::Stub::ExecuteAuthorisation, request),
              RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity::custody
