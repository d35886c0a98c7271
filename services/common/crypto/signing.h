#ifndef COMITY_COMMON_CRYPTO_SIGNING_H_
#define COMITY_COMMON_CRYPTO_SIGNING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"

namespace comity {

enum class SignatureAlgorithm : uint8_t {
  kEd25519 = 1,    // RFC 8032, 64 bytes: services and operators
  kEcdsaP256 = 2,  // ECDSA P-256/SHA-256, fixed r || s, 64 bytes: devices and persons
};

// A public key that can verify: DER SubjectPublicKeyInfo (RFC 5480 uncompressed P-256, RFC 8410
// Ed25519). Immutable, copyable, thread-safe.
class PublicKey final {
 public:
  // FIELD_INVALID unless exactly one of the two key types, canonical DER, valid point.
  static absl::StatusOr<PublicKey> FromSpki(std::string_view der);
  const std::string& spki() const { return spki_; }
  SigningKeyId id() const { return id_; }  // SHA-256(spki)
  SignatureAlgorithm algorithm() const { return algorithm_; }
  // Exact 64-byte signature of `message` (hashed inside for ECDSA). High-s is accepted.
  bool Verify(std::string_view message, std::string_view signature) const;

 private:
  PublicKey() = default;
  std::string spki_;
  SigningKeyId id_;
  SignatureAlgorithm algorithm_ = SignatureAlgorithm::kEd25519;
  std::shared_ptr<const void> key_;
};

// A private signing key. Move-only; Sign is thread-safe.
class PrivateKey final {
 public:
  static PrivateKey Generate(SignatureAlgorithm algorithm);
  // PKCS#8 PEM ("PRIVATE KEY"). DATA_CORRUPT otherwise.
  static absl::StatusOr<PrivateKey> FromPem(const SecretBytes& pem);
  SecretBytes ToPem() const;
  // Deterministic from 32 bytes of seed: Ed25519 seed, or a P-256 scalar by hash-to-scalar. Used
  // for the recovery key that is derived from the printed code.
  static absl::StatusOr<PrivateKey> FromSeed(SignatureAlgorithm algorithm, const SecretBytes& seed);

  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  const PublicKey& public_key() const;
  std::string Sign(std::string_view message) const;  // 64 bytes

 private:
  PrivateKey();
  friend class X509Builder;
  struct State;
  std::unique_ptr<State> state_;
};

// The raw 32-byte Ed25519 public key inside an SPKI and back (C2SP signed notes use the raw form).
absl::StatusOr<std::string> Ed25519RawFromSpki(std::string_view spki);
absl::StatusOr<std::string> Ed25519SpkiFromRaw(std::string_view raw);

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_SIGNING_H_
