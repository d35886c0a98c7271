#include "services/common/status/reason.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace comity {
namespace {

constexpr absl::string_view kReasonPayload = "comity.reason";
constexpr absl::string_view kCausePayload = "comity.cause";

using Code = absl::StatusCode;

// Texts end with a period and remedies do not, so that a cause can follow the remedy.
constexpr auto kReasons = std::to_array<ReasonInfo>({
    {Reason::kUnspecified, Code::kInternal, "UNSPECIFIED", "No reason was given.",
     "Report this to the operator of the service"},

    {Reason::kFieldInvalid, Code::kInvalidArgument, "FIELD_INVALID",
     "A field of the request is missing or not valid.", "Correct the field and send it again"},
    {Reason::kMessageTooLarge, Code::kInvalidArgument, "MESSAGE_TOO_LARGE",
     "The message is larger than the service accepts.", "Send it in smaller parts"},
    {Reason::kContextInvalid, Code::kInvalidArgument, "CONTEXT_INVALID",
     "The context bound to the key is not valid.",
     "Use at most the allowed number of pairs, each with a distinct name"},
    {Reason::kStatementMalformed, Code::kInvalidArgument, "STATEMENT_MALFORMED",
     "The statement is not a valid canonical encoding of its type.",
     "Make and sign it again with a current client"},
    {Reason::kPageTokenInvalid, Code::kInvalidArgument, "PAGE_TOKEN_INVALID",
     "The page token does not belong to this listing.", "Start the listing again without a token"},
    {Reason::kRequestIdReused, Code::kInvalidArgument, "REQUEST_ID_REUSED",
     "The request id was used before for a different request.", "Draw a new random request id"},
    {Reason::kReasonUnspecified, Code::kInvalidArgument, "REASON_UNSPECIFIED",
     "The use of a key does not state its reason.", "State the reason and send it again"},
    {Reason::kTopologyInvalid, Code::kInvalidArgument, "TOPOLOGY_INVALID",
     "The topology breaks a rule.", "Correct the topology and have it signed again"},

    {Reason::kCertificateInvalid, Code::kUnauthenticated, "CERTIFICATE_INVALID",
     "The certificate is not valid for this connection.",
     "Present a current certificate issued by the root of the region it names"},
    {Reason::kCallerUnknown, Code::kUnauthenticated, "CALLER_UNKNOWN",
     "The certificate is valid but of no kind that is known here.",
     "Use a device's own certificate, or one with a service or person name of the topology"},

    {Reason::kCallerNotAllowed, Code::kPermissionDenied, "CALLER_NOT_ALLOWED",
     "This caller may not make this call.", "Have it made by an identity that is entitled to it"},
    {Reason::kAccountNotYours, Code::kPermissionDenied, "ACCOUNT_NOT_YOURS",
     "The account does not exist or is not yours.", "Use a device that belongs to the account"},
    {Reason::kBorderClosed, Code::kPermissionDenied, "BORDER_CLOSED",
     "The topology allows nothing of this kind between the two regions.",
     "Ask the operators of both regions to declare the border"},
    {Reason::kSignatureInvalid, Code::kPermissionDenied, "SIGNATURE_INVALID",
     "A signature or proof does not verify.", "Sign with the key that the statement names"},
    {Reason::kEndorsementMissing, Code::kPermissionDenied, "ENDORSEMENT_MISSING",
     "The statement key of the service has no current endorsement of its operator.",
     "Ask the operator of the service to endorse the key"},
    {Reason::kConsentMissing, Code::kPermissionDenied, "CONSENT_MISSING",
     "The account has not consented to this.", "Obtain the account's signed consent first"},
    {Reason::kConsentVoid, Code::kPermissionDenied, "CONSENT_VOID",
     "The consent was withdrawn, spent, has expired or does not fit.",
     "Obtain a new consent for exactly this change"},
    {Reason::kAuthorisationInvalid, Code::kPermissionDenied, "AUTHORISATION_INVALID",
     "The authorisation does not cover this request.",
     "Open or extend a case whose authorisation covers it"},
    {Reason::kFourEyes, Code::kPermissionDenied, "FOUR_EYES",
     "The step needs further persons who have not acted in it yet.",
     "Have another entitled person approve it"},
    {Reason::kConflictOfInterest, Code::kPermissionDenied, "CONFLICT_OF_INTEREST",
     "This person may not act in this matter.", "Have an uninvolved person act"},
    {Reason::kRulesForbid, Code::kPermissionDenied, "RULES_FORBID",
     "The residency or review rules of the topology forbid this.",
     "See the rules in the topology; nobody can lift them for one call"},
    {Reason::kShareInvalid, Code::kPermissionDenied, "SHARE_INVALID",
     "This is not the share of the root key that this person was given.",
     "Enter the own share, as it was handed out with the newest split of the root key"},
    {Reason::kGrantNotInForce, Code::kPermissionDenied, "GRANT_NOT_IN_FORCE",
     "The grant has ended, was revoked or has not begun.",
     "Ask the owner of the key for another grant"},
    {Reason::kGrantExceeded, Code::kPermissionDenied, "GRANT_EXCEEDED",
     "The grant does not cover this operation, purpose, object or context.",
     "Ask for no more than it covers, or its owner for one that covers it"},

    {Reason::kAccountNotHere, Code::kFailedPrecondition, "ACCOUNT_NOT_HERE",
     "The account is not active in this region.",
     "Call the region that the newest activation of the account names"},
    {Reason::kAccountSuspended, Code::kFailedPrecondition, "ACCOUNT_SUSPENDED",
     "The account is suspended: it can only be read for export.", "Export it, or resume it first"},
    {Reason::kAccountClosing, Code::kFailedPrecondition, "ACCOUNT_CLOSING",
     "The account is closing and takes no new data.",
     "Cancel the closing while that is still possible"},
    {Reason::kKeyDisabled, Code::kFailedPrecondition, "KEY_DISABLED",
     "This version of the key is disabled.", "Enable it, or use a newer version"},
    {Reason::kKeyDestroyed, Code::kFailedPrecondition, "KEY_DESTROYED",
     "This version of the key is destroyed.", "What it protected cannot be read any more"},
    {Reason::kSealed, Code::kFailedPrecondition, "SEALED", "The custody is sealed.",
     "Have its operator persons unseal it"},
    {Reason::kStateNotReady, Code::kFailedPrecondition, "STATE_NOT_READY",
     "The case, move or account is not in a state that allows this.",
     "Complete the step before and try again"},
    {Reason::kTopologyStale, Code::kFailedPrecondition, "TOPOLOGY_STALE",
     "The topology is older than one already seen.", "Load the newest signed topology"},
    {Reason::kChainForked, Code::kFailedPrecondition, "CHAIN_FORKED",
     "Two different device chain entries have the same number; both are kept as evidence.",
     "No change is possible any more; read what is there and open a new account"},
    {Reason::kChainBehind, Code::kFailedPrecondition, "CHAIN_BEHIND",
     "The device chain is not the newest one or lacks entries.",
     "Send the missing entries first and sign over the newest one"},
    {Reason::kNotDevelopment, Code::kFailedPrecondition, "NOT_DEVELOPMENT",
     "This is only possible in a development deployment.",
     "Use a topology that is marked as development"},
    {Reason::kStatementSuperseded, Code::kFailedPrecondition, "STATEMENT_SUPERSEDED",
     "A statement with a higher number is already known.",
     "Read the newest statement and number yours after it"},

    {Reason::kObjectNotFound, Code::kNotFound, "OBJECT_NOT_FOUND",
     "The object or version does not exist.", "List the objects of the account"},
    {Reason::kCaseNotFound, Code::kNotFound, "CASE_NOT_FOUND", "The case does not exist.",
     "Check the case number"},
    {Reason::kObjectExists, Code::kAlreadyExists, "OBJECT_EXISTS", "The object already exists.",
     "Draw a new object id, or add a version to the existing object"},

    {Reason::kConflict, Code::kAborted, "CONFLICT", "Something else changed this at the same time.",
     "Read it again and retry"},

    {Reason::kAccountFenced, Code::kUnavailable, "ACCOUNT_FENCED", "The account is being moved.",
     "Retry in a moment"},
    {Reason::kDraining, Code::kUnavailable, "DRAINING", "The service is shutting down.",
     "Retry in a moment"},
    {Reason::kStoreUnavailable, Code::kUnavailable, "STORE_UNAVAILABLE",
     "The store of the service cannot be used now.", "Retry later"},
    {Reason::kPeerUnavailable, Code::kUnavailable, "PEER_UNAVAILABLE",
     "Another service that is needed cannot be reached now.", "Retry later"},
    {Reason::kLogUnavailable, Code::kUnavailable, "LOG_UNAVAILABLE",
     "The transparency log cannot record this now.", "Retry later"},

    {Reason::kRateLimited, Code::kResourceExhausted, "RATE_LIMITED",
     "Too many calls in a short time.", "Wait and retry at a lower rate"},
    {Reason::kOverloaded, Code::kResourceExhausted, "OVERLOADED",
     "The service has too much to do or a limit is reached.", "Wait and retry"},

    {Reason::kDataCorrupt, Code::kDataLoss, "DATA_CORRUPT",
     "The data cannot be authenticated: it was changed, cut or belongs elsewhere.",
     "Do not use it; fetch it again or restore it from another copy"},

    {Reason::kDeadline, Code::kDeadlineExceeded, "DEADLINE",
     "The deadline passed; whether the call took effect is not known.",
     "Retry with the same request id"},
    {Reason::kCancelled, Code::kCancelled, "CANCELLED", "The call was cancelled.",
     "Retry if it is still wanted"},
    {Reason::kInternal, Code::kInternal, "INTERNAL", "The service met an error of its own.",
     "Report this to the operator of the service"},
});

constexpr bool AscendsByNumber() {
  return std::ranges::is_sorted(kReasons, std::ranges::less_equal{}, &ReasonInfo::reason);
}
static_assert(AscendsByNumber(), "Describe() searches the table by number");

constexpr const ReasonInfo* FindReason(Reason reason) {
  const auto it = std::ranges::lower_bound(kReasons, reason, {}, &ReasonInfo::reason);
  return it != kReasons.end() && it->reason == reason ? &*it : nullptr;
}

// What is told of a number that is not in the table.
constexpr const ReasonInfo& kUnknown = *FindReason(Reason::kInternal);

}  // namespace

