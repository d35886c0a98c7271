#include "services/common/identity/caller.h"

#include <utility>

#include "services/common/crypto/x509.h"
#include "services/common/identity/spiffe.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kMaxCertificateBytes = 16 << 10;

absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kCertificateInvalid, cause); }

absl::Status CheckDates(const ParsedCertificate& certificate, UnixMillis now) {
  if (now < certificate.not_before) {
    return Invalid("the certificate is not valid yet");
  }
  if (now > certificate.not_after) {
    return Invalid("the certificate has expired");
  }
  return absl::OkStatus();
}

Caller::Kind KindOf(SpiffeName::Kind kind) {
  switch (kind) {
    case SpiffeName::Kind::kService:
      return Caller::Kind::kService;
    case SpiffeName::Kind::kOperatorPerson:
      return Caller::Kind::kOperatorPerson;
    case SpiffeName::Kind::kAgent:
      return Caller::Kind::kAgent;
    case SpiffeName::Kind::kReviewer:
      return Caller::Kind::kReviewer;
  }
  return Caller::Kind::kReviewer;
}

// The region whose root must have issued a certificate of this name.
absl::StatusOr<const RegionInfo*> RegionOf(const SpiffeName& name, const Topology& topology) {
  const RegionInfo* region = topology.FindRegion(name.region);
  if (region == nullptr || name.deployment != topology.deployment()) {
    return Invalid("the certificate names a region that is not in the topology");
  }
  return region;
}

absl::Status CheckOperator(const SpiffeName& name, const RegionInfo& region) {
  const auto service = region.services.find(name.service);
  if (service == region.services.end() || service->second.operator_name != name.organisation) {
    return Invalid("the certificate names an operator that does not run this service");
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view Name(Caller::Kind kind) {
  switch (kind) {
    case Caller::Kind::kDevice:
      return "device";
    case Caller::Kind::kService:
      return "service";
    case Caller::Kind::kAgent:
      return "agent";
    case Caller::Kind::kReviewer:
      return "reviewer";
    case Caller::Kind::kOperatorPerson:
      return "operator-person";
  }
  return "unknown";
}

absl::StatusOr<Caller> IdentifyCaller(std::string_view certificate_pem, const Topology& topology,
                                      UnixMillis now) {
  if (certificate_pem.size() > kMaxCertificateBytes) {
    return Invalid("the certificate is too long");
  }
  absl::StatusOr<ParsedCertificate> certificate = ParseCertificate(certificate_pem);
  if (!certificate.ok()) {
    return Invalid("not one well-formed certificate");
  }
  absl::StatusOr<PublicKey> key = PublicKey::FromSpki(certificate->spki);
  if (!key.ok() || key->algorithm() != SignatureAlgorithm::kEcdsaP256) {
    return Invalid("the certificate's key is not a P-256 key");
  }
  RETURN_IF_ERROR(CheckDates(*certificate, now));
  // An authority is nobody. Without this, a region's own root, which is self-signed and has no
  // name, would be a device.
  if (certificate->is_ca) {
    return Invalid("the certificate is an authority's");
  }
  Caller caller{.kind = Caller::Kind::kDevice,
                .key = *std::move(key),
                .valid_from = certificate->not_before,
                .valid_until = certificate->not_after};
  if (certificate->uris.empty()) {
    // A root that issues a certificate for somebody's key, without a name, has made nothing: a
    // device speaks for itself.
    if (!certificate->self_signed) {
      return Invalid("a certificate without a name must be self-signed");
    }
    return caller;
  }
  if (certificate->uris.size() != 1) {
    return Invalid("the certificate has more than one name");
  }
  ASSIGN_OR_RETURN(SpiffeName name, ParseSpiffe(certificate->uris.front()));
  ASSIGN_OR_RETURN(const RegionInfo* region, RegionOf(name, topology));
  RETURN_IF_ERROR(VerifyIssuedBy(certificate_pem, region->root_certificate, now));

  caller.kind = KindOf(name.kind);
  caller.region = name.region;
  switch (caller.kind) {
    case Caller::Kind::kService:
      RETURN_IF_ERROR(CheckOperator(name, *region));
      caller.service = name.service;
      caller.operator_name = name.organisation;
      break;
    case Caller::Kind::kOperatorPerson:
      caller.operator_name = name.organisation;
      caller.name = name.name;
      break;
    case Caller::Kind::kAgent:
      caller.authority = name.organisation;
      caller.name = name.name;
      break;
    case Caller::Kind::kReviewer:
    case Caller::Kind::kDevice:
      caller.name = name.name;
      break;
  }
  return caller;
}

}  // namespace comity
