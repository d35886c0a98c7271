#include "services/common/crypto/aead.h"

#include <span>

#include <openssl/aead.h>

#include "services/common/crypto/bytes.h"
#include "services/common/crypto/random.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

// The key lies in the context itself, which BoringSSL's clean-up leaves as it is: only what it
// allocates it wipes when it frees it.
using Context = bssl::UniquePtr<EVP_AEAD_CTX>;

// Null for a key of another size.
Context NewContext(const EVP_AEAD* aead, const SecretBytes& key) {
  const auto bytes = key.Reveal(RevealKey::ForCrypto());
  return Context(EVP_AEAD_CTX_new(aead, bytes.data(), bytes.size(), kAeadTagSize));
}

// Appends ciphertext and tag to `out`.
void AppendSealed(const EVP_AEAD_CTX* context, std::string_view nonce, std::string_view plaintext,
                  std::string_view associated_data, std::string& out) {
  const size_t offset = out.size();
  out.resize(offset + plaintext.size() + kAeadTagSize);
  size_t written = 0;
  COMITY_CHECK(EVP_AEAD_CTX_seal(context, AsMutableBytes(out) + offset, &written,
                                 out.size() - offset, AsBytes(nonce), nonce.size(),
                                 AsBytes(plaintext), plaintext.size(), AsBytes(associated_data),
                                 associated_data.size()) == 1);
  COMITY_CHECK(written == out.size() - offset);
}

// Fills `out`, which has the size of what was sealed.
absl::Status OpenInto(const EVP_AEAD_CTX* context, std::string_view nonce,
                      std::string_view ciphertext, std::string_view associated_data,
                      std::span<uint8_t> out) {
  size_t written = 0;
  if (EVP_AEAD_CTX_open(context, out.data(), &written, out.size(), AsBytes(nonce), nonce.size(),
                        AsBytes(ciphertext), ciphertext.size(), AsBytes(associated_data),
                        associated_data.size()) != 1) {
    return Refuse(Reason::kDataCorrupt);
  }
  COMITY_CHECK(written == out.size());
  return absl::OkStatus();
}

absl::StatusOr<SecretBytes> OpenSealed(const EVP_AEAD_CTX* context, std::string_view nonce,
                                       std::string_view ciphertext,
                                       std::string_view associated_data) {
  if (nonce.size() != kAeadNonceSize || ciphertext.size() < kAeadTagSize) {
    return Refuse(Reason::kDataCorrupt);
  }
  SecretBytes plaintext(ciphertext.size() - kAeadTagSize);
  RETURN_IF_ERROR(OpenInto(context, nonce, ciphertext, associated_data,
                           plaintext.RevealMutable(RevealKey::ForCrypto())));
  return plaintext;
}

}  // namespace

struct GcmSivKey::State {
  Context context;
};

GcmSivKey::GcmSivKey() : state_(std::make_unique<State>()) {}
GcmSivKey::~GcmSivKey() = default;

absl::StatusOr<std::unique_ptr<GcmSivKey>> GcmSivKey::Create(const SecretBytes& key) {
  if (key.size() != kAeadKeySize) {
    return Refuse(Reason::kFieldInvalid, "an AES-256-GCM-SIV key must have 32 bytes");
  }
  std::unique_ptr<GcmSivKey> created(new GcmSivKey);
  created->state_->context = NewContext(EVP_aead_aes_256_gcm_siv(), key);
  COMITY_CHECK(created->state_->context != nullptr);
  return created;
}

std::string GcmSivKey::Seal(const SecretBytes& plaintext, std::string_view associated_data) const {
  return SealText(plaintext.RevealView(RevealKey::ForSealing()), associated_data);
}

std::string GcmSivKey::SealText(std::string_view plaintext,
                                std::string_view associated_data) const {
  std::string sealed;
  sealed.reserve(kAeadNonceSize + plaintext.size() + kAeadTagSize);
  const std::string nonce = RandomBytes(kAeadNonceSize);
  sealed = nonce;
  AppendSealed(state_->context.get(), nonce, plaintext, associated_data, sealed);
  return sealed;
}

absl::StatusOr<SecretBytes> GcmSivKey::Open(std::string_view sealed,
                                            std::string_view associated_data) const {
  if (sealed.size() < kAeadNonceSize) {
    return Refuse(Reason::kDataCorrupt);
  }
  return OpenSealed(state_->context.get(), sealed.substr(0, kAeadNonceSize),
                    sealed.substr(kAeadNonceSize), associated_data);
}

absl::StatusOr<std::string> GcmSivKey::OpenText(std::string_view sealed,
                                                std::string_view associated_data) const {
  if (sealed.size() < kAeadNonceSize + kAeadTagSize) {
    return Refuse(Reason::kDataCorrupt);
  }
  std::string plaintext(sealed.size() - kAeadNonceSize - kAeadTagSize, '\0');
  RETURN_IF_ERROR(OpenInto(state_->context.get(), sealed.substr(0, kAeadNonceSize),
                           sealed.substr(kAeadNonceSize), associated_data,
                           {AsMutableBytes(plaintext), plaintext.size()}));
  return plaintext;
}

std::string GcmSeal(const SecretBytes& key, std::string_view nonce, std::string_view plaintext,
                    std::string_view associated_data) {
  COMITY_CHECK(key.size() == kAeadKeySize && nonce.size() == kAeadNonceSize);
  const Context context = NewContext(EVP_aead_aes_256_gcm(), key);
  COMITY_CHECK(context != nullptr);
  std::string sealed;
  AppendSealed(context.get(), nonce, plaintext, associated_data, sealed);
  return sealed;
}

absl::StatusOr<SecretBytes> GcmOpen(const SecretBytes& key, std::string_view nonce,
                                    std::string_view ciphertext, std::string_view associated_data) {
  if (key.size() != kAeadKeySize) {
    return Refuse(Reason::kDataCorrupt);
  }
  const Context context = NewContext(EVP_aead_aes_256_gcm(), key);
  COMITY_CHECK(context != nullptr);
  return OpenSealed(context.get(), nonce, ciphertext, associated_data);
}

}  // namespace comity
