#include <optional>

#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/nid.h>

#include "services/common/crypto/bytes.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/edwards_point.h"
#include "services/common/crypto/signing.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr size_t kSignatureSize = 64;
constexpr size_t kScalarSize = kSignatureSize / 2;
constexpr size_t kEd25519KeySize = 32;

// DER of SubjectPublicKeyInfo up to the key itself; the sizes are fixed as well, which leaves one
// encoding for each key.
constexpr std::string_view kEd25519Prefix("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
constexpr std::string_view kP256Prefix(
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
    "\x03\x42\x00\x04",
    27);
constexpr size_t kP256PointSize = 64;  // without the byte that says uncompressed

std::optional<SignatureAlgorithm> AlgorithmOf(std::string_view der) {
  if (der.size() == kEd25519Prefix.size() + kEd25519KeySize && der.starts_with(kEd25519Prefix) &&
      IsEd25519PublicPoint(der.substr(kEd25519Prefix.size()))) {
    return SignatureAlgorithm::kEd25519;
  }
  if (der.size() == kP256Prefix.size() + kP256PointSize && der.starts_with(kP256Prefix)) {
    return SignatureAlgorithm::kEcdsaP256;
  }
  return std::nullopt;
}

bool VerifyEd25519(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  bssl::ScopedEVP_MD_CTX context;
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), AsBytes(signature), signature.size(), AsBytes(message),
                          message.size()) == 1;
}

bool VerifyEcdsa(const EVP_PKEY* key, std::string_view message, std::string_view signature) {
  const bssl::UniquePtr<ECDSA_SIG> parsed(ECDSA_SIG_new());
  bssl::UniquePtr<BIGNUM> r(BN_bin2bn(AsBytes(signature), kScalarSize, nullptr));
  bssl::UniquePtr<BIGNUM> s(BN_bin2bn(AsBytes(signature) + kScalarSize, kScalarSize, nullptr));
  if (parsed == nullptr || r == nullptr || s == nullptr ||
      ECDSA_SIG_set0(parsed.get(), r.get(), s.get()) != 1) {
    return false;
  }
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  const std::string digest = Sha256(message);
  // Refuses r and s outside [1, n).
  return ECDSA_do_verify(AsBytes(digest), digest.size(), parsed.get(), EVP_PKEY_get0_EC_KEY(key)) ==
         1;
}

}  // namespace

absl::StatusOr<PublicKey> PublicKey::FromSpki(std::string_view der) {
  const std::optional<SignatureAlgorithm> algorithm = AlgorithmOf(der);
  CBS input;
  CBS_init(&input, AsBytes(der), der.size());
  // Checks, among other things, that the P-256 point is on the curve.
  EVP_PKEY* parsed = algorithm.has_value() ? EVP_parse_public_key(&input) : nullptr;
  if (parsed == nullptr) {
    return Refuse(Reason::kFieldInvalid,
                  "a signing key must be the DER SubjectPublicKeyInfo of a valid Ed25519 or "
                  "uncompressed P-256 key");
  }
  PublicKey key;
  key.key_ = std::shared_ptr<const void>(
      parsed, [](const void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(const_cast<void*>(p))); });
  key.spki_ = std::string(der);
  key.algorithm_ = *algorithm;
  ASSIGN_OR_RETURN(key.id_, SigningKeyId::FromBytes(Sha256(der)));
  return key;
}

bool PublicKey::Verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureSize) {
    return false;
  }
  // BoringSSL takes a mutable key but only counts references in it.
  auto* key = static_cast<EVP_PKEY*>(const_cast<void*>(key_.get()));
  switch (algorithm_) {
    case SignatureAlgorithm::kEd25519:
      return VerifyEd25519(key, message, signature);
    case SignatureAlgorithm::kEcdsaP256:
      return VerifyEcdsa(key, message, signature);
  }
  return false;
}

absl::StatusOr<std::string> Ed25519RawFromSpki(std::string_view spki) {
  ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromSpki(spki));
  if (key.algorithm() != SignatureAlgorithm::kEd25519) {
    return Refuse(Reason::kFieldInvalid, "the key is not an Ed25519 key");
  }
  return std::string(spki.substr(kEd25519Prefix.size()));
}

absl::StatusOr<std::string> Ed25519SpkiFromRaw(std::string_view raw) {
  std::string spki(kEd25519Prefix);
  spki.append(raw);
  // With this prefix no other kind of key can come out.
  RETURN_IF_ERROR(PublicKey::FromSpki(spki).status());
  return spki;
}

}  // namespace comity
