#ifndef COMITY_COMMON_CRYPTO_X509_INTERNAL_H_
#define COMITY_COMMON_CRYPTO_X509_INTERNAL_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "services/common/clock/clock.h"

// Internal to services/common/crypto: what issuing, parsing and verifying certificates share.
struct x509_st;  // BoringSSL's X509; its headers stay in .cc files

namespace comity {

struct X509Deleter {
  void operator()(x509_st* certificate) const;
};
using X509Pointer = std::unique_ptr<x509_st, X509Deleter>;

inline constexpr std::string_view kCertificateLabel = "CERTIFICATE";
inline constexpr UnixMillis kLatestCertificateTime = 253'402'300'799'000;  // the end of 9999

// Null unless `pem` is exactly one certificate.
X509Pointer X509FromPem(std::string_view pem);
bool IsAuthority(const x509_st* certificate);
// The one URI host that a root's name constraints permit; none if they permit several, or names
// without limit.
std::optional<std::string> PermittedUriHost(const x509_st* root);

// The host of "scheme://host/path" or "scheme://host". None when a user, a port, an escape or
// anything else stands there that two readers could read differently.
std::optional<std::string_view> UriHost(std::string_view uri);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_X509_INTERNAL_H_
