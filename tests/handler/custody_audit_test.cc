#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/audit/audit_files.h"
#include "services/common/audit/audit_head.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/log/stored_log.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/leaf.h"
#include "services/common/statement/proto_codec.h"
#include "services/custody/custody_service_definition.h"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/stubborn_file_calls.h"
#include "tests/testing/authorisation.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_server.h"

// The audit records of a custody over real gRPC and mTLS.
namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;
using testing::ElementsAre;
using testing::IsEmpty;

class CustodyAuditTest : public testing::Test {
 protected:
  CustodyAuditTest() : owner_(deployment_.NewAccount()) { Start(); }

  void Start() {
    server_.reset();
    audit_.reset();
    absl::StatusOr<std::unique_ptr<AuditLog>> audit =
        AuditLog::Open({.directory = directory_.path(),
                        .files = disk_,
                        .clock = clock_.get(),
                        .retry = std::chrono::milliseconds(5)});
    ASSERT_THAT(audit.status(), IsOk());
    audit_ = *std::move(audit);
    server_ = TestServer::Start(
        deployment_, {.region = "us",
                      .definition = CustodyDefinition(
                          [](const ServiceEnvironment&) -> absl::StatusOr<std::unique_ptr<Seal>> {
                            return std::make_unique<FakeSeal>();
                          }),
                      .clock = clock_,
                      .audit = audit_});
    owner_stub_ = pb::CustodyService::NewStub(server_->AsDevice(owner_.device()));
    person_stub_ = pb::CustodyService::NewStub(server_->AsPerson("us", "ops-evans"));
  }

  template <typename Request, typename Response>
  using Method = grpc::Status (pb::CustodyService::Stub::*)(grpc::ClientContext*, const Request&,
                                                            Response*);
  template <typename Request, typename Response>
  static absl::StatusOr<Response> Call(pb::CustodyService::Stub& stub,
                                       Method<Request, Response> method, const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status, context);
    return response;
  }
  absl::Status Create() {
    pb::CreateAccountRequest request;
    request.set_request_id(RandomBytes(16));
    for (const Statement& entry : owner_.entries()) *request.add_chain() = ToProto(entry);
    *request.mutable_account_record() = ToProto(record_);
    return Call(*owner_stub_, &pb::CustodyService::Stub::CreateAccount, request).status();
  }
  pb::BatchGenerateDataKeysRequest GenerateRequest(int keys) const {
    pb::BatchGenerateDataKeysRequest request;
    request.set_account_id(std::string(owner_.id().bytes()));
    request.set_reason(pb::USE_REASON_OWNER_EXPORT);
    for (int i = 0; i < keys; ++i) {
      auto& context = *request.add_contexts();
      context.set_object_id(std::string(16, 'o'));
      context.set_content_id(std::string(16, static_cast<char>('a' + i)));
      context.set_purpose(comity::common::v1::PURPOSE_CONTENT);
    }
    return request;
  }
  absl::Status Generate(pb::CustodyService::Stub& stub, int keys = 2) const {
    return Call(stub, &pb::CustodyService::Stub::BatchGenerateDataKeys, GenerateRequest(keys))
        .status();
  }
  absl::StatusOr<pb::ListAuditRecordsResponse> List(
      const pb::ListAuditRecordsRequest& request = {}) {
    return Call(*person_stub_, &pb::CustodyService::Stub::ListAuditRecords, request);
  }
  // Once everything that was answered is on disk.
  std::vector<pb::AuditRecord> Records(const pb::ListAuditRecordsRequest& request = {}) {
    EXPECT_THAT(audit_->AppendDurably({"/test/Marker", nullptr, {}, Reason::kUnspecified}), IsOk());
    const auto response = List(request);
    EXPECT_THAT(response.status(), IsOk());
    std::vector<pb::AuditRecord> calls;
    if (!response.ok()) return calls;
    for (const pb::AuditRecord& record : response->records()) {
      if (record.event() == pb::AUDIT_EVENT_CALL && record.method() != "Marker" &&
          record.method() != "ListAuditRecords") {
        calls.push_back(record);
      }
    }
    return calls;
  }
  static std::vector<std::string> Methods(const std::vector<pb::AuditRecord>& records) {
    std::vector<std::string> methods;
    for (const pb::AuditRecord& record : records) methods.push_back(record.method());
    return methods;
  }

  const TestDeployment& deployment_ = SharedDeployment();
  TempDir directory_;
  std::shared_ptr<ManualClock> clock_ = std::make_shared<ManualClock>(TestDeployment::kStart);
  std::shared_ptr<StubbornFileCalls> disk_ = std::make_shared<StubbornFileCalls>();
  TestAccount owner_;
  const Statement record_ = owner_.SignRecord(deployment_.topology(), "CN", clock_->Now());
  std::shared_ptr<AuditLog> audit_;
  std::unique_ptr<TestServer> server_;
  std::unique_ptr<pb::CustodyService::Stub> owner_stub_;
  std::unique_ptr<pb::CustodyService::Stub> person_stub_;
};

