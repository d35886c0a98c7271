#include "services/common/crypto/streaming.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <openssl/aead.h>

#include "services/common/crypto/aead.h"
#include "services/common/crypto/bytes.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr size_t kSaltSize = 32;
constexpr size_t kNoncePrefixSize = 7;
static_assert(1 + kSaltSize + kNoncePrefixSize == kStreamHeaderSize);

// The first ciphertext segment shares its megabyte with the header.
constexpr size_t kFirstCiphertext = kStreamSegmentSize - kStreamHeaderSize;
constexpr size_t kFirstPlaintext = kFirstCiphertext - kAeadTagSize;
constexpr size_t kOtherPlaintext = kStreamSegmentSize - kAeadTagSize;

// One stream's derived key and its place in it.
class SegmentCipher final {
 public:
  // `header` as on the wire: length byte, salt, nonce prefix.
  SegmentCipher(const SecretBytes& key, std::string_view header, std::string_view associated_data)
      : nonce_prefix_(header.substr(1 + kSaltSize)) {
    const SecretBytes derived =
        HkdfSha256(key, header.substr(1, kSaltSize), associated_data, kAeadKeySize);
    const auto bytes = derived.Reveal(RevealKey::ForCrypto());
    context_.reset(
        EVP_AEAD_CTX_new(EVP_aead_aes_256_gcm(), bytes.data(), bytes.size(), kAeadTagSize));
    COMITY_CHECK(context_ != nullptr);
  }

  void Seal(std::string_view plaintext, bool last, std::string& out) {
    const std::optional<std::string> nonce = NextNonce(last);
    COMITY_CHECK(nonce.has_value());  // four petabytes in one stream
    const size_t offset = out.size();
    out.resize(offset + plaintext.size() + kAeadTagSize);
    size_t written = 0;
    COMITY_CHECK(EVP_AEAD_CTX_seal(context_.get(), AsMutableBytes(out) + offset, &written,
                                   out.size() - offset, AsBytes(*nonce), nonce->size(),
                                   AsBytes(plaintext), plaintext.size(), nullptr, 0) == 1);
  }

  [[nodiscard]] bool Open(std::string_view ciphertext, bool last, std::string& out) {
    const std::optional<std::string> nonce = NextNonce(last);
    if (!nonce.has_value() || ciphertext.size() < kAeadTagSize) {
      return false;
    }
    const size_t offset = out.size();
    out.resize(offset + ciphertext.size() - kAeadTagSize);
    size_t written = 0;
    const int opened = EVP_AEAD_CTX_open(context_.get(), AsMutableBytes(out) + offset, &written,
                                         out.size() - offset, AsBytes(*nonce), nonce->size(),
                                         AsBytes(ciphertext), ciphertext.size(), nullptr, 0);
    out.resize(offset + (opened == 1 ? written : 0));
    return opened == 1;
  }

 private:
  std::optional<std::string> NextNonce(bool last) {
    if (segment_ > std::numeric_limits<uint32_t>::max()) {
      return std::nullopt;
    }
    std::string nonce = nonce_prefix_;
    for (int shift = 24; shift >= 0; shift -= 8) {
      nonce.push_back(static_cast<char>((segment_ >> shift) & 0xff));
    }
    nonce.push_back(last ? '\1' : '\0');
    ++segment_;
    return nonce;
  }

  bssl::UniquePtr<EVP_AEAD_CTX> context_;  // wiped with the key in it (aead.cc)
  std::string nonce_prefix_;
  uint64_t segment_ = 0;
};

absl::Status CheckKey(const SecretBytes& key) {
  if (key.size() != kAeadKeySize) {
    return Refuse(Reason::kFieldInvalid, "a streaming key must have 32 bytes");
  }
  return absl::OkStatus();
}

// Moves what fits of `input` to the end of `buffer`, up to `capacity` in all.
void Fill(std::string_view& input, std::string& buffer, size_t capacity) {
  const size_t taken = std::min(input.size(), capacity - buffer.size());
  buffer.append(input.substr(0, taken));
  input.remove_prefix(taken);
}

}  // namespace

uint64_t StreamCiphertextSize(uint64_t plaintext_size) {
  uint64_t segments = 1;
  if (plaintext_size > kFirstPlaintext) {
    segments += (plaintext_size - kFirstPlaintext + kOtherPlaintext - 1) / kOtherPlaintext;
  }
  return kStreamHeaderSize + plaintext_size + segments * kAeadTagSize;
}

