#ifndef COMITY_COMMON_STATUS_REASON_H_
#define COMITY_COMMON_STATUS_REASON_H_

#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace comity {

// Why a call was refused. Closed: the same numbers as comity.common.v1.ErrorReason (a test compares
// the two). Each reason has one status code, one fixed text and one remedy, so that nothing about
// the inside of a service leaks through an error. The code says how to react, the reason says why.
enum class Reason : int {
  kUnspecified = 0,
  // INVALID_ARGUMENT: never valid; the cause (about the caller's own message) is told.
  kFieldInvalid = 1,
  kMessageTooLarge = 2,
  kContextInvalid = 3,
  kStatementMalformed = 4,
  kPageTokenInvalid = 5,
  kRequestIdReused = 6,
  kReasonUnspecified = 7,
  kTopologyInvalid = 8,
  // UNAUTHENTICATED
  kCertificateInvalid = 20,
  kCallerUnknown = 21,
  // PERMISSION_DENIED: also for resources that the caller may not know to exist.
  kCallerNotAllowed = 30,
  kAccountNotYours = 31,
  kBorderClosed = 32,
  kSignatureInvalid = 33,
  kEndorsementMissing = 34,
  kConsentMissing = 35,
  kConsentVoid = 36,
  kAuthorisationInvalid = 37,
  kFourEyes = 38,
  kConflictOfInterest = 39,
  kRulesForbid = 40,
  kShareInvalid = 41,
  kGrantNotInForce = 42,
  kGrantExceeded = 43,
  // FAILED_PRECONDITION: fix the state first.
  kAccountNotHere = 50,
  kAccountSuspended = 51,
  kAccountClosing = 52,
  kKeyDisabled = 53,
  kKeyDestroyed = 54,
  kSealed = 55,
  kStateNotReady = 56,
  kTopologyStale = 57,
  kChainForked = 58,
  kChainBehind = 59,
  kNotDevelopment = 60,
  kStatementSuperseded = 61,
  // NOT_FOUND / ALREADY_EXISTS
  kObjectNotFound = 70,
  kCaseNotFound = 71,
  kObjectExists = 72,
  // ABORTED: read again and retry.
  kConflict = 80,
  // UNAVAILABLE: retry as is.
  kAccountFenced = 90,
  kDraining = 91,
  kStoreUnavailable = 92,
  kPeerUnavailable = 93,
  kLogUnavailable = 94,
  // RESOURCE_EXHAUSTED: back off.
  kRateLimited = 100,
  kOverloaded = 101,
  // DATA_LOSS: stored bytes fail authentication. One text for every decrypt or verify failure.
  kDataCorrupt = 110,
  // DEADLINE_EXCEEDED, CANCELLED, INTERNAL
  kDeadline = 120,
  kCancelled = 121,
  kInternal = 122,
};

struct ReasonInfo {
  Reason reason;
  absl::StatusCode code;
  std::string_view name;    // as in the proto enum, without prefix: "CONSENT_MISSING"
  std::string_view text;    // what the caller is told
  std::string_view remedy;  // what the caller can do next
};

// All reasons in order of number.
std::span<const ReasonInfo> AllReasons();
const ReasonInfo& Describe(Reason reason);

// The one way to make an error. `cause` is for the service's own log; only for INVALID_ARGUMENT,
// where it speaks of the caller's own message, is it part of the text that leaves the process.
absl::Status Refuse(Reason reason, std::string_view cause = {});

// kUnspecified for OK, kInternal for an error that Refuse() did not make.
Reason ReasonOf(const absl::Status& status);
// The cause given to Refuse(); empty if none.
std::string CauseOf(const absl::Status& status);

}  // namespace comity

#endif  // COMITY_COMMON_STATUS_REASON_H_
