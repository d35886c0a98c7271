#ifndef COMITY_COMMON_SECRET_SECRET_H_
#define COMITY_COMMON_SECRET_SECRET_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace comity {

// Reading a secret's bytes needs one of these, so that `git grep RevealKey::` is the audit list of
// every place that does, each with its purpose.
class RevealKey final {
 public:
  static constexpr RevealKey ForCrypto() { return RevealKey(); }   // input of a primitive
  static constexpr RevealKey ForSealing() { return RevealKey(); }  // plaintext about to be sealed
  static constexpr RevealKey ForOwner() { return RevealKey(); }    // to its owner, over mTLS
  static constexpr RevealKey ForKeyFile() { return RevealKey(); }  // to a 0600 file
  static constexpr RevealKey ForTest() { return RevealKey(); }

 private:
  constexpr RevealKey() = default;
};

// Bytes that are wiped when they go, live in the locked arena (arena.h), are never copied
// implicitly, printed or compared with ==. Move-only. Not thread-safe.
class SecretBytes final {
 public:
  SecretBytes() = default;
  explicit SecretBytes(size_t size);  // zeroed
  static SecretBytes CopyOf(std::string_view bytes);
  static SecretBytes CopyOf(std::span<const uint8_t> bytes);
  // Takes the bytes out of a protobuf string or similar and wipes the source's whole capacity.
  static SecretBytes TakeFrom(std::string& bytes);

  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes Clone() const;
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const uint8_t> Reveal(RevealKey) const { return {data_, size_}; }
  std::span<uint8_t> RevealMutable(RevealKey) { return {data_, size_}; }
  std::string_view RevealView(RevealKey) const {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  bool ConstantTimeEquals(const SecretBytes& other) const;

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Constant time in the bytes; sizes are not secret.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

// Overwrites a string's whole capacity and clears it (protobuf fields, stack strings).
void WipeString(std::string& s);

}  // namespace comity

#endif  // COMITY_COMMON_SECRET_SECRET_H_
