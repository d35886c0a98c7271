#ifndef COMITY_COMMON_CRYPTO_STREAMING_H_
#define COMITY_COMMON_CRYPTO_STREAMING_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/secret/secret.h"

// Tink's streaming AEAD AES256_GCM_HKDF_1MB, written from its published text: a 40-byte header
// (length byte 40, salt 32, nonce prefix 7), a per-stream key HKDF-SHA256(key, salt, associated
// data), segments of AES-256-GCM with nonce = prefix || u32 segment || last flag. A ciphertext
// segment is 1 MiB, the first one including the header.
namespace comity {

inline constexpr size_t kStreamSegmentSize = 1 << 20;
inline constexpr size_t kStreamHeaderSize = 40;

uint64_t StreamCiphertextSize(uint64_t plaintext_size);
// The inverse; 0 for a size that no ciphertext has.
uint64_t StreamPlaintextSize(uint64_t ciphertext_size);

// Feed plaintext in any pieces; whole ciphertext segments are appended to `out` as they fill.
// Move-only, not thread-safe.
class StreamEncrypter final {
 public:
  static absl::StatusOr<StreamEncrypter> Create(const SecretBytes& key,
                                                std::string_view associated_data);
  StreamEncrypter(StreamEncrypter&&) noexcept;
  StreamEncrypter& operator=(StreamEncrypter&&) noexcept;
  ~StreamEncrypter();
  void Update(std::string_view plaintext, std::string& out);
  void Finish(std::string& out) &&;

 private:
  StreamEncrypter();
  struct State;
  std::unique_ptr<State> state_;
};

// Feed ciphertext in any pieces; verified plaintext is appended to `out`, never unverified bytes.
// Truncation, reordering and splicing give DATA_CORRUPT, truncation at Finish().
class StreamDecrypter final {
 public:
  static absl::StatusOr<StreamDecrypter> Create(const SecretBytes& key,
                                                std::string_view associated_data);
  StreamDecrypter(StreamDecrypter&&) noexcept;
  StreamDecrypter& operator=(StreamDecrypter&&) noexcept;
  ~StreamDecrypter();
  absl::Status Update(std::string_view ciphertext, std::string& out);
  absl::Status Finish(std::string& out) &&;

 private:
  StreamDecrypter();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_STREAMING_H_
