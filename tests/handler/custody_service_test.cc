#include "services/custody/custody_service.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "services/custody/wrapped_key.h"
#include "tests/handler/custody_service_fixture.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/closed_by_default.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

// One custody over real gRPC and mTLS.
namespace comity::custody {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST_F(CustodyServiceTest, IsClosedByDefault) {
  ExpectClosedByDefault(
      *pb::CreateAccountRequest::descriptor()->file()->FindServiceByName("CustodyService"),
      deployment_, *server_);
}

TEST_F(CustodyServiceTest, StatusNamesSealAndAccounts) {
  ASSERT_THAT(Create(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto response,
                       Call(&pb::CustodyService::Stub::GetStatus, pb::GetStatusRequest()));
  EXPECT_EQ(response.status().service(), "custody");
  EXPECT_EQ(response.status().region(), "us");
  EXPECT_EQ(response.status().seal(), "keyfile (development seal)");
  EXPECT_FALSE(response.status().sealed());
  EXPECT_EQ(response.status().accounts(), 1u);
  EXPECT_EQ(response.status().log_quorum(), "none");
  EXPECT_GE(response.status().log_size(), 1u);
}

TEST_F(CustodyServiceTest, ActivationComesWithItsEndorsement) {
  ASSERT_OK_AND_ASSIGN(const auto response, Create());
  ASSERT_OK_AND_ASSIGN(const Statement activation, FromProto(response.activation()));
  ASSERT_OK_AND_ASSIGN(const Statement endorsement, FromProto(response.endorsement()));
  ASSERT_OK_AND_ASSIGN(const PublicKey key, deployment_.topology().VerifyEndorsement(
                                                endorsement, TestDeployment::Region("us"),
                                                ServiceKind::kCustody, clock_->Now()));
  EXPECT_THAT(VerifyStatement<Activation>(activation, key), IsOk());
}

TEST_F(CustodyServiceTest, GeneratedKeyUnwrapsColdAndCached) {
  ASSERT_THAT(Create(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto made,
                       Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()));
  EXPECT_THAT(made.plaintext(), SizeIs(32));
  for (int i = 0; i < 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto opened, Call(&pb::CustodyService::Stub::UnwrapDataKey,
                                                 UnwrapRequest(made.wrapped())));
    EXPECT_EQ(opened.plaintext(), made.plaintext());
  }
}

TEST_F(CustodyServiceTest, WrapAloneComesWithoutItsKeyAndOpensToOne) {
  ASSERT_THAT(Create(), IsOk());
  pb::GenerateDataKeyRequest one = GenerateRequest();
  one.set_form(pb::DATA_KEY_FORM_WRAP_ALONE);
  ASSERT_OK_AND_ASSIGN(const auto made, Call(&pb::CustodyService::Stub::GenerateDataKey, one));
  EXPECT_THAT(made.plaintext(), IsEmpty());
  pb::BatchGenerateDataKeysRequest batch;
  batch.set_account_id(Id());
  batch.set_reason(pb::USE_REASON_OWNER_ACCESS);
  batch.set_form(pb::DATA_KEY_FORM_WRAP_ALONE);
  FillContext(*batch.add_contexts());
  ASSERT_OK_AND_ASSIGN(const auto more,
                       Call(&pb::CustodyService::Stub::BatchGenerateDataKeys, batch));
  ASSERT_EQ(more.keys_size(), 1);
  EXPECT_THAT(more.keys(0).plaintext(), IsEmpty());
  std::vector<std::string> keys;
  for (const std::string& wrapped : {made.wrapped(), more.keys(0).wrapped()}) {
    ASSERT_OK_AND_ASSIGN(const auto opened,
                         Call(&pb::CustodyService::Stub::UnwrapDataKey, UnwrapRequest(wrapped)));
    EXPECT_THAT(opened.plaintext(), SizeIs(32));
    keys.push_back(opened.plaintext());
  }
  EXPECT_NE(keys[0], keys[1]);
  one.set_form(pb::DATA_KEY_FORM_UNSPECIFIED);
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, one),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, WrappedKeyUnwraps) {
  ASSERT_THAT(Create(), IsOk());
  const std::string plaintext(32, 'p');
  ASSERT_OK_AND_ASSIGN(const auto wrapped,
                       Call(&pb::CustodyService::Stub::WrapDataKey, WrapRequest(plaintext)));
  ASSERT_OK_AND_ASSIGN(const auto opened, Call(&pb::CustodyService::Stub::UnwrapDataKey,
                                               UnwrapRequest(wrapped.wrapped())));
  EXPECT_EQ(opened.plaintext(), plaintext);
}

