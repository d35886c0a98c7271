#ifndef COMITY_REVIEW_CASE_H_
#define COMITY_REVIEW_CASE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
  uint64_t objects = 0;    // contents in the decided scope; 0 before
  bool truncated = false;  // more is there than the scope names
  bool provided = false;   // something of it was given
  bool concerned = false;  // an account that was here when the request came: its user is told
};

struct CaseApproval {
  std::string person;       // roster name
  std::string enrolled_by;  // operator
  Statement statement;
  UnixMillis time = 0;
};

// Review's signature under one authorisation, and the proof that it was logged first.
struct CaseGrant {
  Statement statement;  // legal.grant
  std::string leaf;
  std::string receipt;  // C2SP tlog-proof@v1 text
};

// A mutation that was applied, so that its repeat is known: kept 24 h.
struct CaseMemo {
  Digest key;      // of caller, method and request id
  Digest request;  // of the whole request
  UnixMillis time = 0;
};

// Copyable value.
struct Case {
  std::string id;
  CaseState state = CaseState::kReceived;
  CaseOutcome outcome = CaseOutcome::kNone;
  uint64_t generation = 0;  // +1 with each event but approvals, which are given to one generation

  std::string authority;
  std::string agent;  // roster name
  Statement request_statement;
  LegalRequest request;
  std::vector<Rejection> rejections;  // primary first
  std::vector<CaseTarget> targets;

  std::string assignee;               // the reviewer who alone decides it; empty = any
  std::vector<std::string> deciders;  // reviewers who took a decision: may not approve
  std::vector<std::string> cores;     // encoded authorisation cores, one per account
  std::vector<CaseApproval> approvals;
  std::vector<CaseGrant> grants;   // one per core, in their order, once authorised
  bool executing = false;          // AUTHORISED: storage and custody may have been asked already
  std::vector<Digest> objections;  // digests of legal.objection statements that were taken
  std::vector<CaseMemo> memos;

  UnixMillis received = 0;
  UnixMillis due = 0;
  UnixMillis notice_end = 0;     // 0 = no notice runs or ran
  UnixMillis notice_due = 0;     // when the bar ends and the users must be told; 0 = no bar
  bool notice_given = false;     // the users know of the case
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
    kHoldTogether,      // a sum over split requests: from every state between intake and the second
                        // approval -> HELD
    kRelease,           // HELD -> UNDER_REVIEW
    kAcceptWithNotice,  // UNDER_REVIEW -> NOTICE_RUNNING; uses `until`, `cores`, `targets`
    kAcceptBarred,      // UNDER_REVIEW -> READY; uses `cores`, `targets`
    kObject,            // NOTICE_RUNNING -> UNDER_REVIEW
    kNoticeOver,        // NOTICE_RUNNING -> READY
    kApprove,           // READY -> APPROVED_ONCE, APPROVED_ONCE -> AUTHORISED; uses `approval`
    kDisagree,          // READY, APPROVED_ONCE -> UNDER_REVIEW
    kApprovalLapsed,    // APPROVED_ONCE -> READY
    kBegin,             // AUTHORISED, once: from here on it can only be carried out or expire
    kExecute,           // AUTHORISED, begun -> EXECUTED; uses `outcome`, `targets`
    kWithdraw,          // from every state before EXECUTED, not begun -> CLOSED(withdrawn)
    kExpire,            // AUTHORISED -> CLOSED(expired)
    kAnswered,          // EXECUTED -> CLOSED
    kGiveNotice,        // the bar has ended; the state stays
    kAssign,            // while a reviewer may still decide it: uses `assignee`; the state stays
  };
  Kind kind;
  UnixMillis time = 0;
  std::string text;
  std::vector<Rejection> rejections = {};
  UnixMillis until = 0;
  std::vector<std::string> cores = {};
  std::vector<CaseTarget> targets = {};
  std::vector<CaseApproval> approval = {};  // exactly one for kApprove
  std::vector<CaseGrant> grants = {};       // for the kApprove that authorises
  CaseOutcome outcome = CaseOutcome::kNone;
  std::string assignee = {};             // roster name
  std::string decider = {};              // roster name, for decisions of a reviewer
  std::optional<Digest> objection = {};  // kObject: the statement
};

// STATE_NOT_READY when the state does not allow the event; FOUR_EYES for a second approval by the
// same person. Going back to UNDER_REVIEW voids what was decided and given: scope, cores,
// approvals.
absl::StatusOr<Case> Apply(const Case& before, const Event& event);

// What was produced for the authority: a case with such an outcome has a package.
bool IsAnswered(const Case& c);
// Can anything still come of it? False once it is closed without an answer.
bool CountsForSums(const Case& c);

}  // namespace comity::review

#endif  // COMITY_REVIEW_CASE_H_
