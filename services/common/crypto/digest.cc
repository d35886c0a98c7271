#include "services/common/crypto/digest.h"

#include <cstdint>
#include <utility>

#include <openssl/digest.h>
#include <openssl/hkdf.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/sha.h>

#include "services/common/crypto/bytes.h"
#include "services/common/status/check.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr size_t kMaxHkdfSize = size_t{255} * SHA256_DIGEST_LENGTH;

// More than HMAC and HKDF and what they call take of the stack.
constexpr size_t kStackOfHmac = 8 << 10;

// BoringSSL leaves on the stack below its caller what it computed with: the padded key, and the
// last block that was derived.
[[gnu::noinline]] void WipeStackOfHmac() {
  uint8_t left[kStackOfHmac];
  OPENSSL_cleanse(left, sizeof(left));
}

}  // namespace

std::string Sha256(std::string_view data) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(AsBytes(data), data.size(), AsMutableBytes(digest));
  return digest;
}

struct Sha256Hasher::State {
  SHA256_CTX context;
};

Sha256Hasher::Sha256Hasher() : state_(new State) { SHA256_Init(&state_->context); }

Sha256Hasher::Sha256Hasher(Sha256Hasher&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}

Sha256Hasher& Sha256Hasher::operator=(Sha256Hasher&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

Sha256Hasher::~Sha256Hasher() { delete state_; }

void Sha256Hasher::Update(std::string_view data) {
  COMITY_CHECK(state_ != nullptr);
  SHA256_Update(&state_->context, data.data(), data.size());
}

Digest Sha256Hasher::Finish() && {
  COMITY_CHECK(state_ != nullptr);
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256_Final(AsMutableBytes(digest), &state_->context);
  return *Digest::FromBytes(digest);
}

Digest Sha256Hasher::Intermediate() const {
  COMITY_CHECK(state_ != nullptr && state_->context.num == 0);
  std::string words;
  words.reserve(SHA256_DIGEST_LENGTH);
  for (const uint32_t word : state_->context.h) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      words.push_back(static_cast<char>((word >> shift) & 0xff));
    }
  }
  return *Digest::FromBytes(words);
}

Sha256Hasher Sha256Hasher::Resume(const Digest& intermediate, uint64_t bytes_before) {
  COMITY_CHECK(bytes_before % kBlockSize == 0);
  Sha256Hasher hasher;
  SHA256_CTX& context = hasher.state_->context;
  const uint8_t* byte = AsBytes(intermediate.bytes());
  for (uint32_t& word : context.h) {
    word = 0;
    for (int i = 0; i < 4; ++i) word = (word << 8) | *byte++;
  }
  const uint64_t bits = bytes_before * 8;
  context.Nl = static_cast<uint32_t>(bits);
  context.Nh = static_cast<uint32_t>(bits >> 32);
  return hasher;
}

std::string HmacSha256(const SecretBytes& key, std::string_view data) {
  const auto key_bytes = key.Reveal(RevealKey::ForCrypto());
  std::string mac(SHA256_DIGEST_LENGTH, '\0');
  unsigned size = 0;
  COMITY_CHECK(HMAC(EVP_sha256(), key_bytes.data(), key_bytes.size(), AsBytes(data), data.size(),
                    AsMutableBytes(mac), &size) != nullptr);
  WipeStackOfHmac();
  return mac;
}

SecretBytes HkdfSha256(const SecretBytes& key, std::string_view salt, std::string_view info,
                       size_t size) {
  COMITY_CHECK(size <= kMaxHkdfSize);
  const auto key_bytes = key.Reveal(RevealKey::ForCrypto());
  SecretBytes derived(size);
  COMITY_CHECK(HKDF(derived.RevealMutable(RevealKey::ForCrypto()).data(), size, EVP_sha256(),
                    key_bytes.data(), key_bytes.size(), AsBytes(salt), salt.size(), AsBytes(info),
                    info.size()) == 1);
  WipeStackOfHmac();
  return derived;
}

}  // namespace comity
