#include "client/legal/legal.h"

#include <algorithm>
#include <utility>

#include "client/legal/case_view.h"
#include "comity/review/v1/review.grpc.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/hpke.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace rpb = comity::review::v1;
using ReviewApi = rpb::ReviewService;

std::string NewRequestId() { return std::string(RandomId<RequestId>().bytes()); }

Envelope EnvelopeFor(const Session& session, const RegionId& region, std::string subject) {
  Envelope envelope;
  envelope.deployment = session.topology().deployment();
  envelope.region = region.name();
  envelope.subject = std::move(subject);
  envelope.time = session.Now();
  // Time orders a person's statements; two within one millisecond are two attempts at the same act.
  envelope.number = static_cast<uint64_t>(envelope.time);
  return envelope;
}

// The authority in "…/authority/<name>/agent/<agent>" of the person's certificate.
absl::StatusOr<std::string> AuthorityOf(const Person& person) {
  ASSIGN_OR_RETURN(const ParsedCertificate certificate, ParseCertificate(person.certificate));
  for (const std::string& uri : certificate.uris) {
    constexpr std::string_view kMark = "/authority/";
    const size_t begin = uri.find(kMark);
    if (begin == std::string::npos) continue;
    const size_t name = begin + kMark.size();
    return uri.substr(name, uri.find('/', name) - name);
  }
  return Refuse(Reason::kCallerNotAllowed, person.name + " is no agent of an authority");
}

template <typename Response>
absl::StatusOr<CaseView> CaseOf(const absl::StatusOr<Response>& response) {
  if (!response.ok()) return response.status();
  return CaseViewOf(response->case_());
}

}  // namespace

absl::StatusOr<CaseView> LegalClient::Submit(const RequestDraft& draft) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  const X25519KeyPair recipient = GenerateX25519();
  LegalRequest body;
  body.authority = draft.authority;
  if (body.authority.empty()) {
    ASSIGN_OR_RETURN(body.authority, AuthorityOf(person_));
  }
  body.case_reference = draft.case_reference;
  body.instrument = draft.instrument;
  body.instrument_hash = Sha256Digest(draft.instrument_document);
  body.instrument_issued = draft.instrument_issued;
  body.instrument_expiry = draft.instrument_expiry;
  body.legal_basis = draft.legal_basis;
  body.ground = draft.ground;
  body.targets = draft.targets;
  body.classes = draft.classes;
  body.begin_time = draft.begin;
  body.end_time = draft.end;
  body.recipient_key = recipient.public_key;
  body.notice_barred_until = draft.notice_barred_until;
  const Statement request =
      SignStatement(EnvelopeFor(session_, region, "request"), body, person_.key);
  RETURN_IF_ERROR(
      WritePrivateFile(person_.folder + "/recipient-" + Base32Encode(recipient.public_key) + ".key",
                       recipient.private_key));
  rpb::SubmitRequestRequest message;
  *message.mutable_request() = ToProto(request);
  return CaseOf(session_.Call<ReviewApi, rpb::SubmitRequestRequest, rpb::SubmitRequestResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::SubmitRequest, message));
}

absl::StatusOr<std::vector<CaseView>> LegalClient::List() {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  std::vector<CaseView> views;
  rpb::ListCasesRequest message;
  message.set_page_size(1000);
  do {
    ASSIGN_OR_RETURN(const rpb::ListCasesResponse response,
                     (session_.Call<ReviewApi, rpb::ListCasesRequest, rpb::ListCasesResponse>(
                         region, ServiceKind::kReview, &ReviewApi::Stub::ListCases, message)));
    for (const rpb::Case& c : response.cases()) {
      ASSIGN_OR_RETURN(CaseView view, CaseViewOf(c));
      views.push_back(std::move(view));
    }
    message.set_page_token(response.next_page_token());
  } while (!message.page_token().empty());
  return views;
}

absl::StatusOr<CaseView> LegalClient::Show(const std::string& case_id) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  rpb::GetCaseRequest message;
  message.set_case_id(case_id);
  return CaseOf(session_.Call<ReviewApi, rpb::GetCaseRequest, rpb::GetCaseResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::GetCase, message));
}

absl::StatusOr<CaseView> LegalClient::Assign(const std::string& case_id,
                                             const std::string& reviewer) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  ASSIGN_OR_RETURN(const CaseView seen, Show(case_id));
  rpb::AssignCaseRequest message;
  message.set_request_id(NewRequestId());
  message.set_case_id(case_id);
  message.set_generation(seen.generation);
  message.set_reviewer(reviewer.empty() ? person_.name : reviewer);
  return CaseOf(session_.Call<ReviewApi, rpb::AssignCaseRequest, rpb::AssignCaseResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::AssignCase, message));
}

