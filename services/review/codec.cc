#include "services/review/codec.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/statement/device_chain.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::review {
namespace {

constexpr size_t kMaxCaseId = 64;
constexpr size_t kMaxName = 32;
constexpr size_t kMaxText = 4'096;
constexpr size_t kMaxDelivered = 64;
constexpr int kMaxReasons = 25;
constexpr int32_t kMaxPage = 1'000;
constexpr size_t kDefaultPage = 100;

absl::Status Invalid(std::string_view what) { return Refuse(Reason::kFieldInvalid, what); }

template <typename Id>
absl::StatusOr<Id> DecodeId(const std::string& bytes, const char* field) {
  absl::StatusOr<Id> id = Id::FromBytes(bytes);
  return id.ok() ? id : Invalid(std::string(field) + " has a wrong length");
}

absl::StatusOr<Statement> DecodeStatementField(bool present,
                                               const comity::common::v1::Statement& statement,
                                               const char* field) {
  if (!present) return Invalid(std::string(field) + " is missing");
  return FromProto(statement);
}

absl::StatusOr<std::string> DecodeText(const std::string& text, const char* field) {
  if (text.empty() || text.size() > kMaxText) {
    return Invalid(std::string(field) + " has 1 to 4,096 bytes");
  }
  return text;
}

absl::StatusOr<size_t> DecodePageSize(int32_t size) {
  if (size < 0 || size > kMaxPage) return Invalid("page_size is 0 to 1,000");
  return size == 0 ? kDefaultPage : static_cast<size_t>(size);
}

// What the mutations of a case have in common.
template <typename Command, typename Request>
absl::StatusOr<Command> Begin(const Request& request) {
  Command command;
  ASSIGN_OR_RETURN(command.case_id, DecodeCaseId(request.case_id()));
  ASSIGN_OR_RETURN(command.request_id, DecodeId<RequestId>(request.request_id(), "request_id"));
  command.digest = Sha256Digest(request.SerializeAsString());
  return command;
}

absl::StatusOr<RejectDecision> DecodeReject(const pb::RejectDecision& message) {
  if (message.reasons().empty() || message.reasons_size() > kMaxReasons) {
    return Invalid("reasons are 1 to 25");
  }
  RejectDecision decision;
  for (const int number : message.reasons()) {
    const auto reason = static_cast<Rejection>(number);
    if (number < 0 || number > 255 || !IsValid(reason)) return Invalid("no such reason");
    if (std::ranges::find(decision.reasons, reason) != decision.reasons.end()) {
      return Invalid("reasons repeat one");
    }
    decision.reasons.push_back(reason);
  }
  return decision;
}

absl::StatusOr<AcceptDecision> DecodeAccept(const pb::AcceptDecision& message) {
  AcceptDecision decision;
  if (static_cast<size_t>(message.content_ids_size()) > kMaxAuthorisedContents) {
    return Invalid("content_ids are at most 4,096");
  }
  for (const std::string& bytes : message.content_ids()) {
    ASSIGN_OR_RETURN(const ContentId content, DecodeId<ContentId>(bytes, "content_ids"));
    decision.only.push_back(content);
  }
  return decision;
}

template <typename Message>
void AddRejections(const std::vector<Rejection>& rejections,
                   void (Message::*add)(pb::RejectionReason), Message& message) {
  for (const Rejection rejection : rejections) {
    (message.*add)(static_cast<pb::RejectionReason>(rejection));
  }
}

}  // namespace

absl::StatusOr<AccountId> DecodeAccountId(const std::string& bytes) {
  return DecodeId<AccountId>(bytes, "account_id");
}

absl::StatusOr<std::string> DecodeCaseId(const std::string& text) {
  if (text.empty() || text.size() > kMaxCaseId) return Invalid("case_id has 1 to 64 characters");
  return text;
}

absl::StatusOr<Statement> Decode(const pb::SubmitRequestRequest& request) {
  return DecodeStatementField(request.has_request(), request.request(), "request");
}

absl::StatusOr<AssignCommand> Decode(const pb::AssignCaseRequest& request) {
  ASSIGN_OR_RETURN(AssignCommand command, Begin<AssignCommand>(request));
  command.generation = request.generation();
  if (request.reviewer().empty() || request.reviewer().size() > kMaxName) {
    return Invalid("reviewer has 1 to 32 characters");
  }
  command.reviewer = request.reviewer();
  return command;
}