TEST_F(CustodyServiceTest, BatchesKeepTheirOrder) {
  ASSERT_THAT(Create(), IsOk());
  pb::BatchWrapDataKeysRequest wrap;
  pb::BatchGenerateDataKeysRequest generate;
  wrap.set_account_id(Id());
  wrap.set_reason(pb::USE_REASON_OWNER_ACCESS);
  generate.set_account_id(Id());
  generate.set_reason(pb::USE_REASON_OWNER_EXPORT);
  for (char c = 'a'; c < 'e'; ++c) {
    pb::WrapItem& item = *wrap.add_items();
    FillContext(*item.mutable_context());
    item.set_plaintext(std::string(32, c));
    FillContext(*generate.add_contexts());
  }
  ASSERT_OK_AND_ASSIGN(const auto wrapped,
                       Call(&pb::CustodyService::Stub::BatchWrapDataKeys, wrap));
  ASSERT_OK_AND_ASSIGN(const auto made,
                       Call(&pb::CustodyService::Stub::BatchGenerateDataKeys, generate));
  pb::BatchUnwrapDataKeysRequest unwrap;
  unwrap.set_account_id(Id());
  unwrap.set_reason(pb::USE_REASON_OWNER_VERIFY);
  const auto add = [&unwrap](const std::string& bytes) {
    pb::UnwrapItem& item = *unwrap.add_items();
    FillContext(*item.mutable_context());
    item.set_wrapped(bytes);
  };
  for (const std::string& bytes : wrapped.wrapped()) {
    add(bytes);
  }
  for (const pb::GenerateDataKeyResponse& key : made.keys()) {
    add(key.wrapped());
  }
  ASSERT_OK_AND_ASSIGN(const auto opened,
                       Call(&pb::CustodyService::Stub::BatchUnwrapDataKeys, unwrap));
  ASSERT_EQ(opened.plaintexts_size(), 8);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(opened.plaintexts(i), std::string(32, static_cast<char>('a' + i)));
    EXPECT_EQ(opened.plaintexts(4 + i), made.keys(i).plaintext());
  }
}

