#include <algorithm>

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "services/common/crypto/bytes.h"
#include "services/common/crypto/pem.h"
#include "services/common/crypto/x509.h"
#include "services/common/crypto/x509_internal.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr int kAbsent = -1;  // what X509_get_ext_d2i reports for an extension that is not there

absl::Status Malformed(std::string_view what) {
  return Refuse(Reason::kFieldInvalid, "the certificate " + std::string(what));
}

std::string_view View(const ASN1_STRING* text) {
  return AsView({ASN1_STRING_get0_data(text), static_cast<size_t>(ASN1_STRING_length(text))});
}

absl::StatusOr<UnixMillis> ReadTime(const ASN1_TIME* time) {
  const bssl::UniquePtr<ASN1_GENERALIZEDTIME> general(ASN1_TIME_to_generalizedtime(time, nullptr));
  // "20180228120000Z"
  const std::string_view digits = general == nullptr ? "" : View(general.get());
  if (digits.size() != 15) {
    return Malformed("has a date that cannot be read");
  }
  std::string text(digits);
  for (const auto& [at, mark] : {std::pair{12, ":"}, {10, ":"}, {8, "T"}, {6, "-"}, {4, "-"}}) {
    text.insert(static_cast<size_t>(at), mark);
  }
  return ParseTime(text);
}

absl::StatusOr<std::string> ReadCommonName(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) {
    return std::string();
  }
  if (X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) {
    return Malformed("has several common names");
  }
  uint8_t* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (size < 0) {
    return Malformed("has a common name that cannot be read");
  }
  const bssl::UniquePtr<uint8_t> owner(utf8);
  const std::string name(AsView({utf8, static_cast<size_t>(size)}));
  if (name.find('\0') != std::string::npos) {
    return Malformed("has a zero byte in its common name");
  }
  return name;
}

absl::StatusOr<std::vector<std::string>> ReadUris(const X509* certificate) {
  int critical = 0;
  const bssl::UniquePtr<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr)));
  std::vector<std::string> uris;
  if (names == nullptr) {
    if (critical != kAbsent) {
      return Malformed("has alternative names that cannot be read, or twice");
    }
    return uris;
  }
  for (const GENERAL_NAME* name : names.get()) {
    if (name->type != GEN_URI) {
      continue;
    }
    const std::string_view uri = View(name->d.uniformResourceIdentifier);
    if (uri.empty() || !std::ranges::all_of(uri, [](char c) { return c > ' ' && c < 0x7f; })) {
      return Malformed("has a URI that is not visible ASCII");
    }
    uris.emplace_back(uri);
  }
  return uris;
}

std::string ReadSpki(const X509* certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) {
    return "";
  }
  const bssl::UniquePtr<uint8_t> owner(der);
  return std::string(AsView({der, static_cast<size_t>(size)}));
}

bool IsSelfSigned(X509* certificate) {
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate));
  return key != nullptr &&
         X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) ==
             0 &&
         X509_verify(certificate, key.get()) == 1;
}

}  // namespace

void X509Deleter::operator()(x509_st* certificate) const { X509_free(certificate); }

X509Pointer X509FromPem(std::string_view pem) {
  const std::optional<SecretBytes> der = DecodePem(kCertificateLabel, pem);
  if (!der.has_value()) {
    return nullptr;
  }
  const auto bytes = der->Reveal(RevealKey::ForCrypto());
  const uint8_t* next = bytes.data();
  X509Pointer certificate(d2i_X509(nullptr, &next, static_cast<long>(bytes.size())));
  return next == bytes.data() + bytes.size() ? std::move(certificate) : nullptr;
}

bool IsAuthority(const x509_st* certificate) {
  const bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(static_cast<BASIC_CONSTRAINTS*>(
      X509_get_ext_d2i(certificate, NID_basic_constraints, nullptr, nullptr)));
  return constraints != nullptr && constraints->ca != 0;
}

std::optional<std::string_view> UriHost(std::string_view uri) {
  const size_t colon = uri.find("://");
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  const std::string_view rest = uri.substr(colon + 3);
  const std::string_view host = rest.substr(0, rest.find('/'));
  const bool plain = !host.empty() && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
  });
  return plain ? std::optional(host) : std::nullopt;
}

absl::StatusOr<ParsedCertificate> ParseCertificate(std::string_view pem) {
  const X509Pointer certificate = X509FromPem(pem);
  if (certificate == nullptr) {
    return Malformed("is not exactly one PEM block of X.509");
  }
  ParsedCertificate parsed;
  parsed.spki = ReadSpki(certificate.get());
  if (parsed.spki.empty()) {
    return Malformed("has a key that cannot be read");
  }
  ASSIGN_OR_RETURN(parsed.common_name, ReadCommonName(certificate.get()));
  ASSIGN_OR_RETURN(parsed.uris, ReadUris(certificate.get()));
  ASSIGN_OR_RETURN(parsed.not_before, ReadTime(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(parsed.not_after, ReadTime(X509_get0_notAfter(certificate.get())));
  parsed.is_ca = IsAuthority(certificate.get());
  parsed.permitted_uri_host = PermittedUriHost(certificate.get()).value_or("");
  parsed.self_signed = IsSelfSigned(certificate.get());
  return parsed;
}

}  // namespace comity
