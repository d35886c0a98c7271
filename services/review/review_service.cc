#include "services/review/review_service.h"

#include <chrono>
#include <string>
#include <utility>

#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/server/handler.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/codec.h"

namespace comity::review {
namespace {

#define COMITY_REVIEW_METHOD(name) \
  constexpr char k##name[] = "/comity.review.v1.ReviewService/" #name
COMITY_REVIEW_METHOD(GetStatus);
COMITY_REVIEW_METHOD(SubmitRequest);
COMITY_REVIEW_METHOD(GetCase);
COMITY_REVIEW_METHOD(ListCases);
COMITY_REVIEW_METHOD(AssignCase);
COMITY_REVIEW_METHOD(DecideCase);
COMITY_REVIEW_METHOD(ApproveCase);
COMITY_REVIEW_METHOD(ExecuteCase);
COMITY_REVIEW_METHOD(DownloadPackage);
COMITY_REVIEW_METHOD(AnswerCase);
COMITY_REVIEW_METHOD(ListNotices);
COMITY_REVIEW_METHOD(DeliverStatement);
#undef COMITY_REVIEW_METHOD

// Whoever changed a case sees all of it but the cores, which approvers read with GetCase.
template <typename Response>
absl::Status Answer(absl::StatusOr<Case> changed, Response& response) {
  if (!changed.ok()) return changed.status();
  Encode(CaseView{*std::move(changed), false}, *response.mutable_case_());
  return absl::OkStatus();
}

// The package as messages of the stream.
class StreamSink final : public PackageSink {
 public:
  explicit StreamSink(grpc::ServerWriter<pb::DownloadPackageResponse>* writer) : writer_(writer) {}

  absl::Status TakeAccount(const Authorisation& authorisation,
                           const AccountResult& result) override {
    pb::DownloadPackageResponse message;
    Encode(authorisation, result, *message.mutable_account());
    return Send(message);
  }
  absl::Status TakeContent(const ContentId& content) override {
    pb::DownloadPackageResponse message;
    message.mutable_content()->set_content_id(std::string(content.bytes()));
    return Send(message);
  }
  absl::Status TakeChunk(std::string chunk) override {
    pb::DownloadPackageResponse message;
    message.set_chunk(std::move(chunk));
    return Send(message);
  }

 private:
  absl::Status Send(const pb::DownloadPackageResponse& message) {
    return writer_->Write(message) ? absl::OkStatus()
                                   : Refuse(Reason::kCancelled, "the caller went away");
  }
  grpc::ServerWriter<pb::DownloadPackageResponse>* const writer_;
};

class ReviewGrpcService final : public pb::ReviewService::Service {
 public:
  ReviewGrpcService(ServiceEnvironment* environment, Review* review)
      : environment_(environment), review_(review) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const pb::GetStatusRequest*,
                         pb::GetStatusResponse* response) override {
    return Call(context, kGetStatus, [&](const Authorization&) {
      environment_->FillStatus(*response->mutable_status());
      return absl::OkStatus();
    });
  }

