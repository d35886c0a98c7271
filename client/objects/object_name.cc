#include "client/objects/object_name.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "services/common/status/reason.h"

namespace comity {
namespace {

// Leaves room for what a file beside it adds: file systems end at 255 bytes.
constexpr size_t kMaxFileName = 200;

struct Character {
  char32_t code = 0;
  size_t size = 0;  // bytes; 0: these are no UTF-8
};

// The first character of `text`, which is not empty.
Character FirstOf(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  // Lead bytes that begin overlong forms, and what is above U+10FFFF, are not among these.
  const size_t size = lead >= 0xc2 && lead <= 0xdf   ? 2
                      : lead >= 0xe0 && lead <= 0xef ? 3
                      : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                     : 0;
  if (size == 0 || text.size() < size) return {};
  char32_t code = lead & (0x7f >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kLeast[size] || code > 0x10ffff || surrogate) return {};
  return {code, size};
}

bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }

bool HidesOrTurns(char32_t c) {
  return c == 0x061c || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

template <typename Number>
void AppendHex(std::string& out, const char* format, Number number) {
  char text[16];
  std::snprintf(text, sizeof(text), format, static_cast<unsigned>(number));
  out += text;
}

}  // namespace

absl::Status CheckObjectName(std::string_view name) {
  if (name.empty() || name.size() > kMaxObjectName) {
    return Refuse(Reason::kFieldInvalid, "name: 1 to 1,024 bytes");
  }
  while (!name.empty()) {
    const Character c = FirstOf(name);
    if (c.size == 0) return Refuse(Reason::kFieldInvalid, "name: it is not UTF-8");
    if (IsControl(c.code)) {
      return Refuse(Reason::kFieldInvalid,
                    "name: it has a control character, such as a line break or NUL");
    }
    name.remove_prefix(c.size);
  }
  return absl::OkStatus();
}

std::optional<std::string> FileNameOf(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('/') + 1);
  if (last == "." || last == ".." || last.size() > kMaxFileName || !CheckObjectName(last).ok()) {
    return std::nullopt;
  }
  return std::string(last);
}

std::string PrintableName(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const Character c = FirstOf(name);
    if (c.size == 0) {
      AppendHex(out, "\\x%02x", static_cast<uint8_t>(name.front()));
      name.remove_prefix(1);
      continue;
    }
    if (IsControl(c.code) || HidesOrTurns(c.code)) {
      AppendHex(out, "\\u{%x}", c.code);
    } else {
      out += name.substr(0, c.size);
    }
    name.remove_prefix(c.size);
  }
  return out;
}

}  // namespace comity
