#ifndef COMITY_REVIEW_CODEC_H_
#define COMITY_REVIEW_CODEC_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "comity/custody/v1/custody.pb.h"
#include "comity/review/v1/review.pb.h"
#include "comity/storage/v1/storage.pb.h"
#include "services/review/decisions.h"
#include "services/review/own_custody.h"
#include "services/review/own_storage.h"
#include "services/review/result_store.h"
#include "services/review/review.h"

// Between the wire and the domain: every check of a request's form is here. FIELD_INVALID names the
// field.
namespace comity::review {

namespace pb = comity::review::v1;

absl::StatusOr<AccountId> DecodeAccountId(const std::string& bytes);
// 1 to 64 characters; whether it is one is for the store to say.
absl::StatusOr<std::string> DecodeCaseId(const std::string& text);

absl::StatusOr<Statement> Decode(const pb::SubmitRequestRequest& request);
absl::StatusOr<AssignCommand> Decode(const pb::AssignCaseRequest& request);
absl::StatusOr<DecideCommand> Decode(const pb::DecideCaseRequest& request);
absl::StatusOr<ApproveCommand> Decode(const pb::ApproveCaseRequest& request);
absl::StatusOr<AnswerCommand> Decode(const pb::AnswerCaseRequest& request);
absl::StatusOr<std::string> Decode(const pb::ExecuteCaseRequest& request);

struct ListCommand {
  std::optional<CaseState> state;
  size_t limit = 0;
};
absl::StatusOr<ListCommand> Decode(const pb::ListCasesRequest& request);

struct NoticesCommand {
  AccountId account;
  std::vector<Statement> chain;
  size_t limit = 0;
  size_t offset = 0;
};
absl::StatusOr<NoticesCommand> Decode(const pb::ListNoticesRequest& request);

struct DeliverCommand {
  AccountId account;
  std::vector<Statement> statements;
};
absl::StatusOr<DeliverCommand> Decode(const pb::DeliverStatementRequest& request);

// Everything but cores and events; `inside` = for reviewers and approvers, who see the assignee.
void EncodeSummary(const Case& c, bool inside, pb::Case& message);
void Encode(const CaseView& view, pb::Case& message);
// The page of `notices` that the command asks for.
void Encode(const NoticesCommand& command, const std::vector<Statement>& notices,
            pb::ListNoticesResponse& response);
void Encode(const Authorisation& authorisation, const AccountResult& result,
            pb::PackageAccount& message);

// What this review asks of storage and custody.
absl::StatusOr<AccountScope> Decode(const comity::storage::v1::GetScopeResponse& response);
absl::StatusOr<StorageAnswer> Decode(
    const comity::storage::v1::ExecuteAuthorisationResponse& response);
comity::custody::v1::ExecuteAuthorisationRequest Encode(const Authorisation& authorisation,
                                                        const std::vector<AuthorisedWrap>& wraps);

}  // namespace comity::review

#endif  // COMITY_REVIEW_CODEC_H_
