#include <algorithm>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/obj.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "services/common/crypto/bytes.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/key_state.h"
#include "services/common/crypto/pem.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/x509.h"
#include "services/common/crypto/x509_internal.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr size_t kSerialSize = 16;
constexpr size_t kMaxCommonName = 64;  // X.520
constexpr size_t kKeyIdentifierSize = 20;

// Bits of the keyUsage extension (RFC 5280, 4.2.1.3).
constexpr int kDigitalSignature = 0;
constexpr int kKeyCertSign = 5;
constexpr int kCrlSign = 6;

bool IsVisibleAscii(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

absl::Status CheckSpec(const CertificateSpec& spec, bool authority) {
  if (spec.common_name.empty() || spec.common_name.size() > kMaxCommonName ||
      spec.common_name.find('\0') != std::string::npos) {
    return Refuse(Reason::kFieldInvalid, "a certificate's common name must have 1 to 64 bytes");
  }
  if (spec.not_before < 0 || spec.not_before >= spec.not_after ||
      spec.not_after > kLatestCertificateTime) {
    return Refuse(Reason::kFieldInvalid, "a certificate's validity must end after it begins");
  }
  for (const std::string& uri : spec.uris) {
    if (authority || !IsVisibleAscii(uri) || !UriHost(uri).has_value()) {
      return Refuse(Reason::kFieldInvalid,
                    "a certificate's URI must be scheme://host/path, and an authority has none");
    }
  }
  if (!std::ranges::all_of(spec.dns, IsVisibleAscii)) {
    return Refuse(Reason::kFieldInvalid, "a certificate's DNS name is not valid");
  }
  return absl::OkStatus();
}

template <typename T>
bool AddExtension(X509* certificate, int nid, T* value, bool critical) {
  return value != nullptr &&
         X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1;
}

bool AddBasicConstraints(X509* certificate, bool authority) {
  const bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  if (constraints == nullptr) {
    return false;
  }
  if (authority) {
    constraints->ca = 0xff;
    constraints->pathlen = ASN1_INTEGER_new();  // zero: only leaves below this one
    if (constraints->pathlen == nullptr || ASN1_INTEGER_set(constraints->pathlen, 0) != 1) {
      return false;
    }
  }
  return AddExtension(certificate, NID_basic_constraints, constraints.get(), true);
}

bool AddKeyUsage(X509* certificate, bool authority) {
  const bssl::UniquePtr<ASN1_BIT_STRING> usage(ASN1_BIT_STRING_new());
  if (usage == nullptr) {
    return false;
  }
  const bool set = authority ? ASN1_BIT_STRING_set_bit(usage.get(), kKeyCertSign, 1) == 1 &&
                                   ASN1_BIT_STRING_set_bit(usage.get(), kCrlSign, 1) == 1
                             : ASN1_BIT_STRING_set_bit(usage.get(), kDigitalSignature, 1) == 1;
  return set && AddExtension(certificate, NID_key_usage, usage.get(), true);
}

bool AddExtendedKeyUsage(X509* certificate) {
  const bssl::UniquePtr<STACK_OF(ASN1_OBJECT)> usage(sk_ASN1_OBJECT_new_null());
  return usage != nullptr &&
         bssl::PushToStack(usage.get(),
                           bssl::UniquePtr<ASN1_OBJECT>(OBJ_nid2obj(NID_server_auth))) &&
         bssl::PushToStack(usage.get(),
                           bssl::UniquePtr<ASN1_OBJECT>(OBJ_nid2obj(NID_client_auth))) &&
         AddExtension(certificate, NID_ext_key_usage, usage.get(), false);
}

bssl::UniquePtr<GENERAL_NAME> MakeName(int type, std::string_view text) {
  bssl::UniquePtr<GENERAL_NAME> name(GENERAL_NAME_new());
  bssl::UniquePtr<ASN1_IA5STRING> value(ASN1_IA5STRING_new());
  if (name == nullptr || value == nullptr ||
      ASN1_STRING_set(value.get(), text.data(), static_cast<int>(text.size())) != 1) {
    return nullptr;
  }
  GENERAL_NAME_set0_value(name.get(), type, value.release());
  return name;
}

bool AddSubjectNames(X509* certificate, const CertificateSpec& spec) {
  if (spec.uris.empty() && spec.dns.empty()) {
    return true;
  }
  const bssl::UniquePtr<GENERAL_NAMES> names(GENERAL_NAMES_new());
  if (names == nullptr) {
    return false;
  }
  for (const std::string& uri : spec.uris) {
    if (!bssl::PushToStack(names.get(), MakeName(GEN_URI, uri))) {
      return false;
    }
  }
  for (const std::string& host : spec.dns) {
    if (!bssl::PushToStack(names.get(), MakeName(GEN_DNS, host))) {
      return false;
    }
  }
  return AddExtension(certificate, NID_subject_alt_name, names.get(), false);
}

bool AddNameConstraints(X509* certificate, const std::string& host) {
  if (host.empty()) {
    return true;
  }
  const bssl::UniquePtr<NAME_CONSTRAINTS> constraints(NAME_CONSTRAINTS_new());
  bssl::UniquePtr<GENERAL_SUBTREE> subtree(GENERAL_SUBTREE_new());
  bssl::UniquePtr<GENERAL_NAME> base = MakeName(GEN_URI, host);
  if (constraints == nullptr || subtree == nullptr || base == nullptr) {
    return false;
  }
  GENERAL_NAME_free(subtree->base);
  subtree->base = base.release();
  constraints->permittedSubtrees = sk_GENERAL_SUBTREE_new_null();
  return constraints->permittedSubtrees != nullptr &&
         bssl::PushToStack(constraints->permittedSubtrees, std::move(subtree)) &&
         AddExtension(certificate, NID_name_constraints, constraints.get(), true);
}

// The leftmost 160 bits of SHA-256 of the key's bits (RFC 7093, method 1).
bool AddSubjectKeyIdentifier(X509* certificate) {
  const ASN1_BIT_STRING* bits = X509_get0_pubkey_bitstr(certificate);
  const std::string digest =
      Sha256(AsView({ASN1_STRING_get0_data(bits), static_cast<size_t>(ASN1_STRING_length(bits))}));
  const bssl::UniquePtr<ASN1_OCTET_STRING> id(ASN1_OCTET_STRING_new());
  return id != nullptr &&
         ASN1_OCTET_STRING_set(id.get(), AsBytes(digest), kKeyIdentifierSize) == 1 &&
         AddExtension(certificate, NID_subject_key_identifier, id.get(), false);
}

bool AddAuthorityKeyIdentifier(X509* certificate, const X509* issuer) {
  const bssl::UniquePtr<AUTHORITY_KEYID> id(AUTHORITY_KEYID_new());
  if (id == nullptr) {
    return false;
  }
  id->keyid = static_cast<ASN1_OCTET_STRING*>(
      X509_get_ext_d2i(issuer, NID_subject_key_identifier, nullptr, nullptr));
  // An authority made elsewhere may have none; then there is nothing to name.
  return id->keyid == nullptr ||
         AddExtension(certificate, NID_authority_key_identifier, id.get(), false);
}

bool SetSerial(X509* certificate) {
  const std::string serial = RandomBytes(kSerialSize);
  const bssl::UniquePtr<BIGNUM> number(BN_bin2bn(AsBytes(serial), serial.size(), nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool SetValidity(X509* certificate, const CertificateSpec& spec) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), spec.not_before / kSecondMs) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), spec.not_after / kSecondMs) != nullptr;
}

