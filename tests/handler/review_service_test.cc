#include "services/review/review_service.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/proto_codec.h"
#include "services/review/review_service_definition.h"
#include "tests/fakes/fake_review_peers.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/closed_by_default.h"
#include "tests/testing/deployment.h"
#include "tests/testing/matchers.h"
#include "tests/testing/test_server.h"

namespace comity::review {
namespace {

namespace pb = comity::review::v1;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::chrono::seconds kPatience{60};

// The review of "cn" over gRPC and mTLS, with true stores and log; storage and custody are fakes.
class ReviewServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    server_ = TestServer::Start(
        deployment_,
        {.region = "cn",
         .definition = ReviewDefinition([this](ServiceEnvironment&) {
           auto storage = std::make_unique<FakeOwnStorage>(&deployment_, clock_.get(), "cn");
           auto custody = std::make_unique<FakeOwnCustody>(&deployment_, clock_.get(), "cn");
           storage_ = storage.get();
           custody_ = custody.get();
           return OwnPeers{std::move(storage), std::move(custody)};
         }),
         .clock = clock_});
    ASSERT_NE(server_, nullptr);
    storage_->AddAccount(account_);
    storage_->AddObject(account_.id(), clock_->Now() - kDayMs);
  }

  std::unique_ptr<pb::ReviewService::Stub> StubOf(const std::string& person) {
    return pb::ReviewService::NewStub(server_->AsPerson("cn", person));
  }
  std::unique_ptr<pb::ReviewService::Stub> DeviceStub() {
    return pb::ReviewService::NewStub(server_->AsDevice(account_.device()));
  }

  // One unary call as somebody.
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(pb::ReviewService::Stub& stub,
                                grpc::Status (pb::ReviewService::Stub::*method)(
                                    grpc::ClientContext*, const Request&, Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    Response response;
    const grpc::Status status = (stub.*method)(&context, request, &response);
    absl::Status outcome = FromGrpcStatus(status, context);
    if (!outcome.ok()) return outcome;
    return response;
  }

  Envelope EnvelopeFor(const std::string& subject) {
    Envelope envelope;
    envelope.deployment = deployment_.topology().deployment();
    envelope.region = "cn";
    envelope.subject = subject;
    envelope.number = envelope.time = clock_->Now();
    return envelope;
  }
  template <typename Body>
  comity::common::v1::Statement Sign(const std::string& person, const std::string& subject,
                                     const Body& body) {
    return ToProto(SignStatement(EnvelopeFor(subject), body, deployment_.person("cn", person).key));
  }

  LegalRequest Draft() {
    const UnixMillis now = clock_->Now();
    LegalRequest request;
    request.authority = "guiyang-police";
    request.case_reference = "docket";
    request.instrument = InstrumentType::kWarrant;
    request.instrument_hash = Sha256Digest("warrant");
    request.instrument_issued = now - kDayMs;
    request.instrument_expiry = now + 90 * kDayMs;
    request.legal_basis = "a provision";
    request.ground = "a ground";
    request.targets = {"cn/" + account_.id().ToString()};
    request.classes = {DataClass::kC4, DataClass::kC5};
    request.begin_time = now - 60 * kDayMs;
    request.end_time = now;
    request.recipient_key = GenerateX25519().public_key;
    return request;
  }
  pb::Case Submit(const LegalRequest& draft) {
    pb::SubmitRequestRequest request;
    *request.mutable_request() = Sign("agent-lin", "request", draft);
    const auto response =
        Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::SubmitRequest, request);
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->case_() : pb::Case();
  }
  absl::StatusOr<pb::GetCaseResponse> Show(const std::string& person, const std::string& id) {
    pb::GetCaseRequest request;
    request.set_case_id(id);
    return Call(*StubOf(person), &pb::ReviewService::Stub::GetCase, request);
  }
  pb::DecideCaseRequest DecideRequest(const pb::Case& c) {
    pb::DecideCaseRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_case_id(c.case_id());
    request.set_generation(c.generation());
    *request.mutable_no_conflict() = Sign("reviewer-chen", c.case_id(), NoConflict{c.generation()});
    request.mutable_accept();
    return request;
  }
  pb::ApproveCaseRequest ApproveRequest(const std::string& person, const pb::Case& c) {
    Approval body{
        .generation = c.generation(), .authorisations = {}, .approve = 1, .no_conflict = 1};
    for (const std::string& core : c.authorisation_cores()) {
      body.authorisations.push_back(Sha256Digest(core));
    }
    std::ranges::sort(body.authorisations);
    pb::ApproveCaseRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_case_id(c.case_id());
    request.set_generation(c.generation());
    *request.mutable_approval() = Sign(person, c.case_id(), body);
    return request;
  }
  absl::StatusOr<pb::ListNoticesResponse> Notices(int page_size, const std::string& token) {
    pb::ListNoticesRequest request;
    request.set_account_id(std::string(account_.id().bytes()));
    for (const Statement& entry : account_.entries()) *request.add_chain() = ToProto(entry);
    request.set_page_size(page_size);
    request.set_page_token(token);
    return Call(*DeviceStub(), &pb::ReviewService::Stub::ListNotices, request);
  }
  std::vector<pb::DownloadPackageResponse> Download(const std::string& id, absl::Status& outcome) {
    pb::DownloadPackageRequest request;
    request.set_case_id(id);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kPatience);
    const auto stub = StubOf("agent-lin");
    const auto reader = stub->DownloadPackage(&context, request);
    std::vector<pb::DownloadPackageResponse> parts;
    pb::DownloadPackageResponse part;
    while (reader->Read(&part)) parts.push_back(part);
    outcome = FromGrpcStatus(reader->Finish(), context);
    return parts;
  }

  const TestDeployment deployment_;
  const std::shared_ptr<ManualClock> clock_ =
      std::make_shared<ManualClock>(TestDeployment::kHandover + 10 * kDayMs);
  TestAccount account_ = deployment_.NewAccount(TestDeployment::kHandover);
  FakeOwnStorage* storage_ = nullptr;  // owned by the server
  FakeOwnCustody* custody_ = nullptr;
  std::unique_ptr<TestServer> server_;
};

