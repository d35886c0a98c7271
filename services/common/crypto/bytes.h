#ifndef COMITY_COMMON_CRYPTO_BYTES_H_
#define COMITY_COMMON_CRYPTO_BYTES_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

// Internal to services/common/crypto: BoringSSL's bytes are unsigned, ours travel in strings.
namespace comity {

inline const uint8_t* AsBytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}
inline uint8_t* AsMutableBytes(std::string& text) {
  return reinterpret_cast<uint8_t*>(text.data());
}
inline std::string_view AsView(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace comity

#endif  // COMITY_COMMON_CRYPTO_BYTES_H_
