#ifndef COMITY_REVIEW_REJECTION_H_
#define COMITY_REVIEW_REJECTION_H_

#include <cstdint>
#include <string_view>

namespace comity::review {

// Why a request, or one target of it, is refused. Closed; the same numbers as
// comity.review.v1.RejectionReason (a test compares the two).
enum class Rejection : uint8_t {
  kAuthenticityFailed = 1,
  kDuplicate = 2,
  kIncomplete = 3,
  kManifestErrors = 4,
  kInsufficientInformation = 5,
  kNoLegalBasis = 6,
  kInvalidIssuingAuthority = 7,
  kWrongJurisdiction = 8,
  kOffenceNotCovered = 9,
  kServiceNotCovered = 10,
  kInstrumentTooWeak = 11,
  kNotParticularised = 12,
  kOverBroad = 13,
  kBulk = 14,
  kEmergencyNotSubstantiated = 15,
  kInstrumentExpired = 16,
  kImmunitiesOrPrivileges = 17,
  kFundamentalRights = 18,
  kNeBisInIdem = 19,
  kNotAnOffenceHere = 20,
  kConflictOfLaw = 21,
  kDataNotHeld = 22,
  kNotDecryptableHere = 23,
  kDeFactoImpossibility = 24,
  kNeverReleased = 25,
};
constexpr bool IsValid(Rejection r) {
  return r >= Rejection::kAuthenticityFailed && r <= Rejection::kNeverReleased;
}

// "BULK", as in the proto enum without its prefix.
std::string_view Name(Rejection rejection);
// A sentence for the authority: what is wrong and what would mend it.
std::string_view Explain(Rejection rejection);
// Rule 5: these may be given only by a person with the lawyer role.
bool NeedsLawyer(Rejection rejection);

}  // namespace comity::review

#endif  // COMITY_REVIEW_REJECTION_H_