TEST_F(ReviewServiceTest, EveryMethodIsClosedByDefault) {
  const auto& service = *pb::Case::descriptor()->file()->FindServiceByName("ReviewService");
  ExpectEveryMethodHasRule(service, ReviewRules());
  ExpectClosedByDefault(service, deployment_, *server_);
}

TEST_F(ReviewServiceTest, RequestGoesFromTheAgentsSignatureToThePackage) {
  const std::string id = Submit(Draft()).case_id();
  auto seen = Show("reviewer-chen", id);
  ASSERT_THAT(seen, IsOk());
  auto decided = Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::DecideCase,
                      DecideRequest(seen->case_()));
  ASSERT_THAT(decided, IsOk());
  EXPECT_EQ(decided->case_().state(), pb::CASE_STATE_NOTICE_RUNNING);
  EXPECT_EQ(decided->case_().targets(0).objects(), 1U);
  clock_->Advance(7 * kDayMs);
  server_->environment().TickOnce();
  for (const std::string person : {"approver-wang", "approver-moore"}) {
    seen = Show(person, id);
    ASSERT_THAT(seen, IsOk());
    ASSERT_EQ(seen->case_().authorisation_cores_size(), 1);
    ASSERT_THAT(Call(*StubOf(person), &pb::ReviewService::Stub::ApproveCase,
                     ApproveRequest(person, seen->case_())),
                IsOk());
  }
  pb::ExecuteCaseRequest execute;
  execute.set_request_id(RandomBytes(16));
  execute.set_case_id(id);
  const auto executed = Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ExecuteCase, execute);
  ASSERT_THAT(executed, IsOk());
  EXPECT_EQ(executed->case_().state(), pb::CASE_STATE_EXECUTED);
  EXPECT_EQ(executed->case_().outcome(), pb::CASE_OUTCOME_FULL);
  EXPECT_THAT(executed->case_().approvers(), ElementsAre("approver-wang", "approver-moore"));

  absl::Status outcome;
  const auto parts = Download(id, outcome);
  ASSERT_THAT(outcome, IsOk());
  ASSERT_EQ(parts.size(), 3U);
  const pb::PackageAccount& account = parts[0].account();
  ASSERT_EQ(account.objects_size(), 1);
  const std::string ciphertext =
      FakeOwnStorage::CiphertextOf(*ContentId::FromBytes(account.objects(0).content_id()));
  EXPECT_EQ(account.objects(0).digest(), Sha256(ciphertext));
  EXPECT_FALSE(account.sealed_answer().empty());
  EXPECT_TRUE(account.has_storage_endorsement());
  EXPECT_EQ(parts[1].content().content_id(), account.objects(0).content_id());
  EXPECT_EQ(parts[2].chunk(), ciphertext);
}

