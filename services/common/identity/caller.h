#ifndef COMITY_COMMON_IDENTITY_CALLER_H_
#define COMITY_COMMON_IDENTITY_CALLER_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"
#include "services/common/topology/topology.h"

namespace comity {

// Who is at the other end of a TLS connection, as its certificate proves it. Copyable value.
struct Caller {
  enum class Kind : uint8_t { kDevice, kService, kAgent, kReviewer, kOperatorPerson };
  Kind kind;
  PublicKey key;          // of the certificate; TLS proved possession
  UnixMillis valid_from;  // the certificate's dates
  UnixMillis valid_until;
  RegionId region;                              // empty for devices, which belong to no region
  ServiceKind service = ServiceKind::kStorage;  // kService only
  std::string operator_name;                    // kService, kOperatorPerson
  std::string authority;                        // kAgent
  std::string name;                             // of a person
};
std::string_view Name(Caller::Kind kind);  // "device", "service", …: for logs

// The caller behind a certificate that was presented in a TLS handshake.
//   Self-signed, P-256, no authority, without names  -> a device.
//   Exactly one SPIFFE name                          -> what the name says, if the certificate is
//     issued by the root of the region it names, and, for a service, if the operator is the
//     topology's operator of that service.
// CERTIFICATE_INVALID for everything else, dates included: no root can make a device, and no root
// can vouch for another region's name. Being a known person or an allowed service is the guard's
// question (server/guard.h), being a device of an account is the service's.
absl::StatusOr<Caller> IdentifyCaller(std::string_view certificate_pem, const Topology& topology,
                                      UnixMillis now);

}  // namespace comity

#endif  // COMITY_COMMON_IDENTITY_CALLER_H_