bool SetSubject(X509* certificate, const std::string& common_name) {
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName,
                                    MBSTRING_UTF8, AsBytes(common_name),
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool SetKey(X509* certificate, const PublicKey& subject) {
  CBS spki;
  CBS_init(&spki, AsBytes(subject.spki()), subject.spki().size());
  const bssl::UniquePtr<EVP_PKEY> key(EVP_parse_public_key(&spki));
  return key != nullptr && X509_set_pubkey(certificate, key.get()) == 1;
}

std::string ToPemString(X509* certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  COMITY_CHECK(size > 0);
  const bssl::UniquePtr<uint8_t> owner(der);
  const SecretBytes pem = EncodePem(kCertificateLabel, {der, static_cast<size_t>(size)});
  return std::string(pem.RevealView(RevealKey::ForCrypto()));  // a certificate is public
}

}  // namespace

// PrivateKey's friend: signs certificates with the key inside.
class X509Builder final {
 public:
  // `issuer` is null for a self-signed certificate. The spec has been checked.
  static absl::StatusOr<std::string> Build(const PrivateKey& signer, const PublicKey& subject,
                                           const CertificateSpec& spec, const X509* issuer,
                                           bool authority) {
    const bssl::UniquePtr<X509> certificate(X509_new());
    X509* x509 = certificate.get();
    COMITY_CHECK(x509 != nullptr && X509_set_version(x509, X509_VERSION_3) == 1);
    // Only the text of a name can be refused here, for instance when it is not UTF-8.
    if (!SetSubject(x509, spec.common_name)) {
      return Refuse(Reason::kFieldInvalid, "a certificate's common name must be UTF-8 text");
    }
    COMITY_CHECK(SetSerial(x509) && SetValidity(x509, spec) && SetKey(x509, subject));
    const X509_NAME* issuer_name = X509_get_subject_name(issuer != nullptr ? issuer : x509);
    COMITY_CHECK(X509_set_issuer_name(x509, const_cast<X509_NAME*>(issuer_name)) == 1);
    COMITY_CHECK(AddBasicConstraints(x509, authority) && AddKeyUsage(x509, authority) &&
                 AddSubjectKeyIdentifier(x509) && AddSubjectNames(x509, spec));
    if (authority) {
      COMITY_CHECK(AddNameConstraints(x509, spec.permitted_uri_host));
    } else {
      COMITY_CHECK(AddExtendedKeyUsage(x509));
    }
    if (issuer != nullptr) {
      COMITY_CHECK(AddAuthorityKeyIdentifier(x509, issuer));
    }
    COMITY_CHECK(X509_sign(x509, signer.state_->key.get(), EVP_sha256()) > 0);
    return ToPemString(x509);
  }
};

