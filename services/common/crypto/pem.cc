#include "services/common/crypto/pem.h"

#include <algorithm>
#include <string>

#include <openssl/base64.h>

#include "services/common/crypto/bytes.h"
#include "services/common/status/check.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "services/common/crypto is built with BoringSSL only"
#endif

namespace comity {
namespace {

constexpr size_t kLineSize = 64;
constexpr RevealKey kReveal = RevealKey::ForCrypto();

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && IsSpace(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

std::string Boundary(std::string_view kind, std::string_view label) {
  std::string line = "-----";
  line.append(kind).append(" ").append(label).append("-----");
  return line;
}

}  // namespace

std::optional<SecretBytes> DecodePem(std::string_view label, std::string_view text) {
  const std::string begin = Boundary("BEGIN", label);
  const std::string end = Boundary("END", label);
  std::string_view block = Trim(text);
  if (block.size() < begin.size() + end.size() || !block.starts_with(begin) ||
      !block.ends_with(end)) {
    return std::nullopt;
  }
  block.remove_prefix(begin.size());
  block.remove_suffix(end.size());

  SecretBytes letters(block.size());
  const auto out = letters.RevealMutable(kReveal);
  const auto last =
      std::ranges::copy_if(block, out.begin(), [](char c) { return !IsSpace(c); }).out;
  const size_t letter_count = static_cast<size_t>(last - out.begin());

  size_t room = 0;
  if (letter_count == 0 || EVP_DecodedLength(&room, letter_count) != 1) {
    return std::nullopt;
  }
  SecretBytes padded(room);
  size_t size = 0;
  // Refuses every letter that is not base64, a further boundary among them.
  if (EVP_DecodeBase64(padded.RevealMutable(kReveal).data(), &size, room, out.data(),
                       letter_count) != 1) {
    return std::nullopt;
  }
  return SecretBytes::CopyOf(padded.Reveal(kReveal).first(size));
}

SecretBytes EncodePem(std::string_view label, std::span<const uint8_t> der) {
  size_t room = 0;
  COMITY_CHECK(EVP_EncodedLength(&room, der.size()) == 1);
  SecretBytes letters(room);
  const size_t letter_count =
      EVP_EncodeBlock(letters.RevealMutable(kReveal).data(), der.data(), der.size());

  const std::string begin = Boundary("BEGIN", label) + "\n";
  const std::string end = Boundary("END", label) + "\n";
  const size_t lines = (letter_count + kLineSize - 1) / kLineSize;
  SecretBytes pem(begin.size() + letter_count + lines + end.size());
  auto out = pem.RevealMutable(kReveal).begin();
  out = std::ranges::copy(begin, out).out;
  for (size_t at = 0; at < letter_count; at += kLineSize) {
    const size_t size = std::min(kLineSize, letter_count - at);
    out = std::ranges::copy(letters.Reveal(kReveal).subspan(at, size), out).out;
    *out++ = '\n';
  }
  out = std::ranges::copy(end, out).out;
  COMITY_CHECK(out == pem.RevealMutable(kReveal).end());
  return pem;
}

}  // namespace comity