TEST_F(CustodyAuditTest, EachCallHasARecordOfWhoAskedForWhat) {
  ASSERT_THAT(Create(), IsOk());
  clock_->Advance(kSecondMs);
  ASSERT_THAT(Generate(*owner_stub_), IsOk());
  const TestDevice stranger = MakeTestDevice();
  const auto strangers = pb::CustodyService::NewStub(server_->AsDevice(stranger));
  ASSERT_THAT(Generate(*strangers), RefusedWith(Reason::kAccountNotYours));

  const std::vector<pb::AuditRecord> records = Records();
  ASSERT_THAT(Methods(records),
              ElementsAre("CreateAccount", "BatchGenerateDataKeys", "BatchGenerateDataKeys"));
  const std::string account(owner_.id().bytes());
  EXPECT_EQ(records[0].account_id(), account);
  EXPECT_EQ(records[0].time_ms(), TestDeployment::kStart);
  EXPECT_EQ(records[0].items(), 0u);
  const pb::AuditRecord& use = records[1];
  EXPECT_EQ(use.time_ms(), TestDeployment::kStart + kSecondMs);
  EXPECT_EQ(use.caller(), "device");
  EXPECT_EQ(use.caller_key_id(), owner_.device().key.public_key().id().bytes());
  EXPECT_EQ(use.account_id(), account);
  EXPECT_EQ(use.use(), pb::USE_REASON_OWNER_EXPORT);
  EXPECT_EQ(use.items(), 2u);
  EXPECT_EQ(use.items_digest(),
            Sha256(std::string(16, 'a') + '\x01' + std::string(16, 'b') + '\x01'));
  EXPECT_EQ(use.outcome(), comity::common::v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(use.calls(), 1u);
  EXPECT_EQ(records[2].outcome(), comity::common::v1::ERROR_REASON_ACCOUNT_NOT_YOURS);
  EXPECT_EQ(records[2].account_id(), account);
  EXPECT_EQ(records[2].caller_key_id(), stranger.key.public_key().id().bytes());
}

TEST_F(CustodyAuditTest, CallsThatNoRuleLetsInHaveRecordsToo) {
  pb::OpenRecordKeyRequest request;
  ASSERT_THAT(Call(*owner_stub_, &pb::CustodyService::Stub::OpenRecordKey, request),
              RefusedWith(Reason::kCallerNotAllowed));
  const std::vector<pb::AuditRecord> records = Records();
  ASSERT_THAT(Methods(records), ElementsAre("OpenRecordKey"));
  EXPECT_EQ(records[0].outcome(), comity::common::v1::ERROR_REASON_CALLER_NOT_ALLOWED);
  // Who it was is known all the same.
  EXPECT_EQ(records[0].caller(), "device");
  EXPECT_EQ(records[0].caller_key_id(), owner_.device().key.public_key().id().bytes());
}

TEST_F(CustodyAuditTest, WhatAnybodyMayAskHasNoRecord) {
  ASSERT_THAT(Call(*owner_stub_, &pb::CustodyService::Stub::GetStatus, pb::GetStatusRequest()),
              IsOk());
  EXPECT_THAT(Records(), IsEmpty());
}

TEST_F(CustodyAuditTest, OnlyOperatorPersonsOfThisCustodyReadThem) {
  const pb::ListAuditRecordsRequest request;
  constexpr auto kList = &pb::CustodyService::Stub::ListAuditRecords;
  EXPECT_THAT(Call(*owner_stub_, kList, request), RefusedWith(Reason::kCallerNotAllowed));
  const auto review = pb::CustodyService::NewStub(server_->AsService("us", ServiceKind::kReview));
  EXPECT_THAT(Call(*review, kList, request), RefusedWith(Reason::kCallerNotAllowed));
  EXPECT_THAT(List(), IsOk());
  // Who looked is told as well.
  pb::ListAuditRecordsRequest look;
  look.set_method("ListAuditRecords");
  ASSERT_THAT(audit_->AppendDurably({"/test/Marker", nullptr, {}, Reason::kUnspecified}), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto looked, List(look));
  ASSERT_EQ(looked.records_size(), 3);
  EXPECT_EQ(looked.records(0).caller(), "device");
  EXPECT_THAT(looked.records(1).caller(), testing::EndsWith("/review"));
  EXPECT_THAT(looked.records(2).caller(), testing::EndsWith("/person/ops-evans"));
}

TEST_F(CustodyAuditTest, FiltersPagesAndBadRequests) {
  ASSERT_THAT(Create(), IsOk());
  for (int i = 0; i < 5; ++i) ASSERT_THAT(Generate(*owner_stub_), IsOk());
  const auto stranger = pb::CustodyService::NewStub(server_->AsDevice(MakeTestDevice()));
  ASSERT_THAT(Generate(*stranger), RefusedWith(Reason::kAccountNotYours));

  pb::ListAuditRecordsRequest request;
  request.set_kind(pb::AUDIT_KIND_REFUSED);
  EXPECT_THAT(Methods(Records(request)), ElementsAre("BatchGenerateDataKeys"));
  request = {};
  request.set_account_id(std::string(owner_.id().bytes()));
  request.set_method("CreateAccount");
  EXPECT_THAT(Methods(Records(request)), ElementsAre("CreateAccount"));
  request = {};
  request.set_method("BatchGenerateDataKeys");
  request.set_page_size(4);
  ASSERT_OK_AND_ASSIGN(const auto first, List(request));
  EXPECT_EQ(first.records_size(), 4);
  request.set_page_token(first.next_page_token());
  ASSERT_OK_AND_ASSIGN(const auto second, List(request));
  EXPECT_EQ(second.records_size(), 2);
  EXPECT_EQ(second.next_page_token(), "");
  EXPECT_GT(second.records(0).number(), first.records(3).number());

  const auto refused = [&](Reason reason, const std::function<void()>& spoil) {
    request = {};
    spoil();
    EXPECT_THAT(List(request), RefusedWith(reason)) << request.ShortDebugString();
  };
  refused(Reason::kFieldInvalid, [&] { request.set_account_id("short"); });
  refused(Reason::kFieldInvalid, [&] { request.set_page_size(1'001); });
  refused(Reason::kFieldInvalid, [&] { request.set_page_size(-1); });
  refused(Reason::kFieldInvalid, [&] { request.set_since_time_ms(-1); });
  refused(Reason::kFieldInvalid, [&] { request.set_method(std::string(65, 'm')); });
  refused(Reason::kFieldInvalid, [&] { request.set_kind(static_cast<pb::AuditKind>(9)); });
  for (const char* token : {"x", "0", "01", "-1", "99999999999999999999"}) {
    refused(Reason::kPageTokenInvalid, [&] { request.set_page_token(token); });
  }
}

TEST_F(CustodyAuditTest, WithoutRecordsNothingIsDoneButWhatAnybodyMayAsk) {
  ASSERT_THAT(Create(), IsOk());
  disk_->Refuse(ENOSPC);
  // The first of these is answered before it is known.
  absl::Status status;
  do {
    status = Generate(*owner_stub_);
  } while (status.ok());
  EXPECT_THAT(status, RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(List(), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(Call(*owner_stub_, &pb::CustodyService::Stub::GetStatus, pb::GetStatusRequest()),
              IsOk());
  EXPECT_THAT(server_->environment().metrics().Text(),
              testing::HasSubstr("comity_audit_stopped 1"));
  // Whoever seals waits for no record, nor who looks whether it is sealed.
  EXPECT_THAT(Call(*person_stub_, &pb::CustodyService::Stub::GetSeal, pb::GetSealRequest()),
              IsOk());
  EXPECT_THAT(Call(*person_stub_, &pb::CustodyService::Stub::SealCustody, pb::SealCustodyRequest()),
              IsOk());
  disk_->Refuse(0);
  do {
    status = Generate(*owner_stub_);
  } while (ReasonOf(status) == Reason::kStoreUnavailable);
  EXPECT_THAT(status, RefusedWith(Reason::kSealed));
  EXPECT_THAT(server_->environment().metrics().Text(),
              testing::HasSubstr("comity_audit_stopped 0"));
}

// A legal use is answered when its record is on disk, and not otherwise.
TEST_F(CustodyAuditTest, LegalUsesAreNeverLost) {
  ASSERT_THAT(Create(), IsOk());
  const pb::BatchGenerateDataKeysRequest generate = GenerateRequest(1);
  ASSERT_OK_AND_ASSIGN(
      const auto made,
      Call(*owner_stub_, &pb::CustodyService::Stub::BatchGenerateDataKeys, generate));
  const TestAuthorisation legal(deployment_, owner_.id(),
                                {*ContentId::FromBytes(std::string(16, 'a'))}, clock_->Now(), "us");
  const Authorisation authorisation = legal.Build();
  pb::ExecuteAuthorisationRequest request;
  *request.mutable_authorisation() = ToProto(authorisation);
  pb::AuthorisedWrap& wrap = *request.add_wraps();
  *wrap.mutable_context() = generate.contexts(0);
  wrap.set_wrapped(made.keys(0).wrapped());
  const auto review = pb::CustodyService::NewStub(server_->AsService("us", ServiceKind::kReview));
  const auto execute = [&] {
    return Call(*review, &pb::CustodyService::Stub::ExecuteAuthorisation, request).status();
  };
  // Nothing waits that would show before it that the disk is full.
  ASSERT_THAT(audit_->AppendDurably({"/test/Marker", nullptr, {}, Reason::kUnspecified}), IsOk());
  disk_->Refuse(ENOSPC);
  EXPECT_THAT(execute(), RefusedWith(Reason::kStoreUnavailable));
  disk_->Refuse(0);
  absl::Status status;
  do {
    status = execute();
  } while (!status.ok());
  // On disk now, without anybody having waited for it here.
  std::vector<AuditRecord> uses;
  ASSERT_THAT(ReadAuditBlocks(directory_.path(), 1,
                              [&](const ReadAuditBlock& read) {
                                for (const AuditRecord& record : read.block.records) {
                                  if (record.authorisation.has_value()) uses.push_back(record);
                                }
                                return true;
                              }),
              IsOk());
  // Also the one that was refused because of it: the keys had been opened.
  ASSERT_GE(uses.size(), 2u);
  EXPECT_EQ(uses.back().authorisation, authorisation.digest());
  EXPECT_EQ(uses.back().account, owner_.id());
  EXPECT_EQ(uses.back().items, 1u);
  EXPECT_THAT(uses.back().caller, testing::EndsWith("/review"));
  EXPECT_EQ(uses.back().outcome, 0);
}

TEST_F(CustodyAuditTest, WhereItStandsIsPublishedOnceAnHour) {
  ServiceEnvironment& environment = server_->environment();
  const TransparencyLog& log = environment.transparency_log();
  ASSERT_THAT(Create(), IsOk());
  const uint64_t leaves = log.size();
  environment.TickOnce();
  EXPECT_EQ(log.size(), leaves);
  clock_->Advance(kHourMs);
  ASSERT_THAT(audit_->AppendDurably({"/test/Marker", nullptr, {}, Reason::kUnspecified}), IsOk());
  const Digest head = audit_->end().hash;
  environment.TickOnce();
  ASSERT_EQ(log.size(), leaves + 1);
  ASSERT_OK_AND_ASSIGN(
      const VerifiedLog read,
      ReadStoredLog(log.origin(), "log/custody", &environment.records(), &environment.blobs()));
  ASSERT_OK_AND_ASSIGN(const Leaf leaf, DecodeLeaf(read.leaves.back()));
  EXPECT_EQ(leaf.type, kAuditHeadLeaf);
  // Nothing else, so that nobody learns from it how much is going on.
  EXPECT_THAT(leaf.clear, ElementsAre(testing::Pair(kAuditHeadField, head.ToString())));
  EXPECT_THAT(leaf.commitments, IsEmpty());
  // Also when nothing was asked: nobody learns from it when custody is used.
  clock_->Advance(kHourMs);
  environment.TickOnce();
  EXPECT_EQ(log.size(), leaves + 2);
  environment.TickOnce();
  EXPECT_EQ(log.size(), leaves + 2);
}

TEST_F(CustodyAuditTest, RecordsThatAreOldEnoughGo) {
  ASSERT_THAT(Create(), IsOk());
  EXPECT_THAT(Methods(Records()), ElementsAre("CreateAccount"));
  clock_->Advance(3 * kDayMs);  // they are kept for one here
  EXPECT_THAT(Methods(Records()), ElementsAre("CreateAccount"));
  server_->environment().TickOnce();
  // The file that follows has just begun: what was the newest record was published as that.
  EXPECT_THAT(Methods(Records()), ElementsAre("CreateAccount"));
  clock_->Advance(kDayMs + kHourMs);
  server_->environment().TickOnce();
  EXPECT_THAT(Methods(Records()), IsEmpty());
}

}  // namespace
}  // namespace comity::custody
