#include "tests/testing/hex.h"

#include "services/common/status/check.h"

namespace comity {
namespace {

int DigitValue(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lower = static_cast<char>(c | 0x20);
  COMITY_CHECK(lower >= 'a' && lower <= 'f');
  return lower - 'a' + 10;
}

}  // namespace

std::string FromHex(std::string_view hex) {
  COMITY_CHECK(hex.size() % 2 == 0);
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(DigitValue(hex[i]) * 16 + DigitValue(hex[i + 1])));
  }
  return bytes;
}

std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

}  // namespace comity
