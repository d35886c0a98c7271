#ifndef COMITY_CLIENT_LEGAL_CASE_VIEW_H_
#define COMITY_CLIENT_LEGAL_CASE_VIEW_H_

#include <string>

#include "absl/status/statusor.h"

#include "client/legal/legal.h"
#include "comity/review/v1/review.pb.h"

namespace comity {

absl::StatusOr<CaseView> CaseViewOf(const comity::review::v1::Case& message);

// "BULK" -> REJECTION_REASON_BULK. FIELD_INVALID, naming what there is.
absl::StatusOr<comity::review::v1::RejectionReason> RejectionByName(const std::string& name);

}  // namespace comity

#endif  // COMITY_CLIENT_LEGAL_CASE_VIEW_H_