namespace {

std::string BuildSelfSigned(const PrivateKey& key, const CertificateSpec& spec, bool authority) {
  COMITY_CHECK(key.public_key().algorithm() == SignatureAlgorithm::kEcdsaP256);
  COMITY_CHECK(CheckSpec(spec, authority).ok());
  absl::StatusOr<std::string> pem =
      X509Builder::Build(key, key.public_key(), spec, nullptr, authority);
  COMITY_CHECK(pem.ok());
  return *std::move(pem);
}

}  // namespace

std::string SelfSignedCertificate(const PrivateKey& key, const CertificateSpec& spec) {
  return BuildSelfSigned(key, spec, false);
}

std::string SelfSignedAuthority(const PrivateKey& key, const CertificateSpec& spec) {
  return BuildSelfSigned(key, spec, true);
}

absl::StatusOr<std::string> IssueCertificate(const PrivateKey& ca_key, std::string_view ca_pem,
                                             const PublicKey& subject,
                                             const CertificateSpec& spec) {
  RETURN_IF_ERROR(CheckSpec(spec, false));
  const X509Pointer authority = X509FromPem(ca_pem);
  if (authority == nullptr || !IsAuthority(authority.get())) {
    return Refuse(Reason::kFieldInvalid, "the issuer is not one certificate of an authority");
  }
  ASSIGN_OR_RETURN(const ParsedCertificate parsed, ParseCertificate(ca_pem));
  if (ca_key.public_key().algorithm() != SignatureAlgorithm::kEcdsaP256 ||
      parsed.spki != ca_key.public_key().spki()) {
    return Refuse(Reason::kFieldInvalid, "the key is not the P-256 key of the issuer");
  }
  return X509Builder::Build(ca_key, subject, spec, authority.get(), false);
}

}  // namespace comity
