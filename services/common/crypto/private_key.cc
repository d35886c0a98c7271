#include <openssl/bn.h>
#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>

#include "services/common/crypto/bytes.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/key_state.h"
#include "services/common/crypto/pem.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/signing.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr std::string_view kPemLabel = "PRIVATE KEY";
constexpr size_t kSeedSize = 32;
constexpr size_t kSignatureSize = 64;
constexpr size_t kScalarSize = kSignatureSize / 2;
constexpr size_t kMaxPrivateKeyDer = 256;  // PKCS#8 of a P-256 key has 138 bytes

EVP_PKEY* Ed25519FromSeed(const SecretBytes& seed) {
  const auto bytes = seed.Reveal(RevealKey::ForCrypto());
  return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size());
}

EVP_PKEY* WrapEcKey(bssl::UniquePtr<EC_KEY> ec_key) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (ec_key == nullptr || key == nullptr || EVP_PKEY_assign_EC_KEY(key.get(), ec_key.get()) != 1) {
    return nullptr;
  }
  static_cast<void>(ec_key.release());
  return key.release();
}

// The scalar is HKDF-SHA256(seed, no salt, info "derive EC key P-256") taken to 48 bytes and
// reduced modulo the group order: 128 bits more than the order has, so that the bias is below
// 2^-128 (FIPS 186-5, A.2.1). BoringSSL computes it in constant time.
EVP_PKEY* P256FromSeed(const SecretBytes& seed) {
  const auto bytes = seed.Reveal(RevealKey::ForCrypto());
  const bssl::UniquePtr<EC_GROUP> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  return WrapEcKey(
      bssl::UniquePtr<EC_KEY>(EC_KEY_derive_from_secret(group.get(), bytes.data(), bytes.size())));
}

EVP_PKEY* GenerateP256() {
  bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  return key != nullptr && EC_KEY_generate_key(key.get()) == 1 ? WrapEcKey(std::move(key))
                                                               : nullptr;
}

std::string MarshalPublic(const EVP_PKEY* key) {
  bssl::ScopedCBB out;
  COMITY_CHECK(CBB_init(out.get(), 128) == 1 && EVP_marshal_public_key(out.get(), key) == 1);
  return std::string(AsView({CBB_data(out.get()), CBB_len(out.get())}));
}

std::string SignEd25519(EVP_PKEY* key, std::string_view message) {
  std::string signature(kSignatureSize, '\0');
  size_t size = signature.size();
  bssl::ScopedEVP_MD_CTX context;
  COMITY_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) == 1);
  COMITY_CHECK(EVP_DigestSign(context.get(), AsMutableBytes(signature), &size, AsBytes(message),
                              message.size()) == 1);
  COMITY_CHECK(size == kSignatureSize);
  return signature;
}

std::string SignEcdsa(const EVP_PKEY* key, std::string_view message) {
  const std::string digest = Sha256(message);
  const bssl::UniquePtr<ECDSA_SIG> made(
      ECDSA_do_sign(AsBytes(digest), digest.size(), EVP_PKEY_get0_EC_KEY(key)));
  COMITY_CHECK(made != nullptr);
  std::string signature(kSignatureSize, '\0');
  COMITY_CHECK(
      BN_bn2bin_padded(AsMutableBytes(signature), kScalarSize, ECDSA_SIG_get0_r(made.get())) == 1);
  COMITY_CHECK(BN_bn2bin_padded(AsMutableBytes(signature) + kScalarSize, kScalarSize,
                                ECDSA_SIG_get0_s(made.get())) == 1);
  return signature;
}

}  // namespace

void PrivateKey::State::Deleter::operator()(evp_pkey_st* pointer) const { EVP_PKEY_free(pointer); }

void PrivateKey::State::Adopt(Pointer adopted) {
  COMITY_CHECK(adopted != nullptr);
  key = std::move(adopted);
  absl::StatusOr<PublicKey> half = PublicKey::FromSpki(MarshalPublic(key.get()));
  COMITY_CHECK(half.ok());
  public_key = *std::move(half);
}

PrivateKey::PrivateKey() : state_(std::make_unique<State>()) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

PrivateKey PrivateKey::Generate(SignatureAlgorithm algorithm) {
  PrivateKey key;
  switch (algorithm) {
    case SignatureAlgorithm::kEd25519:
      key.state_->Adopt(State::Pointer(Ed25519FromSeed(RandomSecret(kSeedSize))));
      break;
    case SignatureAlgorithm::kEcdsaP256:
      key.state_->Adopt(State::Pointer(GenerateP256()));
      break;
  }
  return key;
}

absl::StatusOr<PrivateKey> PrivateKey::FromSeed(SignatureAlgorithm algorithm,
                                                const SecretBytes& seed) {
  if (seed.size() != kSeedSize) {
    return Refuse(Reason::kFieldInvalid, "the seed of a signing key must have 32 bytes");
  }
  PrivateKey key;
  switch (algorithm) {
    case SignatureAlgorithm::kEd25519:
      key.state_->Adopt(State::Pointer(Ed25519FromSeed(seed)));
      break;
    case SignatureAlgorithm::kEcdsaP256:
      key.state_->Adopt(State::Pointer(P256FromSeed(seed)));
      break;
  }
  return key;
}

absl::StatusOr<PrivateKey> PrivateKey::FromPem(const SecretBytes& pem) {
  const std::optional<SecretBytes> der =
      DecodePem(kPemLabel, pem.RevealView(RevealKey::ForCrypto()));
  if (!der.has_value()) {
    return Refuse(Reason::kDataCorrupt, "the private key is not one PEM block of PKCS#8");
  }
  const auto bytes = der->Reveal(RevealKey::ForCrypto());
  CBS input;
  CBS_init(&input, bytes.data(), bytes.size());
  State::Pointer parsed(EVP_parse_private_key(&input));
  if (parsed == nullptr || CBS_len(&input) != 0 ||
      !PublicKey::FromSpki(MarshalPublic(parsed.get())).ok()) {
    return Refuse(Reason::kDataCorrupt, "the private key is not PKCS#8 of Ed25519 or P-256");
  }
  PrivateKey key;
  key.state_->Adopt(std::move(parsed));
  return key;
}

SecretBytes PrivateKey::ToPem() const {
  SecretBytes der(kMaxPrivateKeyDer);
  const auto room = der.RevealMutable(RevealKey::ForCrypto());
  CBB out;
  size_t size = 0;
  COMITY_CHECK(CBB_init_fixed(&out, room.data(), room.size()) == 1 &&
               EVP_marshal_private_key(&out, state_->key.get()) == 1 &&
               CBB_finish(&out, nullptr, &size) == 1);
  return EncodePem(kPemLabel, room.first(size));
}

const PublicKey& PrivateKey::public_key() const { return *state_->public_key; }

std::string PrivateKey::Sign(std::string_view message) const {
  switch (public_key().algorithm()) {
    case SignatureAlgorithm::kEd25519:
      return SignEd25519(state_->key.get(), message);
    case SignatureAlgorithm::kEcdsaP256:
      return SignEcdsa(state_->key.get(), message);
  }
  COMITY_CHECK(false);
}

}  // namespace comity