TEST_F(ReviewServiceTest, CoresAreForReviewersAndApproversOnly) {
  const std::string id = Submit(Draft()).case_id();
  ASSERT_THAT(Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::DecideCase,
                   DecideRequest(Show("reviewer-chen", id)->case_())),
              IsOk());
  const auto agent = Show("agent-lin", id);
  ASSERT_THAT(agent, IsOk());
  EXPECT_THAT(agent->case_().authorisation_cores(), IsEmpty());
  EXPECT_EQ(agent->case_().authorisation_digests_size(), 1);
  EXPECT_EQ(agent->case_().events_size(), 3);
  EXPECT_EQ(Show("approver-wang", id)->case_().authorisation_cores_size(), 1);
}

TEST_F(ReviewServiceTest, AssigneeIsShownToReviewersAndApproversOnly) {
  const std::string id = Submit(Draft()).case_id();
  pb::AssignCaseRequest request;
  request.set_request_id(RandomBytes(16));
  request.set_case_id(id);
  request.set_generation(Show("reviewer-chen", id)->case_().generation());
  request.set_reviewer("lawyer-sun");
  const auto assigned =
      Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::AssignCase, request);
  ASSERT_THAT(assigned, IsOk());
  EXPECT_EQ(assigned->case_().assignee(), "lawyer-sun");
  EXPECT_EQ(Show("approver-wang", id)->case_().assignee(), "lawyer-sun");
  EXPECT_EQ(Show("agent-lin", id)->case_().assignee(), "");
  const auto listed = [&](const std::string& person) {
    return Call(*StubOf(person), &pb::ReviewService::Stub::ListCases, pb::ListCasesRequest())
        ->cases(0)
        .assignee();
  };
  EXPECT_EQ(listed("reviewer-chen"), "lawyer-sun");
  EXPECT_EQ(listed("agent-lin"), "");
  EXPECT_THAT(Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::DecideCase,
                   DecideRequest(assigned->case_())),
              RefusedWith(Reason::kStateNotReady));
}

TEST_F(ReviewServiceTest, AssignmentWithoutOneOfItsPartsIsInvalid) {
  const auto c = Submit(Draft());
  const auto stub = StubOf("reviewer-chen");
  const std::vector<void (*)(pb::AssignCaseRequest&)> defects = {
      [](pb::AssignCaseRequest& r) { r.clear_case_id(); },
      [](pb::AssignCaseRequest& r) { r.set_request_id("short"); },
      [](pb::AssignCaseRequest& r) { r.clear_reviewer(); },
      [](pb::AssignCaseRequest& r) { r.set_reviewer(std::string(33, 'x')); },
      [](pb::AssignCaseRequest& r) { r.set_reviewer("nobody"); },
  };
  for (size_t i = 0; i < defects.size(); ++i) {
    pb::AssignCaseRequest request;
    request.set_request_id(RandomBytes(16));
    request.set_case_id(c.case_id());
    request.set_generation(c.generation());
    request.set_reviewer("lawyer-sun");
    defects[i](request);
    EXPECT_THAT(Call(*stub, &pb::ReviewService::Stub::AssignCase, request),
                RefusedWith(Reason::kFieldInvalid))
        << i;
  }
}

TEST_F(ReviewServiceTest, PackageOfACaseThatIsNotAnsweredIsRefused) {
  absl::Status outcome;
  EXPECT_THAT(Download(Submit(Draft()).case_id(), outcome), IsEmpty());
  EXPECT_THAT(outcome, RefusedWith(Reason::kStateNotReady));
}

