#include "services/common/ids/ids.h"

#include <algorithm>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr size_t kMaxRegionName = 16;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string Base32Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<uint8_t>(c);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text.push_back(kAlphabet[(buffer >> bits) & 31]);
    }
  }
  if (bits > 0) {
    text.push_back(kAlphabet[(buffer << (5 - bits)) & 31]);
  }
  return text;
}

absl::StatusOr<std::string> Base32Decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * 5 / 8);
  uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) {
      return Refuse(Reason::kFieldInvalid, "an id may hold only the letters a-z and 2-7");
    }
    buffer = (buffer << 5) | static_cast<uint32_t>(value);
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<char>(buffer >> bits));
    }
  }
  // With 5 or more bits left over, the last letter carries nothing and must not be there.
  if (bits >= 5) {
    return Refuse(Reason::kFieldInvalid, "an id has a wrong length");
  }
  if ((buffer & ((1U << bits) - 1)) != 0) {
    return Refuse(Reason::kFieldInvalid, "the spare bits of an id must be zero");
  }
  return bytes;
}

template <typename Tag, size_t kBytes>
absl::StatusOr<FixedId<Tag, kBytes>> FixedId<Tag, kBytes>::FromBytes(std::string_view bytes) {
  if (bytes.size() != kBytes) {
    return Refuse(Reason::kFieldInvalid, "an id must have " + std::to_string(kBytes) +
                                             " bytes, not " + std::to_string(bytes.size()));
  }
  FixedId id;
  std::ranges::copy(bytes, id.bytes_.begin());
  return id;
}

template <typename Tag, size_t kBytes>
absl::StatusOr<FixedId<Tag, kBytes>> FixedId<Tag, kBytes>::Parse(std::string_view base32) {
  ASSIGN_OR_RETURN(const std::string bytes, Base32Decode(base32));
  return FromBytes(bytes);
}

template class FixedId<struct AccountIdTag, 20>;
template class FixedId<struct ObjectIdTag, 16>;
template class FixedId<struct ContentIdTag, 16>;
template class FixedId<struct RequestIdTag, 16>;
template class FixedId<struct SigningKeyIdTag, 32>;
template class FixedId<struct SealSetIdTag, 16>;
template class FixedId<struct GrantIdTag, 16>;
template class FixedId<struct DigestTag, 32>;

absl::StatusOr<RegionId> RegionId::Create(std::string_view name) {
  const bool valid =
      !name.empty() && name.size() <= kMaxRegionName && IsLower(name.front()) &&
      std::ranges::all_of(name, [](char c) { return IsLower(c) || IsDigit(c) || c == '-'; });
  if (!valid) {
    return Refuse(Reason::kFieldInvalid,
                  "a region's name has 1 to 16 of a-z, 0-9 and '-', and starts with a letter");
  }
  RegionId region;
  region.name_ = std::string(name);
  return region;
}

}  // namespace comity
