#include "services/common/log/note_text.h"

#include <limits>

#include "services/common/log/base64.h"

namespace comity {
namespace {

constexpr uint64_t kMaxDecimal = std::numeric_limits<int64_t>::max();

// Decodes one code point off the front of `text`; nullopt when it is not strict UTF-8.
std::optional<char32_t> TakeCodePoint(std::string_view& text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  size_t size = 1;
  char32_t point = first;
  char32_t smallest = 0;
  if (first >= 0xf0 && first <= 0xf4) {
    size = 4;
    point = first & 0x07;
    smallest = 0x10000;
  } else if (first >= 0xe0 && first <= 0xef) {
    size = 3;
    point = first & 0x0f;
    smallest = 0x800;
  } else if (first >= 0xc2 && first <= 0xdf) {
    size = 2;
    point = first & 0x1f;
    smallest = 0x80;
  } else if (first >= 0x80) {
    return std::nullopt;
  }
  if (text.size() < size) {
    return std::nullopt;
  }
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) {
      return std::nullopt;
    }
    point = point << 6 | (byte(i) & 0x3f);
  }
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  if (point < smallest || point > 0x10ffff || surrogate) {
    return std::nullopt;
  }
  text.remove_prefix(size);
  return point;
}

// Unicode White_Space.
bool IsSpace(char32_t point) {
  return (point >= 0x09 && point <= 0x0d) || point == 0x20 || point == 0x85 || point == 0xa0 ||
         point == 0x1680 || (point >= 0x2000 && point <= 0x200a) || point == 0x2028 ||
         point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}

}  // namespace

bool IsNoteText(std::string_view text) {
  while (!text.empty()) {
    const std::optional<char32_t> point = TakeCodePoint(text);
    if (!point.has_value() || (*point < 0x20 && *point != '\n')) {
      return false;
    }
  }
  return true;
}

bool IsNoteKeyName(std::string_view name) {
  if (name.empty()) {
    return false;
  }
  while (!name.empty()) {
    const std::optional<char32_t> point = TakeCodePoint(name);
    if (!point.has_value() || *point == '+' || *point < 0x20 || IsSpace(*point)) {
      return false;
    }
  }
  return true;
}

std::optional<uint64_t> ParseNoteDecimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (kMaxDecimal - digit) / 10) {
      return std::nullopt;
    }
    value = value * 10 + digit;
  }
  return value;
}

std::optional<Digest> ParseNoteDigest(std::string_view text) {
  const std::optional<std::string> bytes = Base64Decode(text);
  if (!bytes.has_value() || bytes->size() != Digest::kSize) {
    return std::nullopt;
  }
  return *Digest::FromBytes(*bytes);
}

std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

}  // namespace comity