absl::StatusOr<CaseView> LegalClient::Decide(const std::string& case_id,
                                             const DecisionDraft& decision) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  ASSIGN_OR_RETURN(const CaseView seen, Show(case_id));
  rpb::DecideCaseRequest message;
  message.set_request_id(NewRequestId());
  message.set_case_id(case_id);
  message.set_generation(seen.generation);
  *message.mutable_no_conflict() = ToProto(SignStatement(EnvelopeFor(session_, region, case_id),
                                                         NoConflict{seen.generation}, person_.key));
  switch (decision.decision) {
    case Decision::kAccept:
      message.mutable_accept();
      break;
    case Decision::kClarify:
      message.mutable_clarify()->set_question(decision.text);
      break;
    case Decision::kHold:
      message.mutable_hold()->set_reason(decision.text);
      break;
    case Decision::kReject:
      message.mutable_reject();
      for (const std::string& name : decision.reasons) {
        ASSIGN_OR_RETURN(const rpb::RejectionReason reason, RejectionByName(name));
        message.mutable_reject()->add_reasons(reason);
      }
      break;
  }
  return CaseOf(session_.Call<ReviewApi, rpb::DecideCaseRequest, rpb::DecideCaseResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::DecideCase, message));
}

absl::StatusOr<CaseView> LegalClient::Approve(const std::string& case_id, bool approve) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  ASSIGN_OR_RETURN(const CaseView seen, Show(case_id));
  // What is signed is computed from the cores themselves: a digest without its core, or a core that
  // is not of this case, is not approved.
  Approval body;
  body.generation = seen.generation;
  body.approve = approve ? 1 : 0;
  body.no_conflict = 1;
  for (const std::string& core : seen.cores) {
    ASSIGN_OR_RETURN(const AuthorisationCore decoded, DecodeRecord<AuthorisationCore>(core));
    if (decoded.case_id != case_id || decoded.request != seen.request.digest()) {
      return Refuse(Reason::kAuthorisationInvalid, "review shows a core of another case");
    }
    body.authorisations.push_back(Sha256Digest(core));
  }
  std::sort(body.authorisations.begin(), body.authorisations.end());
  rpb::ApproveCaseRequest message;
  message.set_request_id(NewRequestId());
  message.set_case_id(case_id);
  message.set_generation(seen.generation);
  *message.mutable_approval() =
      ToProto(SignStatement(EnvelopeFor(session_, region, case_id), body, person_.key));
  return CaseOf(session_.Call<ReviewApi, rpb::ApproveCaseRequest, rpb::ApproveCaseResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::ApproveCase, message));
}

absl::StatusOr<CaseView> LegalClient::Execute(const std::string& case_id) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  rpb::ExecuteCaseRequest message;
  message.set_request_id(NewRequestId());
  message.set_case_id(case_id);
  return CaseOf(session_.Call<ReviewApi, rpb::ExecuteCaseRequest, rpb::ExecuteCaseResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::ExecuteCase, message));
}

absl::StatusOr<CaseView> LegalClient::SendAnswer(const std::string& case_id, bool withdraw,
                                                 const std::string& text) {
  ASSIGN_OR_RETURN(const RegionId region, Region());
  CaseAnswer body;
  body.withdraw = withdraw ? 1 : 0;
  body.text = text;
  rpb::AnswerCaseRequest message;
  message.set_request_id(NewRequestId());
  message.set_case_id(case_id);
  *message.mutable_answer() =
      ToProto(SignStatement(EnvelopeFor(session_, region, case_id), body, person_.key));
  return CaseOf(session_.Call<ReviewApi, rpb::AnswerCaseRequest, rpb::AnswerCaseResponse>(
      region, ServiceKind::kReview, &ReviewApi::Stub::AnswerCase, message));
}

absl::StatusOr<CaseView> LegalClient::Withdraw(const std::string& case_id,
                                               const std::string& text) {
  return SendAnswer(case_id, true, text);
}

absl::StatusOr<CaseView> LegalClient::Answer(const std::string& case_id, const std::string& text) {
  return SendAnswer(case_id, false, text);
}

absl::StatusOr<std::vector<NoticeView>> ListNotices(Session& session, const Profile& profile,
                                                    const std::string& region_name) {
  ASSIGN_OR_RETURN(const RegionId region, session.FindRegion(region_name));
  std::vector<NoticeView> views;
  rpb::ListNoticesRequest message;
  message.set_account_id(std::string(profile.account().bytes()));
  for (const Statement& entry : profile.chain().entries()) *message.add_chain() = ToProto(entry);
  do {
    ASSIGN_OR_RETURN(const rpb::ListNoticesResponse response,
                     (session.Call<ReviewApi, rpb::ListNoticesRequest, rpb::ListNoticesResponse>(
                         region, ServiceKind::kReview, &ReviewApi::Stub::ListNotices, message)));
    ASSIGN_OR_RETURN(const Statement endorsement, FromProto(response.endorsement()));
    ASSIGN_OR_RETURN(const PublicKey key,
                     session.topology().VerifyEndorsement(endorsement, region, ServiceKind::kReview,
                                                          session.Now()));
    for (const comity::common::v1::Statement& notice : response.notices()) {
      ASSIGN_OR_RETURN(const Statement statement, FromProto(notice));
      ASSIGN_OR_RETURN(const Parsed<Notice> parsed, VerifyStatement<Notice>(statement, key));
      if (parsed.envelope.subject != profile.account().bytes()) {
        return Refuse(Reason::kSignatureInvalid, "a notice is about another account");
      }
      views.push_back({parsed.envelope.time, parsed.body});
    }
    message.set_page_token(response.next_page_token());
  } while (!message.page_token().empty());
  return views;
}

}  // namespace comity