uint64_t StreamPlaintextSize(uint64_t ciphertext_size) {
  const uint64_t segments = (ciphertext_size + kStreamSegmentSize - 1) / kStreamSegmentSize;
  const uint64_t overhead = kStreamHeaderSize + segments * kAeadTagSize;
  if (ciphertext_size < overhead) return 0;
  const uint64_t plaintext_size = ciphertext_size - overhead;
  return StreamCiphertextSize(plaintext_size) == ciphertext_size ? plaintext_size : 0;
}

struct StreamEncrypter::State {
  State(const SecretBytes& key, std::string_view associated_data)
      : header(static_cast<char>(kStreamHeaderSize) + RandomBytes(kSaltSize + kNoncePrefixSize)),
        cipher(key, header, associated_data) {
    buffer.reserve(kStreamSegmentSize);  // never grows, so that no copy of plaintext stays behind
  }
  ~State() { WipeString(buffer); }

  void Emit(bool last, std::string& out) {
    out.append(header);
    header.clear();
    cipher.Seal(buffer, last, out);
    buffer.clear();
    capacity = kOtherPlaintext;
  }

  std::string header;  // until it is written
  SegmentCipher cipher;
  std::string buffer;
  size_t capacity = kFirstPlaintext;
};

StreamEncrypter::StreamEncrypter() = default;
StreamEncrypter::StreamEncrypter(StreamEncrypter&&) noexcept = default;
StreamEncrypter& StreamEncrypter::operator=(StreamEncrypter&&) noexcept = default;
StreamEncrypter::~StreamEncrypter() = default;

absl::StatusOr<StreamEncrypter> StreamEncrypter::Create(const SecretBytes& key,
                                                        std::string_view associated_data) {
  if (absl::Status status = CheckKey(key); !status.ok()) {
    return status;
  }
  StreamEncrypter encrypter;
  encrypter.state_ = std::make_unique<State>(key, associated_data);
  return encrypter;
}

void StreamEncrypter::Update(std::string_view plaintext, std::string& out) {
  while (!plaintext.empty()) {
    // A full segment is kept back until more arrives: the last one is sealed as the last.
    if (state_->buffer.size() == state_->capacity) {
      state_->Emit(false, out);
    }
    Fill(plaintext, state_->buffer, state_->capacity);
  }
}

void StreamEncrypter::Finish(std::string& out) && { state_->Emit(true, out); }

struct StreamDecrypter::State {
  State(const SecretBytes& stream_key, std::string_view data)
      : key(stream_key.Clone()), associated_data(data) {}

  SecretBytes key;
  std::string associated_data;
  std::optional<SegmentCipher> cipher;  // once the header is there
  std::string buffer;
  size_t capacity = kStreamHeaderSize;
  bool failed = false;
};

StreamDecrypter::StreamDecrypter() = default;
StreamDecrypter::StreamDecrypter(StreamDecrypter&&) noexcept = default;
StreamDecrypter& StreamDecrypter::operator=(StreamDecrypter&&) noexcept = default;
StreamDecrypter::~StreamDecrypter() = default;

absl::StatusOr<StreamDecrypter> StreamDecrypter::Create(const SecretBytes& key,
                                                        std::string_view associated_data) {
  if (absl::Status status = CheckKey(key); !status.ok()) {
    return status;
  }
  StreamDecrypter decrypter;
  decrypter.state_ = std::make_unique<State>(key, associated_data);
  return decrypter;
}

absl::Status StreamDecrypter::Update(std::string_view ciphertext, std::string& out) {
  State& state = *state_;
  while (!ciphertext.empty() && !state.failed) {
    if (state.buffer.size() == state.capacity) {
      if (!state.cipher.has_value()) {
        state.failed = state.buffer[0] != static_cast<char>(kStreamHeaderSize);
        state.cipher.emplace(state.key, state.buffer, state.associated_data);
        state.capacity = kFirstCiphertext;
      } else {
        // More bytes follow, so that this segment must have been sealed as not the last.
        state.failed = !state.cipher->Open(state.buffer, false, out);
        state.capacity = kStreamSegmentSize;
      }
      state.buffer.clear();
    }
    Fill(ciphertext, state.buffer, state.capacity);
  }
  return state.failed ? Refuse(Reason::kDataCorrupt) : absl::OkStatus();
}

absl::Status StreamDecrypter::Finish(std::string& out) && {
  State& state = *state_;
  if (state.failed || !state.cipher.has_value() || !state.cipher->Open(state.buffer, true, out)) {
    state.failed = true;
    return Refuse(Reason::kDataCorrupt);
  }
  return absl::OkStatus();
}

}  // namespace comity