  grpc::Status SubmitRequest(grpc::ServerContext* context, const pb::SubmitRequestRequest* request,
                             pb::SubmitRequestResponse* response) override {
    return Call(context, kSubmitRequest, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const Statement statement, Decode(*request));
      return Answer(review_->intake().Submit(who, statement), *response);
    });
  }

  grpc::Status GetCase(grpc::ServerContext* context, const pb::GetCaseRequest* request,
                       pb::GetCaseResponse* response) override {
    return Call(context, kGetCase, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const std::string case_id, DecodeCaseId(request->case_id()));
      ASSIGN_OR_RETURN(const CaseView view, review_->GetCase(who, case_id));
      Encode(view, *response->mutable_case_());
      return absl::OkStatus();
    });
  }

  grpc::Status ListCases(grpc::ServerContext* context, const pb::ListCasesRequest* request,
                         pb::ListCasesResponse* response) override {
    return Call(context, kListCases, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ListCommand command, Decode(*request));
      ASSIGN_OR_RETURN(
          const CasePage page,
          review_->ListCases(who, command.state, request->page_token(), command.limit));
      for (const Case& c : page.cases) EncodeSummary(c, page.inside, *response->add_cases());
      response->set_next_page_token(page.next_cursor);
      return absl::OkStatus();
    });
  }

  grpc::Status AssignCase(grpc::ServerContext* context, const pb::AssignCaseRequest* request,
                          pb::AssignCaseResponse* response) override {
    return Call(context, kAssignCase, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const AssignCommand command, Decode(*request));
      ASSIGN_OR_RETURN(Case c, review_->decisions().Assign(who, command));
      Encode(CaseView{std::move(c), true}, *response->mutable_case_());
      return absl::OkStatus();
    });
  }

  grpc::Status DecideCase(grpc::ServerContext* context, const pb::DecideCaseRequest* request,
                          pb::DecideCaseResponse* response) override {
    return Call(context, kDecideCase, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const DecideCommand command, Decode(*request));
      return Answer(review_->decisions().Decide(who, command), *response);
    });
  }

  grpc::Status ApproveCase(grpc::ServerContext* context, const pb::ApproveCaseRequest* request,
                           pb::ApproveCaseResponse* response) override {
    return Call(context, kApproveCase, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ApproveCommand command, Decode(*request));
      return Answer(review_->decisions().Approve(who, command), *response);
    });
  }

  grpc::Status ExecuteCase(grpc::ServerContext* context, const pb::ExecuteCaseRequest* request,
                           pb::ExecuteCaseResponse* response) override {
    return Call(context, kExecuteCase, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const std::string case_id, Decode(*request));
      return Answer(review_->execution().Execute(who, case_id), *response);
    });
  }

  grpc::Status DownloadPackage(grpc::ServerContext* context,
                               const pb::DownloadPackageRequest* request,
                               grpc::ServerWriter<pb::DownloadPackageResponse>* writer) override {
    return Call(context, kDownloadPackage, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const std::string case_id, DecodeCaseId(request->case_id()));
      StreamSink sink(writer);
      return review_->execution().Deliver(who, case_id, sink);
    });
  }

  grpc::Status AnswerCase(grpc::ServerContext* context, const pb::AnswerCaseRequest* request,
                          pb::AnswerCaseResponse* response) override {
    return Call(context, kAnswerCase, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const AnswerCommand command, Decode(*request));
      return Answer(review_->decisions().Answer(who, command), *response);
    });
  }

  grpc::Status ListNotices(grpc::ServerContext* context, const pb::ListNoticesRequest* request,
                           pb::ListNoticesResponse* response) override {
    return Call(context, kListNotices, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const NoticesCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const std::vector<Statement> notices,
                       review_->notices().List(who, command.account, command.chain));
      Encode(command, notices, *response);
      *response->mutable_endorsement() = ToProto(environment_->endorsement());
      return absl::OkStatus();
    });
  }

  grpc::Status DeliverStatement(grpc::ServerContext* context,
                                const pb::DeliverStatementRequest* request,
                                pb::DeliverStatementResponse* response) override {
    return Call(context, kDeliverStatement, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const DeliverCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const std::vector<Statement> newest,
                       review_->objections().Deliver(who, command.account, command.statements));
      for (const Statement& statement : newest) {
        *response->add_statements() = ToProto(statement);
      }
      return absl::OkStatus();
    });
  }

 private:
  template <typename Body>
  grpc::Status Call(grpc::ServerContext* context, const char* method, const Body& body) {
    return Handle(environment_->calls(), context, method, body);
  }

  ServiceEnvironment* const environment_;
  Review* const review_;
};

}  // namespace

MethodRules ReviewRules() {
  return {
      {kGetStatus, kAllowAnyVerified},
      {kSubmitRequest, kAllowAgent},
      {kGetCase, kAllowAgent | kAllowReviewer},
      {kListCases, kAllowAgent | kAllowReviewer},
      {kAssignCase, kAllowReviewer},
      {kDecideCase, kAllowReviewer},
      {kApproveCase, kAllowReviewer},
      {kExecuteCase, kAllowAgent | kAllowReviewer},
      {kDownloadPackage, kAllowAgent},
      {kAnswerCase, kAllowAgent},
      {kListNotices, kAllowDevice},
      {kDeliverStatement, kAllowDevice | kAllowOwnStorage | kAllowOwnCustody},
  };
}

CallLimits ReviewLimits() {
  CallLimits limits;
  limits.unary = std::chrono::minutes(2);  // a request may name many accounts
  limits.by_method[kDownloadPackage] = std::chrono::hours(12);
  return limits;
}

std::unique_ptr<grpc::Service> MakeReviewService(ServiceEnvironment* environment, Review* review) {
  return std::make_unique<ReviewGrpcService>(environment, review);
}

}  // namespace comity::review