std::span<const ReasonInfo> AllReasons() { return kReasons; }

const ReasonInfo& Describe(Reason reason) {
  const ReasonInfo* info = FindReason(reason);
  return info != nullptr ? *info : kUnknown;
}

absl::Status Refuse(Reason reason, std::string_view cause) {
  // A refusal without a reason is a bug of the service, and told as one.
  const ReasonInfo& info = Describe(reason == Reason::kUnspecified ? Reason::kInternal : reason);
  std::string message;
  message.append(info.text).append(" ").append(info.remedy);
  if (info.code == absl::StatusCode::kInvalidArgument && !cause.empty()) {
    message.append(": ").append(cause);
  }
  absl::Status status(info.code, message);
  status.SetPayload(kReasonPayload, absl::Cord(std::to_string(static_cast<int>(info.reason))));
  if (!cause.empty()) {
    status.SetPayload(kCausePayload, absl::Cord(absl::string_view(cause.data(), cause.size())));
  }
  return status;
}

Reason ReasonOf(const absl::Status& status) {
  if (status.ok()) {
    return Reason::kUnspecified;
  }
  const auto payload = status.GetPayload(kReasonPayload);
  if (!payload.has_value()) {
    return Reason::kInternal;
  }
  const std::string digits(*payload);
  int number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const ReasonInfo* info = FindReason(static_cast<Reason>(number));
  return info != nullptr && info->reason != Reason::kUnspecified ? info->reason : Reason::kInternal;
}

std::string CauseOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kCausePayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace comity
