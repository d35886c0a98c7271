#include "services/common/seal/seal_share.h"

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr uint8_t kFormat = 1;
constexpr std::string_view kPrefix = "comity-share-v1 ";

absl::Status Malformed(std::string_view cause) { return Refuse(Reason::kShareInvalid, cause); }

// All bits set if a < b, for values below 2^31.
uint32_t MaskIfBelow(uint32_t a, uint32_t b) { return 0U - ((a - b) >> 31); }

uint8_t HexDigit(uint32_t nibble) {
  constexpr uint32_t kGap = 'a' - '0' - 10;
  return static_cast<uint8_t>('0' + nibble + (kGap & ~MaskIfBelow(nibble, 10)));
}

// The value of a digit; adds to `bad` if it is none.
uint32_t HexValue(uint8_t digit, uint32_t& bad) {
  const uint32_t c = digit;
  const uint32_t decimal = ~MaskIfBelow(c, '0') & MaskIfBelow(c, '9' + 1);
  const uint32_t letter = ~MaskIfBelow(c, 'a') & MaskIfBelow(c, 'f' + 1);
  bad |= ~(decimal | letter);
  return (decimal & (c - '0')) | (letter & (c - 'a' + 10));
}

bool IsSpace(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::span<const uint8_t> Trimmed(std::span<const uint8_t> text) {
  while (!text.empty() && IsSpace(text.front())) text = text.subspan(1);
  while (!text.empty() && IsSpace(text.back())) text = text.first(text.size() - 1);
  return text;
}

}  // namespace

SecretBytes EncodeSealShare(const SealShare& share) {
  SecretBytes bytes(kSealShareSize);
  const std::span<uint8_t> out = bytes.RevealMutable(RevealKey::ForCrypto());
  const std::span<const uint8_t> value = share.value.Reveal(RevealKey::ForCrypto());
  out[0] = kFormat;
  std::ranges::copy(share.set.bytes(), out.begin() + 1);
  out[1 + SealSetId::kSize] = share.index;
  std::ranges::copy(value.first(std::min(value.size(), kSealedRootSize)),
                    out.begin() + 2 + SealSetId::kSize);
  return bytes;
}

absl::StatusOr<SealShare> DecodeSealShare(const SecretBytes& bytes) {
  const std::string_view in = bytes.RevealView(RevealKey::ForCrypto());
  if (in.size() != kSealShareSize || in[0] != kFormat) {
    return Malformed("not a share of format 1");
  }
  SealShare share;
  ASSIGN_OR_RETURN(share.set, SealSetId::FromBytes(in.substr(1, SealSetId::kSize)));
  share.index = static_cast<uint8_t>(in[1 + SealSetId::kSize]);
  if (share.index == 0) {
    return Malformed("a share of index 0");
  }
  share.value = SecretBytes::CopyOf(in.substr(2 + SealSetId::kSize));
  return share;
}

SecretBytes FormatSealShare(const SealShare& share) {
  const SecretBytes bytes = EncodeSealShare(share);
  SecretBytes text(kPrefix.size() + 2 * kSealShareSize + 1);
  const std::span<uint8_t> out = text.RevealMutable(RevealKey::ForKeyFile());
  std::ranges::copy(kPrefix, out.begin());
  size_t at = kPrefix.size();
  for (const uint8_t byte : bytes.Reveal(RevealKey::ForKeyFile())) {
    out[at++] = HexDigit(byte >> 4);
    out[at++] = HexDigit(byte & 15U);
  }
  out[at] = '\n';
  return text;
}

absl::StatusOr<SealShare> ParseSealShare(const SecretBytes& text) {
  const std::span<const uint8_t> line = Trimmed(text.Reveal(RevealKey::ForKeyFile()));
  if (line.size() != kPrefix.size() + 2 * kSealShareSize ||
      !std::ranges::equal(line.first(kPrefix.size()), kPrefix)) {
    return Malformed("not a line \"comity-share-v1 <100 hex digits>\"");
  }
  const std::span<const uint8_t> digits = line.subspan(kPrefix.size());
  SecretBytes bytes(kSealShareSize);
  const std::span<uint8_t> out = bytes.RevealMutable(RevealKey::ForKeyFile());
  uint32_t bad = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    const uint32_t high = HexValue(digits[2 * i], bad);
    const uint32_t low = HexValue(digits[2 * i + 1], bad);
    out[i] = static_cast<uint8_t>((high << 4) | low);
  }
  if (bad != 0) {
    return Malformed("a character that is no hex digit");
  }
  return DecodeSealShare(bytes);
}

}  // namespace comity
