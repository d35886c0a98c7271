#ifndef COMITY_COMMON_CRYPTO_X509_H_
#define COMITY_COMMON_CRYPTO_X509_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"

namespace comity {

// What is asked of a certificate. Serial numbers are 128 random bits. SHA-256 with ECDSA P-256.
struct CertificateSpec {
  std::string common_name;        // 1 to 64 bytes
  std::vector<std::string> uris;  // SAN URIs (SPIFFE ids), scheme://host/path; for a CA: none
  std::vector<std::string> dns;   // SAN dNSNames
  UnixMillis not_before = 0;
  UnixMillis not_after = 0;
  // A CA certificate carries a critical nameConstraints permitting only this URI host.
  std::string permitted_uri_host;
};

// All return PEM. For the self-signed ones a spec that is not valid, or a key that is not P-256, is
// a programming error (CHECK); IssueCertificate() refuses with FIELD_INVALID. It does not hold the
// names against the CA's trust domain: that is for whoever verifies.
std::string SelfSignedCertificate(const PrivateKey& key, const CertificateSpec& spec);
std::string SelfSignedAuthority(const PrivateKey& key, const CertificateSpec& spec);  // CA:TRUE
absl::StatusOr<std::string> IssueCertificate(const PrivateKey& ca_key, std::string_view ca_pem,
                                             const PublicKey& subject, const CertificateSpec& spec);

// A parsed certificate; no trust is implied. Copyable value.
struct ParsedCertificate {
  std::string spki;  // DER
  std::string common_name;
  std::vector<std::string> uris;
  UnixMillis not_before = 0;
  UnixMillis not_after = 0;
  bool is_ca = false;
  // The only URI host that a CA's critical name constraints permit; empty if there is none or
  // anything else is permitted too.
  std::string permitted_uri_host;
  bool self_signed = false;  // issuer = subject and the signature verifies under its own key
};
// FIELD_INVALID unless exactly one well-formed certificate.
absl::StatusOr<ParsedCertificate> ParseCertificate(std::string_view pem);

// Does `pem` chain directly to `root_pem` (one level: leaf, root), with valid signature (ECDSA with
// SHA-256), key usage (signatures, both ends of TLS), dates at `now` and name constraints (the root
// must have them, and each URI must have exactly the permitted host)? CERTIFICATE_INVALID with the
// cause otherwise.
absl::Status VerifyIssuedBy(std::string_view pem, std::string_view root_pem, UnixMillis now);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_X509_H_
