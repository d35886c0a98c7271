#ifndef COMITY_REVIEW_CASE_H_
#define COMITY_REVIEW_CASE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/statement.h"
#include "services/review/rejection.h"

// A case and its states (docs/review.md). Apply() is the whole state machine: pure, it takes a case
// and an event and gives the case after it, or refuses; the caller logs, then stores.
namespace comity::review {

enum class CaseState : uint8_t {
  kReceived = 1,
  kUnderReview = 2,
  kWaiting = 3,
  kHeld = 4,
  kNoticeRunning = 5,
  kReady = 6,
  kApprovedOnce = 7,
  kAuthorised = 8,
  kExecuted = 9,
  kClosed = 10,
};
constexpr bool IsValid(CaseState s) { return s >= CaseState::kReceived && s <= CaseState::kClosed; }
std::string_view Name(CaseState state);  // "UNDER_REVIEW"

enum class CaseOutcome : uint8_t {
  kNone = 0,
  kFull = 1,
  kPartial = 2,
  kNoData = 3,
  kRejected = 4,
  kWithdrawn = 5,
  kExpired = 6,
};
constexpr bool IsValid(CaseOutcome o) { return o <= CaseOutcome::kExpired; }
std::string_view Name(CaseOutcome outcome);  // "FULL"

struct CaseEvent {
  UnixMillis time = 0;
  CaseState state = CaseState::kReceived;  // the state it led to
  std::string text;
  uint64_t leaf_index = 0;
};

struct CaseTarget {
  std::string text;  // "region/account id"
  std::vector<Rejection> rejections;
  std::vector<ContentId> scope;  // decided; empty before
  bool truncated = false;        // more was there than one authorisation can name
};

struct CaseApproval {
  std::string person;       // roster name
  std::string enrolled_by;  // operator
  Statement statement;
  UnixMillis time = 0;
};

// Copyable value.
struct Case {
  std::string id;
  CaseState state = CaseState::kReceived;
  CaseOutcome outcome = CaseOutcome::kNone;
  uint64_t generation = 0;  // +1 with each event

  std::string authority;
  std::string agent;  // roster name
  Statement request_statement;
  LegalRequest request;
  std::vector<Rejection> rejections;  // primary first
  std::vector<CaseTarget> targets;

  std::vector<std::string> deciders;  // reviewers who took a decision: may not approve
  std::vector<std::string> cores;     // encoded authorisation cores, one per account
  std::vector<CaseApproval> approvals;
  std::vector<Statement> grants;  // one per core, once authorised

  UnixMillis received = 0;
  UnixMillis due = 0;
  UnixMillis notice_end = 0;     // 0 = no notice runs or ran
  UnixMillis waiting_until = 0;  // WAITING
  UnixMillis expiry = 0;         // AUTHORISED: of the grants
  std::string salt;              // 32 bytes, of the commitments in leaves
  std::vector<CaseEvent> history;
};

// What can happen to a case. Each is applied at a time and told in a sentence.
struct Event {
  enum class Kind : uint8_t {
    kPassIntake,        // RECEIVED -> UNDER_REVIEW
    kReject,            // from every state before EXECUTED; uses `rejections`
    kAsk,               // UNDER_REVIEW -> WAITING; uses `until`
    kAnswer,            // WAITING -> UNDER_REVIEW
    kHold,              // UNDER_REVIEW -> HELD
    kRelease,           // HELD -> UNDER_REVIEW
    kAcceptWithNotice,  // UNDER_REVIEW -> NOTICE_RUNNING; uses `until`, `cores`, `targets`
    kAcceptBarred,      // UNDER_REVIEW -> READY; uses `cores`, `targets`
    kObject,            // NOTICE_RUNNING -> UNDER_REVIEW
    kNoticeOver,        // NOTICE_RUNNING -> READY
    kApprove,           // READY -> APPROVED_ONCE, APPROVED_ONCE -> AUTHORISED; uses `approval`
    kDisagree,          // READY, APPROVED_ONCE -> UNDER_REVIEW
    kApprovalLapsed,    // APPROVED_ONCE -> READY
    kExecute,           // AUTHORISED -> EXECUTED; uses `outcome`
    kWithdraw,          // from every state before EXECUTED -> CLOSED(withdrawn)
    kExpire,            // AUTHORISED -> CLOSED(expired)
    kAnswered,          // EXECUTED -> CLOSED
  };
  Kind kind;
  UnixMillis time = 0;
  std::string text;
  std::vector<Rejection> rejections = {};
  UnixMillis until = 0;
  std::vector<std::string> cores = {};
  std::vector<CaseTarget> targets = {};
  std::vector<CaseApproval> approval = {};  // exactly one for kApprove
  std::vector<Statement> grants = {};       // for the kApprove that authorises
  CaseOutcome outcome = CaseOutcome::kNone;
  std::string decider = {};  // roster name, for decisions of a reviewer
};

// STATE_NOT_READY when the state does not allow the event; FOUR_EYES for a second approval by the
// same person. Going back to UNDER_REVIEW voids what was decided and given: scope, cores,
// approvals.
absl::StatusOr<Case> Apply(const Case& before, const Event& event);

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASE_H_