TEST_F(ReviewServiceTest, WithdrawnCaseIsClosed) {
  const std::string id = Submit(Draft()).case_id();
  pb::AnswerCaseRequest request;
  request.set_request_id(RandomBytes(16));
  request.set_case_id(id);
  *request.mutable_answer() = Sign("agent-lin", id, CaseAnswer{1, ""});
  const auto response = Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::AnswerCase, request);
  ASSERT_THAT(response, IsOk());
  EXPECT_EQ(response->case_().outcome(), pb::CASE_OUTCOME_WITHDRAWN);
}

TEST_F(ReviewServiceTest, CasesAreListedByPageAndState) {
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    LegalRequest draft = Draft();
    draft.instrument_hash = Sha256Digest("warrant " + std::to_string(i));
    ids.push_back(Submit(draft).case_id());
    clock_->Advance(1);
  }
  pb::ListCasesRequest request;
  request.set_page_size(2);
  auto page = Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::ListCases, request);
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->cases_size(), 2);
  EXPECT_EQ(page->cases(0).case_id(), ids[2]);
  EXPECT_THAT(page->cases(0).events(), IsEmpty());
  request.set_page_token(page->next_page_token());
  page = Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::ListCases, request);
  ASSERT_EQ(page->cases_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
  request.set_page_token("");
  request.set_state(pb::CASE_STATE_HELD);
  EXPECT_EQ(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ListCases, request)->cases_size(),
            0);
}

TEST_F(ReviewServiceTest, DeviceReadsItsNoticesByPageAndObjects) {
  std::vector<std::string> ids;
  for (int i = 0; i < 2; ++i) {
    LegalRequest draft = Draft();
    draft.instrument_hash = Sha256Digest("warrant " + std::to_string(i));
    ids.push_back(Submit(draft).case_id());
    ASSERT_THAT(Call(*StubOf("reviewer-chen"), &pb::ReviewService::Stub::DecideCase,
                     DecideRequest(Show("reviewer-chen", ids.back())->case_())),
                IsOk());
    clock_->Advance(1);
  }
  auto page = Notices(1, "");
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->notices_size(), 1);
  EXPECT_TRUE(page->has_endorsement());
  EXPECT_EQ(ParseStatement<Notice>(*FromProto(page->notices(0)))->body.case_id, ids[0]);
  page = Notices(1, page->next_page_token());
  ASSERT_EQ(page->notices_size(), 1);
  EXPECT_EQ(page->next_page_token(), "");
  EXPECT_EQ(Notices(1, "7")->notices_size(), 0);
  EXPECT_THAT(Notices(1, "x"), RefusedWith(Reason::kPageTokenInvalid));

  pb::DeliverStatementRequest deliver;
  deliver.set_account_id(std::string(account_.id().bytes()));
  *deliver.add_statements() = ToProto(account_.Sign(Objection{ids[0], "no"}, clock_->Now()));
  const auto answer = Call(*DeviceStub(), &pb::ReviewService::Stub::DeliverStatement, deliver);
  ASSERT_THAT(answer, IsOk());
  EXPECT_EQ(answer->statements_size(), 2);
  EXPECT_EQ(Show("agent-lin", ids[0])->case_().state(), pb::CASE_STATE_UNDER_REVIEW);
}

TEST_F(ReviewServiceTest, CaseCallsAreRefusedUntilCustodyAnswersAndStatusIsNot) {
  custody_->RefuseAll(Reason::kPeerUnavailable);
  EXPECT_THAT(Show("agent-lin", "cn-201803-0a-aaaaaaaaaaaaaaaa"),
              RefusedWith(Reason::kPeerUnavailable));
  const auto status = Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::GetStatus, {});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(status->status().service(), "review");
  custody_->RefuseAll(Reason::kUnspecified);
  server_->environment().TickOnce();
  EXPECT_THAT(Show("agent-lin", "cn-201803-0a-aaaaaaaaaaaaaaaa"),
              RefusedWith(Reason::kCaseNotFound));
}

// What has no form is refused before it means anything.

