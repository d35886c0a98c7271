#ifndef COMITY_REVIEW_DECISIONS_H_
#define COMITY_REVIEW_DECISIONS_H_

#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/review/bulk.h"
#include "services/review/cases.h"
#include "services/review/own_storage.h"
#include "services/review/site.h"

namespace comity::review {

struct AcceptDecision {
  std::vector<ContentId> only;  // empty: everything in the requested time range
};
struct ClarifyDecision {
  std::string question;
};
struct HoldDecision {
  std::string reason;
};
struct RejectDecision {
  std::vector<Rejection> reasons;  // primary first
};

struct AssignCommand {
  std::string case_id;
  RequestId request_id;
  Digest digest;  // of the whole request
  uint64_t generation = 0;
  std::string reviewer;  // roster name
};

struct DecideCommand {
  std::string case_id;
  RequestId request_id;
  Digest digest;  // of the whole request
  uint64_t generation = 0;
  Statement no_conflict;
  std::variant<AcceptDecision, ClarifyDecision, HoldDecision, RejectDecision> decision;
};

struct ApproveCommand {
  std::string case_id;
  RequestId request_id;
  Digest digest;
  uint64_t generation = 0;
  Statement approval;
};

struct AnswerCommand {
  std::string case_id;
  RequestId request_id;
  Digest digest;
  Statement answer;
};

// What reviewers, approvers and the authority do to a case. Every act is signed by the person whose
// connection it comes on. Thread-safe. What it is given outlives it.
//   CALLER_NOT_ALLOWED    the person has not the role.
//   SIGNATURE_INVALID     the statement is not the caller's, or about another case.
//   CASE_NOT_FOUND        no such case, or not one of this agent.
//   CONFLICT              the case has changed since the person saw it.
//   STATE_NOT_READY       its state does not allow this.
class Decisions final {
 public:
  Decisions(const Site* site, Cases* cases, const Bulk* bulk, OwnStorage* storage)
      : site_(site), cases_(cases), bulk_(bulk), storage_(storage) {}

  // A reviewer gives the case to a reviewer, himself or another, who alone decides it from then on.
  // A repeat for the same one changes nothing.
  //   FIELD_INVALID         the region has no reviewer of that name.
  absl::StatusOr<Case> Assign(const Authorization& reviewer, const AssignCommand& command);

  // A reviewer decides the scope, asks, holds or refuses. A case that was held is taken up again by
  // accepting it.
  //   CONFLICT_OF_INTEREST  no declaration for this case as it stands.
  //   STATE_NOT_READY       also when the case is given to another reviewer.
  //   CALLER_NOT_ALLOWED    a reason that needs a lawyer.
  //   RULES_FORBID          accepted, it and its siblings would be over the cap.
  absl::StatusOr<Case> Decide(const Authorization& reviewer, const DecideCommand& command);

  // An approver signs the digests of all authorisations, or disagrees. With the second one the
  // authorisations are granted and logged.
  //   CONFLICT_OF_INTEREST    no declaration.
  //   AUTHORISATION_INVALID   other digests than those of the case.
  //   FOUR_EYES               took part already; or neither approver is of custody's operator.
  absl::StatusOr<Case> Approve(const Authorization& approver, const ApproveCommand& command);

  // The case's agent withdraws, or answers a question.
  absl::StatusOr<Case> Answer(const Authorization& agent, const AnswerCommand& command);

 private:
  using Events = absl::StatusOr<std::vector<Event>>;
  Events AssignEvents(const Case& c, const AssignCommand& command) const;
  Events DecideEvents(const Case& c, const RosterPerson& reviewer, const DecideCommand& command);
  Events Accept(const Case& c, const AcceptDecision& decision);
  Events ApproveEvents(const Case& c, const RosterPerson& approver, const ApproveCommand& command);
  // Grants for all cores of the case, signed but not logged.
  absl::StatusOr<Event> Authorise(const Case& c, CaseApproval approval, UnixMillis signed_at);

  const Site* const site_;
  Cases* const cases_;
  const Bulk* const bulk_;
  OwnStorage* const storage_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_DECISIONS_H_