absl::StatusOr<DecideCommand> Decode(const pb::DecideCaseRequest& request) {
  ASSIGN_OR_RETURN(DecideCommand command, Begin<DecideCommand>(request));
  command.generation = request.generation();
  ASSIGN_OR_RETURN(command.no_conflict, DecodeStatementField(request.has_no_conflict(),
                                                             request.no_conflict(), "no_conflict"));
  switch (request.decision_case()) {
    case pb::DecideCaseRequest::kAccept: {
      ASSIGN_OR_RETURN(command.decision, DecodeAccept(request.accept()));
      return command;
    }
    case pb::DecideCaseRequest::kClarify: {
      ASSIGN_OR_RETURN(std::string text, DecodeText(request.clarify().question(), "question"));
      command.decision = ClarifyDecision{std::move(text)};
      return command;
    }
    case pb::DecideCaseRequest::kHold: {
      ASSIGN_OR_RETURN(std::string text, DecodeText(request.hold().reason(), "reason"));
      command.decision = HoldDecision{std::move(text)};
      return command;
    }
    case pb::DecideCaseRequest::kReject: {
      ASSIGN_OR_RETURN(command.decision, DecodeReject(request.reject()));
      return command;
    }
    case pb::DecideCaseRequest::DECISION_NOT_SET:
      break;
  }
  return Invalid("decision is missing");
}

absl::StatusOr<ApproveCommand> Decode(const pb::ApproveCaseRequest& request) {
  ASSIGN_OR_RETURN(ApproveCommand command, Begin<ApproveCommand>(request));
  command.generation = request.generation();
  ASSIGN_OR_RETURN(command.approval,
                   DecodeStatementField(request.has_approval(), request.approval(), "approval"));
  return command;
}

absl::StatusOr<AnswerCommand> Decode(const pb::AnswerCaseRequest& request) {
  ASSIGN_OR_RETURN(AnswerCommand command, Begin<AnswerCommand>(request));
  ASSIGN_OR_RETURN(command.answer,
                   DecodeStatementField(request.has_answer(), request.answer(), "answer"));
  return command;
}

absl::StatusOr<std::string> Decode(const pb::ExecuteCaseRequest& request) {
  // Carrying out is repeatable by itself: the case is what is carried out once.
  RETURN_IF_ERROR(DecodeId<RequestId>(request.request_id(), "request_id").status());
  return DecodeCaseId(request.case_id());
}

absl::StatusOr<ListCommand> Decode(const pb::ListCasesRequest& request) {
  ListCommand command;
  ASSIGN_OR_RETURN(command.limit, DecodePageSize(request.page_size()));
  if (request.state() != pb::CASE_STATE_UNSPECIFIED) {
    const auto state = static_cast<CaseState>(request.state());
    if (!pb::CaseState_IsValid(request.state()) || !IsValid(state)) {
      return Invalid("no such state");
    }
    command.state = state;
  }
  return command;
}

absl::StatusOr<NoticesCommand> Decode(const pb::ListNoticesRequest& request) {
  NoticesCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.chain, FromProto(request.chain(), kMaxChainEntries));
  ASSIGN_OR_RETURN(command.limit, DecodePageSize(request.page_size()));
  const std::string& token = request.page_token();
  if (token.size() > 9 ||
      !std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; })) {
    return Refuse(Reason::kPageTokenInvalid);
  }
  command.offset = token.empty() ? 0 : std::stoul(token);
  return command;
}

absl::StatusOr<DeliverCommand> Decode(const pb::DeliverStatementRequest& request) {
  DeliverCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.statements, FromProto(request.statements(), kMaxDelivered));
  return command;
}

void EncodeSummary(const Case& c, bool inside, pb::Case& message) {
  if (inside) message.set_assignee(c.assignee);
  message.set_case_id(c.id);
  message.set_state(static_cast<pb::CaseState>(c.state));
  message.set_outcome(static_cast<pb::CaseOutcome>(c.outcome));
  message.set_generation(c.generation);
  message.set_authority(c.authority);
  message.set_agent(c.agent);
  *message.mutable_request() = ToProto(c.request_statement);
  AddRejections(c.rejections, &pb::Case::add_rejections, message);
  for (const CaseTarget& target : c.targets) {
    pb::CaseTarget& out = *message.add_targets();
    out.set_target(target.text);
    AddRejections(target.rejections, &pb::CaseTarget::add_rejections, out);
    out.set_objects(target.objects);
  }
  for (const DataClass data_class : c.request.classes) {
    message.add_classes(static_cast<pb::DataClass>(data_class));
  }
  message.set_instrument(static_cast<pb::InstrumentType>(c.request.instrument));
  message.set_receive_time_ms(c.received);
  message.set_due_time_ms(c.due);
  message.set_notice_end_ms(c.notice_end);
  message.set_expiry_time_ms(c.expiry);
  for (const std::string& core : c.cores) message.add_authorisation_digests(Sha256(core));
  for (const CaseApproval& approval : c.approvals) message.add_approvers(approval.person);
}