TEST_F(ReviewServiceTest, RequestWithoutAStatementIsInvalid) {
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::SubmitRequest, {}),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(ReviewServiceTest, CaseIdOfNoLengthOrTooLongIsInvalid) {
  EXPECT_THAT(Show("agent-lin", ""), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Show("agent-lin", std::string(65, 'x')), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(ReviewServiceTest, DecisionWithoutOneOfItsPartsIsInvalid) {
  const auto c = Submit(Draft());
  const auto stub = StubOf("reviewer-chen");
  const std::vector<void (*)(pb::DecideCaseRequest&)> defects = {
      [](pb::DecideCaseRequest& r) { r.clear_case_id(); },
      [](pb::DecideCaseRequest& r) { r.set_request_id("short"); },
      [](pb::DecideCaseRequest& r) { r.clear_no_conflict(); },
      [](pb::DecideCaseRequest& r) { r.clear_decision(); },
      [](pb::DecideCaseRequest& r) { r.mutable_accept()->add_content_ids("short"); },
      [](pb::DecideCaseRequest& r) { r.mutable_clarify(); },
      [](pb::DecideCaseRequest& r) { r.mutable_clarify()->set_question(std::string(4097, 'x')); },
      [](pb::DecideCaseRequest& r) { r.mutable_hold(); },
      [](pb::DecideCaseRequest& r) { r.mutable_reject(); },
      [](pb::DecideCaseRequest& r) {
        r.mutable_reject()->add_reasons(pb::REJECTION_REASON_UNSPECIFIED);
      },
      [](pb::DecideCaseRequest& r) {
        r.mutable_reject()->add_reasons(static_cast<pb::RejectionReason>(26));
      },
      [](pb::DecideCaseRequest& r) {
        r.mutable_reject()->add_reasons(pb::REJECTION_REASON_BULK);
        r.mutable_reject()->add_reasons(pb::REJECTION_REASON_BULK);
      },
  };
  for (size_t i = 0; i < defects.size(); ++i) {
    pb::DecideCaseRequest request = DecideRequest(c);
    defects[i](request);
    EXPECT_THAT(Call(*stub, &pb::ReviewService::Stub::DecideCase, request),
                RefusedWith(Reason::kFieldInvalid))
        << i;
  }
  EXPECT_THAT(Call(*stub, &pb::ReviewService::Stub::DecideCase, DecideRequest(c)), IsOk());
}

TEST_F(ReviewServiceTest, ApprovalAnswerAndExecutionWithoutTheirPartsAreInvalid) {
  const auto c = Submit(Draft());
  pb::ApproveCaseRequest approve = ApproveRequest("approver-wang", c);
  approve.clear_approval();
  EXPECT_THAT(Call(*StubOf("approver-wang"), &pb::ReviewService::Stub::ApproveCase, approve),
              RefusedWith(Reason::kFieldInvalid));
  pb::AnswerCaseRequest answer;
  answer.set_request_id(RandomBytes(16));
  answer.set_case_id(c.case_id());
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::AnswerCase, answer),
              RefusedWith(Reason::kFieldInvalid));
  pb::ExecuteCaseRequest execute;
  execute.set_case_id(c.case_id());
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ExecuteCase, execute),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(ReviewServiceTest, PageSizeStateAndAccountIdMustBeValid) {
  pb::ListCasesRequest list;
  list.set_page_size(1001);
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ListCases, list),
              RefusedWith(Reason::kFieldInvalid));
  list.set_page_size(-1);
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ListCases, list),
              RefusedWith(Reason::kFieldInvalid));
  list.set_page_size(0);
  list.set_state(static_cast<pb::CaseState>(99));
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ListCases, list),
              RefusedWith(Reason::kFieldInvalid));
  list.clear_state();
  list.set_page_token("nonsense");
  EXPECT_THAT(Call(*StubOf("agent-lin"), &pb::ReviewService::Stub::ListCases, list),
              RefusedWith(Reason::kPageTokenInvalid));
  EXPECT_THAT(Call(*DeviceStub(), &pb::ReviewService::Stub::ListNotices, {}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Call(*DeviceStub(), &pb::ReviewService::Stub::DeliverStatement, {}),
              RefusedWith(Reason::kFieldInvalid));
}

}  // namespace
}  // namespace comity::review
