#ifndef COMITY_COMMON_LOG_NOTE_TEXT_H_
#define COMITY_COMMON_LOG_NOTE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "services/common/ids/ids.h"

// The lexical rules that notes, checkpoints and receipts share. Pure; views point into the input.
namespace comity {

// Valid UTF-8 without surrogates or overlong forms, and no control character below U+0020 other
// than LF.
bool IsNoteText(std::string_view text);
// Non-empty, and free of Unicode white space, '+' and LF. `name` is valid UTF-8.
bool IsNoteKeyName(std::string_view name);
// Decimal without sign or leading zeros, at most 2^63 - 1 (what Go's checkers can hold).
std::optional<uint64_t> ParseNoteDecimal(std::string_view text);
// A SHA-256 value in base64.
std::optional<Digest> ParseNoteDigest(std::string_view text);
// Takes the next line off `rest`, without its LF; nullopt when no LF is left.
std::optional<std::string_view> TakeLine(std::string_view& rest);

}  // namespace comity

#endif  // COMITY_COMMON_LOG_NOTE_TEXT_H_
