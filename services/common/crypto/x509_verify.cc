#include <optional>

#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "services/common/crypto/bytes.h"
#include "services/common/crypto/x509.h"
#include "services/common/crypto/x509_internal.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {

std::optional<std::string> PermittedUriHost(const X509* root) {
  int critical = 0;
  const bssl::UniquePtr<NAME_CONSTRAINTS> constraints(static_cast<NAME_CONSTRAINTS*>(
      X509_get_ext_d2i(root, NID_name_constraints, &critical, nullptr)));
  if (constraints == nullptr || critical != 1 ||
      sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees) != 1) {
    return std::nullopt;
  }
  const GENERAL_NAME* base = sk_GENERAL_SUBTREE_value(constraints->permittedSubtrees, 0)->base;
  if (base->type != GEN_URI) {
    return std::nullopt;
  }
  const ASN1_STRING* host = base->d.uniformResourceIdentifier;
  return std::string(
      AsView({ASN1_STRING_get0_data(host), static_cast<size_t>(ASN1_STRING_length(host))}));
}

namespace {

absl::Status Invalid(std::string_view what) { return Refuse(Reason::kCertificateInvalid, what); }

absl::Status CheckLeafUsage(X509* leaf) {
  const uint32_t flags = X509_get_extension_flags(leaf);
  if ((flags & EXFLAG_INVALID) != 0) {
    return Invalid("an extension of the certificate cannot be read");
  }
  if ((flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0) {
    return Invalid("the certificate's key usage does not include signatures");
  }
  constexpr uint32_t kBoth = XKU_SSL_SERVER | XKU_SSL_CLIENT;
  if ((flags & EXFLAG_XKUSAGE) == 0 || (X509_get_extended_key_usage(leaf) & kBoth) != kBoth) {
    return Invalid("the certificate is not for both ends of TLS");
  }
  return absl::OkStatus();
}

absl::Status CheckRoot(X509* root, const ParsedCertificate& parsed) {
  if (!parsed.is_ca || !parsed.self_signed) {
    return Invalid("the root is not a self-signed authority");
  }
  if ((X509_get_extension_flags(root) & EXFLAG_KUSAGE) == 0 ||
      (X509_get_key_usage(root) & KU_KEY_CERT_SIGN) == 0) {
    return Invalid("the root's key usage does not include certificates");
  }
  return absl::OkStatus();
}

// BoringSSL's path check: signature, dates, basic and name constraints, critical extensions.
absl::Status CheckPath(X509* leaf, X509* root, UnixMillis now) {
  const bssl::UniquePtr<X509_STORE> store(X509_STORE_new());
  const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
  if (store == nullptr || context == nullptr || X509_STORE_add_cert(store.get(), root) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), leaf, nullptr) != 1) {
    return Refuse(Reason::kInternal, "the certificate check could not begin");
  }
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), now / kSecondMs);
  if (X509_verify_cert(context.get()) != 1) {
    return Invalid(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VerifyIssuedBy(std::string_view pem, std::string_view root_pem, UnixMillis now) {
  const absl::StatusOr<ParsedCertificate> parsed = ParseCertificate(pem);
  const absl::StatusOr<ParsedCertificate> parsed_root = ParseCertificate(root_pem);
  if (!parsed.ok() || !parsed_root.ok()) {
    return Invalid("the certificate or the root is not exactly one X.509 certificate");
  }
  const X509Pointer leaf = X509FromPem(pem);
  const X509Pointer root = X509FromPem(root_pem);
  RETURN_IF_ERROR(CheckRoot(root.get(), *parsed_root));
  // Also keeps the root itself, which its own path check accepts, from passing as a leaf.
  if (parsed->is_ca) {
    return Invalid("the certificate is that of an authority");
  }
  if (X509_get_signature_nid(leaf.get()) != NID_ecdsa_with_SHA256) {
    return Invalid("the certificate is not signed with ECDSA and SHA-256");
  }
  RETURN_IF_ERROR(CheckLeafUsage(leaf.get()));
  RETURN_IF_ERROR(CheckPath(leaf.get(), root.get(), now));
  // The path check has its own reading of URIs. A root that vouches for any trust domain, or a name
  // that can be read in two ways, is refused here.
  const std::optional<std::string> permitted = PermittedUriHost(root.get());
  if (!permitted.has_value()) {
    return Invalid("the root is not limited to one trust domain");
  }
  for (const std::string& uri : parsed->uris) {
    if (UriHost(uri) != *permitted) {
      return Invalid("the certificate names another trust domain than that of its root");
    }
  }
  return absl::OkStatus();
}

}  // namespace comity