TEST_F(CustodyServiceTest, KeyAndLocationAreShownToTheOwnerAlone) {
  ASSERT_THAT(Create(), IsOk());
  pb::GetAccountKeyRequest key;
  key.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(const auto view, Call(&pb::CustodyService::Stub::GetAccountKey, key));
  ASSERT_EQ(view.versions_size(), 1);
  EXPECT_EQ(view.versions(0).version(), 1u);
  EXPECT_EQ(view.versions(0).state(), pb::KEY_STATE_ENABLED);
  EXPECT_EQ(view.account_epoch(), 1u);
  EXPECT_GE(view.statements_size(), 3);
  pb::GetKeyLocationRequest location;
  location.set_account_id(Id());
  location.set_nonce(std::string(16, 'n'));
  ASSERT_OK_AND_ASSIGN(const auto attested,
                       Call(&pb::CustodyService::Stub::GetKeyLocation, location));
  ASSERT_OK_AND_ASSIGN(const Statement statement, FromProto(attested.attestation()));
  EXPECT_EQ(ParseStatement<KeyLocation>(statement)->body.nonce, std::string(16, 'n'));

  const auto stranger = pb::CustodyService::NewStub(server_->AsDevice(MakeTestDevice()));
  EXPECT_THAT(CallAs(*stranger, &pb::CustodyService::Stub::GetAccountKey, key),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(CallAs(*stranger, &pb::CustodyService::Stub::GetKeyLocation, location),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(CallAs(*stranger, &pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(CustodyServiceTest, RotationIsSignedAndWrapsWhatComesAfter) {
  ASSERT_THAT(Create(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto old,
                       Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()));
  pb::RotateAccountKeyRequest rotate;
  rotate.set_request_id(RandomBytes(16));
  rotate.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(const auto rotated,
                       Call(&pb::CustodyService::Stub::RotateAccountKey, rotate));
  EXPECT_EQ(rotated.version(), 2u);
  ASSERT_OK_AND_ASSIGN(const Statement endorsement, FromProto(rotated.endorsement()));
  ASSERT_OK_AND_ASSIGN(const PublicKey key, deployment_.topology().VerifyEndorsement(
                                                endorsement, TestDeployment::Region("us"),
                                                ServiceKind::kCustody, clock_->Now()));
  ASSERT_OK_AND_ASSIGN(const Statement statement, FromProto(rotated.rotation()));
  ASSERT_OK_AND_ASSIGN(const auto body, VerifyStatement<KeyRotation>(statement, key));
  EXPECT_EQ(body.body.version, 2u);
  ASSERT_OK_AND_ASSIGN(const auto repeated,
                       Call(&pb::CustodyService::Stub::RotateAccountKey, rotate));
  EXPECT_EQ(repeated.rotation().body(), rotated.rotation().body());

  ASSERT_OK_AND_ASSIGN(const auto made,
                       Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()));
  EXPECT_EQ(ParseWrappedKey(made.wrapped())->version, 2u);
  for (const auto& generated : {old, made}) {
    ASSERT_OK_AND_ASSIGN(const auto opened, Call(&pb::CustodyService::Stub::UnwrapDataKey,
                                                 UnwrapRequest(generated.wrapped())));
    EXPECT_EQ(opened.plaintext(), generated.plaintext());
  }
  const auto stranger = pb::CustodyService::NewStub(server_->AsDevice(MakeTestDevice()));
  rotate.set_request_id(RandomBytes(16));
  EXPECT_THAT(CallAs(*stranger, &pb::CustodyService::Stub::RotateAccountKey, rotate),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(CustodyServiceTest, MalformedRotationIsRefused) {
  ASSERT_THAT(Create(), IsOk());
  pb::RotateAccountKeyRequest request;
  request.set_account_id(Id());
  for (const std::string& id : {std::string(), std::string(15, 'r'), std::string(16, '\0')}) {
    request.set_request_id(id);
    EXPECT_THAT(Call(&pb::CustodyService::Stub::RotateAccountKey, request),
                RefusedWith(Reason::kFieldInvalid));
  }
  request.set_request_id(RandomBytes(16));
  request.set_account_id("short");
  EXPECT_THAT(Call(&pb::CustodyService::Stub::RotateAccountKey, request),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, ChangesOfVersionsAreSignedAndListed) {
  ASSERT_THAT(Create(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto old,
                       Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()));
  ASSERT_THAT(Rotate(), IsOk());
  const auto change = [&](const std::function<void(pb::ChangeAccountKeyRequest&)>& fill) {
    pb::ChangeAccountKeyRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_account_id(Id());
    fill(request);
    return Call(&pb::CustodyService::Stub::ChangeAccountKey, request);
  };
  const auto kind_of = [](const pb::ChangeAccountKeyResponse& response) {
    return ParseStatement<KeyChange>(FromProto(response.change()).value())->body.kind;
  };
  ASSERT_OK_AND_ASSIGN(const auto disabled, change([](auto& r) { r.set_disable_version(1); }));
  EXPECT_EQ(kind_of(disabled), KeyChangeKind::kDisable);
  EXPECT_TRUE(disabled.has_endorsement());
  EXPECT_THAT(Call(&pb::CustodyService::Stub::UnwrapDataKey, UnwrapRequest(old.wrapped())),
              RefusedWith(Reason::kKeyDisabled));
  ASSERT_OK_AND_ASSIGN(const auto enabled, change([](auto& r) { r.set_enable_version(1); }));
  EXPECT_EQ(kind_of(enabled), KeyChangeKind::kEnable);
  ASSERT_OK_AND_ASSIGN(const auto scheduled, change([](auto& r) {
                         r.mutable_schedule_destruction()->set_version(1);
                         r.mutable_schedule_destruction()->set_days(7);
                       }));
  EXPECT_EQ(kind_of(scheduled), KeyChangeKind::kScheduleDestruction);
  pb::GetAccountKeyRequest ask;
  ask.set_account_id(Id());
  ASSERT_OK_AND_ASSIGN(auto key, Call(&pb::CustodyService::Stub::GetAccountKey, ask));
  EXPECT_EQ(key.versions(0).state(), pb::KEY_STATE_DESTROY_SCHEDULED);
  EXPECT_EQ(key.versions(0).destroy_time_ms(), clock_->Now() + 7 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const auto cancelled, change([](auto& r) { r.set_cancel_destruction(1); }));
  EXPECT_EQ(kind_of(cancelled), KeyChangeKind::kCancelDestruction);
  ASSERT_OK_AND_ASSIGN(const auto raised, change([](auto& r) { r.set_min_unwrap_version(2); }));
  EXPECT_EQ(kind_of(raised), KeyChangeKind::kSetMinUnwrapVersion);
  ASSERT_OK_AND_ASSIGN(const auto rotating, change([](auto& r) { r.set_rotation_days(90); }));
  EXPECT_EQ(kind_of(rotating), KeyChangeKind::kSetRotation);
  ASSERT_OK_AND_ASSIGN(key, Call(&pb::CustodyService::Stub::GetAccountKey, ask));
  EXPECT_EQ(key.versions(0).state(), pb::KEY_STATE_DISABLED);
  EXPECT_EQ(key.min_unwrap_version(), 2u);
  EXPECT_EQ(key.rotation_days(), 90u);
  EXPECT_EQ(key.next_rotation_time_ms(), clock_->Now() + 90 * kDayMs);
  EXPECT_THAT(change([](auto&) {}), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(change([](auto& r) {
                r.set_disable_version(1);
                r.set_request_id(std::string(16, '\0'));
              }),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, RewrappingGivesEachItemItsResult) {
  ASSERT_THAT(Create(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto old,
                       Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()));
  ASSERT_THAT(Rotate(), IsOk());
  pb::BatchRewrapDataKeysRequest batch;
  batch.set_account_id(Id());
  batch.set_reason(pb::USE_REASON_OWNER_REWRAP);
  const pb::UnwrapDataKeyRequest unwrap = UnwrapRequest(old.wrapped());
  *batch.add_items()->mutable_context() = unwrap.context();
  batch.mutable_items(0)->set_wrapped(old.wrapped());
  *batch.add_items() = batch.items(0);
  batch.mutable_items(1)->mutable_wrapped()->back() ^= 1;
  ASSERT_OK_AND_ASSIGN(const auto rewrapped,
                       Call(&pb::CustodyService::Stub::BatchRewrapDataKeys, batch));
  ASSERT_EQ(rewrapped.results_size(), 2);
  EXPECT_EQ(ParseWrappedKey(rewrapped.results(0).wrapped())->version, 2u);
  EXPECT_EQ(rewrapped.results(0).reason(), comity::common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_TRUE(rewrapped.results(1).wrapped().empty());
  EXPECT_EQ(rewrapped.results(1).reason(), comity::common::v1::ERROR_REASON_DATA_CORRUPT);
  ASSERT_OK_AND_ASSIGN(const auto opened, Call(&pb::CustodyService::Stub::UnwrapDataKey,
                                               UnwrapRequest(rewrapped.results(0).wrapped())));
  EXPECT_EQ(opened.plaintext(), old.plaintext());
  pb::RewrapDataKeyRequest one;
  one.set_account_id(Id());
  one.set_reason(pb::USE_REASON_OWNER_REWRAP);
  *one.mutable_context() = unwrap.context();
  one.set_wrapped(old.wrapped());
  ASSERT_OK_AND_ASSIGN(const auto single, Call(&pb::CustodyService::Stub::RewrapDataKey, one));
  EXPECT_EQ(ParseWrappedKey(single.wrapped())->version, 2u);
  one.set_wrapped(batch.items(1).wrapped());
  EXPECT_THAT(Call(&pb::CustodyService::Stub::RewrapDataKey, one),
              RefusedWith(Reason::kDataCorrupt));
  one.clear_reason();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::RewrapDataKey, one),
              RefusedWith(Reason::kReasonUnspecified));
  batch.clear_items();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::BatchRewrapDataKeys, batch),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, DeliveredStatementsAreAnswered) {
  ASSERT_THAT(Create(), IsOk());
  pb::DeliverStatementRequest request;
  request.set_account_id(Id());
  *request.add_statements() = ToProto(owner_.Sign(Close{}, clock_->Now()));
  ASSERT_OK_AND_ASSIGN(const auto response,
                       Call(&pb::CustodyService::Stub::DeliverStatement, request));
  bool closing = false;
  for (const auto& message : response.statements()) {
    closing |= PeekEnvelope(FromProto(message).value())->type == KeyClosing::kType;
  }
  EXPECT_TRUE(closing);
  clock_->Advance(30 * kDayMs);
  server_->environment().TickOnce();
  EXPECT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()),
              RefusedWith(Reason::kKeyDestroyed));
}

TEST_F(CustodyServiceTest, RecordKeyIsReviewsAlone) {
  const auto review = pb::CustodyService::NewStub(server_->AsService("us", ServiceKind::kReview));
  ASSERT_OK_AND_ASSIGN(const auto made, CallAs(*review, &pb::CustodyService::Stub::OpenRecordKey,
                                               pb::OpenRecordKeyRequest()));
  pb::OpenRecordKeyRequest open;
  open.set_wrapped(made.wrapped());
  ASSERT_OK_AND_ASSIGN(const auto opened,
                       CallAs(*review, &pb::CustodyService::Stub::OpenRecordKey, open));
  EXPECT_EQ(opened.plaintext(), made.plaintext());
  EXPECT_THAT(opened.plaintext(), SizeIs(32));
  open.set_wrapped(std::string(257, 'w'));
  EXPECT_THAT(CallAs(*review, &pb::CustodyService::Stub::OpenRecordKey, open),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CustodyServiceTest, AuthorisationIsExecutedOnceForReview) {
  ASSERT_THAT(Create(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto made,
                       Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()));
  const TestAuthorisation legal(deployment_, owner_.id(),
                                {*ContentId::FromBytes(std::string(16, 'c'))}, clock_->Now(), "us");
  pb::ExecuteAuthorisationRequest request;
  *request.mutable_authorisation() = ToProto(legal.Build());
  pb::AuthorisedWrap& wrap = *request.add_wraps();
  FillContext(*wrap.mutable_context());
  wrap.set_wrapped(made.wrapped());
  const auto review = pb::CustodyService::NewStub(server_->AsService("us", ServiceKind::kReview));
  ASSERT_OK_AND_ASSIGN(const auto first,
                       CallAs(*review, &pb::CustodyService::Stub::ExecuteAuthorisation, request));
  ASSERT_OK_AND_ASSIGN(const auto second,
                       CallAs(*review, &pb::CustodyService::Stub::ExecuteAuthorisation, request));
  EXPECT_EQ(first.sealed_answer(), second.sealed_answer());
  // The receipt proves the leaf in this custody's log, by the topology's log key.
  ASSERT_OK_AND_ASSIGN(const LogReceipt receipt, ParseReceipt(first.receipt()));
  EXPECT_THAT(VerifyReceipt(receipt, first.leaf(),
                            deployment_.topology().LogOrigin(TestDeployment::Region("us"),
                                                             ServiceKind::kCustody),
                            deployment_.service("us", ServiceKind::kCustody).log_key.public_key()),
              IsOk());
}

TEST_F(CustodyServiceTest, MetricsCountAccountsAndKeysAndNameNobody) {
  ASSERT_THAT(Create(), IsOk());
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(Call(&pb::CustodyService::Stub::GenerateDataKey, GenerateRequest()), IsOk());
  }
  const std::string text = server_->environment().metrics().Text();
  for (const char* line : {"\ncomity_accounts 1\n", "\ncomity_accounts_counting 0\n",
                           "\ncomity_key_cache_accounts 1\n", "\ncomity_key_cache_loads_total 1\n",
                           "\ncomity_sealed 0\n", "\ncomity_streams_open 0\n",
                           "\ncomity_calls_total{method=\"GenerateDataKey\",reason=\"OK\"} 3\n",
                           "\ncomity_calls_running{method=\"GenerateDataKey\"} 0\n"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("comity_commit_seconds_count 0")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("comity_log_leaves 0")));
  // Nothing in it is as long as an id.
  EXPECT_THAT(text, testing::Not(testing::HasSubstr(owner_.id().ToString())));
  EXPECT_EQ(HideIds(text), text);
}

// ---- The form of requests -----------------------------------------------------------------------

TEST(CustodyDefinitionTest, KeyfileSealIsForDevelopmentAlone) {
  const TestDeployment& deployment = SharedDeployment();
  ASSERT_TRUE(deployment.topology().development());
  // In a development deployment the file is asked for, and it is not there.
  ServiceDefinition definition = CustodyDefinition();
  auto server =
      TestServer::Start(deployment, {.region = "us", .definition = FakelySealedCustody()});
  ASSERT_NE(server, nullptr);
  EXPECT_THAT(definition.make(server->environment()).status(), RefusedWith(Reason::kSealed));
}

}  // namespace
}  // namespace comity::custody
