#include "services/common/crypto/hpke.h"

#include <openssl/curve25519.h>
#include <openssl/hpke.h>
#include <openssl/mem.h>

#include "services/common/crypto/bytes.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr size_t kTagSize = 16;

// BoringSSL's own clean-up of both leaves secrets in these objects, which may be on the stack.
struct HpkeContext {
  HpkeContext() { EVP_HPKE_CTX_zero(&value); }
  ~HpkeContext() {
    EVP_HPKE_CTX_cleanup(&value);
    OPENSSL_cleanse(&value, sizeof(value));
  }
  HpkeContext(const HpkeContext&) = delete;
  HpkeContext& operator=(const HpkeContext&) = delete;
  EVP_HPKE_CTX value;
};

struct HpkeKey {
  HpkeKey() { EVP_HPKE_KEY_zero(&value); }
  ~HpkeKey() {
    EVP_HPKE_KEY_cleanup(&value);
    OPENSSL_cleanse(&value, sizeof(value));
  }
  HpkeKey(const HpkeKey&) = delete;
  HpkeKey& operator=(const HpkeKey&) = delete;
  EVP_HPKE_KEY value;
};

}  // namespace

X25519KeyPair GenerateX25519() {
  X25519KeyPair pair{std::string(kX25519KeySize, '\0'), SecretBytes(kX25519KeySize)};
  X25519_keypair(AsMutableBytes(pair.public_key),
                 pair.private_key.RevealMutable(RevealKey::ForCrypto()).data());
  return pair;
}

absl::StatusOr<std::string> HpkeSeal(std::string_view recipient_public_key, std::string_view info,
                                     std::string_view associated_data,
                                     const SecretBytes& plaintext) {
  if (recipient_public_key.size() != kX25519KeySize) {
    return Refuse(Reason::kFieldInvalid, "an X25519 public key must have 32 bytes");
  }
  const auto text = plaintext.Reveal(RevealKey::ForSealing());
  std::string sealed(kX25519KeySize + text.size() + kTagSize, '\0');
  HpkeContext context;
  size_t enc_size = 0;
  // The one input that can fail here is a public key of small order.
  if (EVP_HPKE_CTX_setup_sender(&context.value, AsMutableBytes(sealed), &enc_size, kX25519KeySize,
                                EVP_hpke_x25519_hkdf_sha256(), EVP_hpke_hkdf_sha256(),
                                EVP_hpke_aes_256_gcm(), AsBytes(recipient_public_key),
                                recipient_public_key.size(), AsBytes(info), info.size()) != 1) {
    return Refuse(Reason::kFieldInvalid, "the X25519 public key is not valid");
  }
  COMITY_CHECK(enc_size == kX25519KeySize);
  size_t size = 0;
  COMITY_CHECK(EVP_HPKE_CTX_seal(&context.value, AsMutableBytes(sealed) + kX25519KeySize, &size,
                                 sealed.size() - kX25519KeySize, text.data(), text.size(),
                                 AsBytes(associated_data), associated_data.size()) == 1);
  COMITY_CHECK(size == sealed.size() - kX25519KeySize);
  return sealed;
}

absl::StatusOr<SecretBytes> HpkeOpen(const SecretBytes& private_key, std::string_view info,
                                     std::string_view associated_data, std::string_view sealed) {
  if (private_key.size() != kX25519KeySize || sealed.size() < kX25519KeySize + kTagSize) {
    return Refuse(Reason::kDataCorrupt);
  }
  const std::string_view enc = sealed.substr(0, kX25519KeySize);
  const std::string_view ciphertext = sealed.substr(kX25519KeySize);
  HpkeKey key;
  COMITY_CHECK(EVP_HPKE_KEY_init(&key.value, EVP_hpke_x25519_hkdf_sha256(),
                                 private_key.Reveal(RevealKey::ForCrypto()).data(),
                                 private_key.size()) == 1);
  HpkeContext context;
  SecretBytes plaintext(ciphertext.size() - kTagSize);
  const auto out = plaintext.RevealMutable(RevealKey::ForCrypto());
  size_t size = 0;
  if (EVP_HPKE_CTX_setup_recipient(&context.value, &key.value, EVP_hpke_hkdf_sha256(),
                                   EVP_hpke_aes_256_gcm(), AsBytes(enc), enc.size(), AsBytes(info),
                                   info.size()) != 1 ||
      EVP_HPKE_CTX_open(&context.value, out.data(), &size, out.size(), AsBytes(ciphertext),
                        ciphertext.size(), AsBytes(associated_data), associated_data.size()) != 1) {
    return Refuse(Reason::kDataCorrupt);
  }
  COMITY_CHECK(size == plaintext.size());
  return plaintext;
}

}  // namespace comity