void Encode(const CaseView& view, pb::Case& message) {
  EncodeSummary(view.value, view.inside, message);
  if (view.inside) {
    for (const std::string& core : view.value.cores) message.add_authorisation_cores(core);
  }
  for (const CaseEvent& event : view.value.history) {
    pb::CaseEvent& out = *message.add_events();
    out.set_time_ms(event.time);
    out.set_state(static_cast<pb::CaseState>(event.state));
    out.set_text(event.text);
    out.set_leaf_index(event.leaf_index);
  }
}

void Encode(const NoticesCommand& command, const std::vector<Statement>& notices,
            pb::ListNoticesResponse& response) {
  const size_t begin = std::min(command.offset, notices.size());
  const size_t end = begin + std::min(command.limit, notices.size() - begin);
  for (size_t i = begin; i < end; ++i) *response.add_notices() = ToProto(notices[i]);
  if (end < notices.size()) response.set_next_page_token(std::to_string(end));
}

void Encode(const Authorisation& authorisation, const AccountResult& result,
            pb::PackageAccount& message) {
  *message.mutable_authorisation() = ToProto(authorisation);
  for (const ObjectRecord& object : result.storage.objects) {
    comity::storage::v1::ObjectVersion& out = *message.add_objects();
    out.set_object_id(std::string(object.object.bytes()));
    out.set_version(object.version);
    out.set_content_id(std::string(object.content.bytes()));
    out.set_size(object.size);
    out.set_digest(std::string(object.digest.bytes()));
    out.set_wrapped_content_key(object.wrapped_content_key);
    out.set_wrapped_attributes_key(object.wrapped_attributes_key);
    out.set_sealed_attributes(object.sealed_attributes);
    out.set_create_time_ms(object.create_time);
  }
  *message.mutable_manifest() = ToProto(result.storage.manifest);
  message.set_sealed_answer(result.custody.sealed_answer);
  message.set_storage_leaf(result.storage.leaf);
  message.set_storage_receipt(result.storage.receipt);
  message.set_custody_leaf(result.custody.leaf);
  message.set_custody_receipt(result.custody.receipt);
  *message.mutable_storage_endorsement() = ToProto(result.storage.endorsement);
}

absl::StatusOr<AccountScope> Decode(const comity::storage::v1::GetScopeResponse& response) {
  AccountScope scope;
  scope.held = response.held();
  scope.truncated = response.truncated();
  for (const auto& item : response.items()) {
    ASSIGN_OR_RETURN(const ContentId content, DecodeId<ContentId>(item.content_id(), "content_id"));
    scope.contents.push_back(content);
  }
  ASSIGN_OR_RETURN(scope.chain, FromProto(response.chain(), kMaxChainEntries));
  return scope;
}

absl::StatusOr<StorageAnswer> Decode(
    const comity::storage::v1::ExecuteAuthorisationResponse& response) {
  StorageAnswer answer;
  for (const auto& item : response.objects()) {
    const comity::storage::v1::ObjectVersion& in = item.object();
    ObjectRecord record;
    ASSIGN_OR_RETURN(record.object, DecodeId<ObjectId>(in.object_id(), "object_id"));
    record.version = in.version();
    ASSIGN_OR_RETURN(record.content, DecodeId<ContentId>(in.content_id(), "content_id"));
    record.size = in.size();
    ASSIGN_OR_RETURN(record.digest, DecodeId<Digest>(in.digest(), "digest"));
    record.wrapped_content_key = in.wrapped_content_key();
    record.wrapped_attributes_key = in.wrapped_attributes_key();
    record.sealed_attributes = in.sealed_attributes();
    record.create_time = in.create_time_ms();
    answer.objects.push_back(std::move(record));
  }
  ASSIGN_OR_RETURN(answer.manifest, FromProto(response.manifest()));
  answer.leaf = response.leaf();
  answer.receipt = response.receipt();
  ASSIGN_OR_RETURN(answer.endorsement, FromProto(response.endorsement()));
  return answer;
}

comity::custody::v1::ExecuteAuthorisationRequest Encode(const Authorisation& authorisation,
                                                        const std::vector<AuthorisedWrap>& wraps) {
  comity::custody::v1::ExecuteAuthorisationRequest request;
  *request.mutable_authorisation() = ToProto(authorisation);
  for (const AuthorisedWrap& wrap : wraps) {
    comity::custody::v1::AuthorisedWrap& out = *request.add_wraps();
    out.mutable_context()->set_object_id(std::string(wrap.object.bytes()));
    out.mutable_context()->set_content_id(std::string(wrap.content.bytes()));
    out.mutable_context()->set_purpose(wrap.purpose == KeyPurpose::kContent
                                           ? comity::common::v1::PURPOSE_CONTENT
                                           : comity::common::v1::PURPOSE_ATTRIBUTES);
    out.set_wrapped(wrap.wrapped);
  }
  return request;
}

}  // namespace comity::review
