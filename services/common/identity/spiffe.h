#ifndef COMITY_COMMON_IDENTITY_SPIFFE_H_
#define COMITY_COMMON_IDENTITY_SPIFFE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"

namespace comity {

// The names that a region's root may vouch for, as URIs in certificates:
//   spiffe://<region>.<deployment>/operator/<operator>/<storage|custody|review>/<number>
//   spiffe://<region>.<deployment>/operator/<operator>/person/<name>
//   spiffe://<region>.<deployment>/authority/<authority>/agent/<name>
//   spiffe://<region>.<deployment>/reviewer/<name>      (reviewers, approvers and lawyers)
// Devices have no such name: an account is its device keys.
struct SpiffeName {
  enum class Kind : uint8_t { kService, kOperatorPerson, kAgent, kReviewer };
  Kind kind = Kind::kReviewer;
  RegionId region;
  std::string deployment;
  std::string organisation;                     // operator or authority; empty for reviewers
  ServiceKind service = ServiceKind::kStorage;  // kService only
  std::string name;                             // of the person; a service's number, "0"
  friend bool operator==(const SpiffeName&, const SpiffeName&) = default;
};

// Exactly the forms above and in no other spelling: what parses is what FormatSpiffe() writes.
// CERTIFICATE_INVALID otherwise.
absl::StatusOr<SpiffeName> ParseSpiffe(std::string_view uri);
std::string FormatSpiffe(const SpiffeName& name);

}  // namespace comity

#endif  // COMITY_COMMON_IDENTITY_SPIFFE_H_
