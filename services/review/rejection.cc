#include "services/review/rejection.h"

namespace comity::review {
namespace {

struct Text {
  std::string_view name;
  std::string_view sentence;
};

Text TextOf(Rejection rejection) {
  switch (rejection) {
    case Rejection::kAuthenticityFailed:
      return {"AUTHENTICITY_FAILED",
              "The request is not signed by the agent and for the authority that it names; sign it "
              "with a key of the roster."};
    case Rejection::kDuplicate:
      return {"DUPLICATE",
              "The same instrument was received before; refer to its case, or send a new "
              "instrument."};
    case Rejection::kIncomplete:
      return {"INCOMPLETE",
              "Something that every request must name is missing: reference, legal basis, ground, "
              "targets, classes, or for classes C3 to C5 a closed time range."};
    case Rejection::kManifestErrors:
      return {"MANIFEST_ERRORS",
              "The request contradicts itself: repeated targets or classes, a range that ends "
              "before it begins, or an instrument that expires before it was issued."};
    case Rejection::kInsufficientInformation:
      return {"INSUFFICIENT_INFORMATION", "The request says too little to be acted on."};
    case Rejection::kNoLegalBasis:
      return {"NO_LEGAL_BASIS", "The provision named does not allow what is asked."};
    case Rejection::kInvalidIssuingAuthority:
      return {"INVALID_ISSUING_AUTHORITY", "This authority cannot issue such an instrument."};
    case Rejection::kWrongJurisdiction:
      return {"WRONG_JURISDICTION",
              "The target belongs to another region, whether or not it exists there; ask through "
              "that region's own authority and review."};
    case Rejection::kOffenceNotCovered:
      return {"OFFENCE_NOT_COVERED", "The offence is not one for which this may be asked."};
    case Rejection::kServiceNotCovered:
      return {"SERVICE_NOT_COVERED", "The law named does not reach this service."};
    case Rejection::kInstrumentTooWeak:
      return {"INSTRUMENT_TOO_WEAK",
              "The class of data needs a stronger instrument: a court order for C2 and C3, a "
              "judge's warrant for C4 and C5."};
    case Rejection::kNotParticularised:
      return {"NOT_PARTICULARISED",
              "The time range is longer than the rules allow; narrow it to what the ground "
              "carries."};
    case Rejection::kOverBroad:
      return {"OVER_BROAD", "The request asks for more than its ground carries; narrow it."};
    case Rejection::kBulk:
      return {"BULK",
              "Requests for everyone in some place or time, or for more accounts than the cap, in "
              "one request or split over several, are not answered; name each account and its "
              "ground."};
    case Rejection::kEmergencyNotSubstantiated:
      return {"EMERGENCY_NOT_SUBSTANTIATED", "No danger to life or limb is shown."};
    case Rejection::kInstrumentExpired:
      return {"INSTRUMENT_EXPIRED", "The instrument is not, or no longer, valid; renew it."};
    case Rejection::kImmunitiesOrPrivileges:
      return {"IMMUNITIES_OR_PRIVILEGES", "The data is protected by an immunity or privilege."};
    case Rejection::kFundamentalRights:
      return {"FUNDAMENTAL_RIGHTS", "Answering would breach fundamental rights."};
    case Rejection::kNeBisInIdem:
      return {"NE_BIS_IN_IDEM", "The matter was already judged."};
    case Rejection::kNotAnOffenceHere:
      return {"NOT_AN_OFFENCE_HERE", "What is alleged is no offence under the region's law."};
    case Rejection::kConflictOfLaw:
      return {"CONFLICT_OF_LAW", "Another law that binds the operator forbids it."};
    case Rejection::kDataNotHeld:
      return {"DATA_NOT_HELD", "This region holds no such account or no data of that class."};
    case Rejection::kNotDecryptableHere:
      return {"NOT_DECRYPTABLE_HERE", "The key is not in this region."};
    case Rejection::kDeFactoImpossibility:
      return {"DE_FACTO_IMPOSSIBILITY", "It cannot be carried out in fact."};
    case Rejection::kNeverReleased:
      return {"NEVER_RELEASED",
              "Account-wide key material is never released; no instrument suffices."};
  }
  return {"UNSPECIFIED", ""};
}

}  // namespace

std::string_view Name(Rejection rejection) { return TextOf(rejection).name; }

std::string_view Explain(Rejection rejection) { return TextOf(rejection).sentence; }

bool NeedsLawyer(Rejection rejection) {
  switch (rejection) {
    case Rejection::kImmunitiesOrPrivileges:
    case Rejection::kFundamentalRights:
    case Rejection::kNeBisInIdem:
    case Rejection::kNotAnOffenceHere:
    case Rejection::kConflictOfLaw:
    case Rejection::kDeFactoImpossibility:
      return true;
    default:
      return false;
  }
}

}  // namespace comity::review
