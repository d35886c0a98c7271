#ifndef COMITY_COMMON_LOG_BASE64_H_
#define COMITY_COMMON_LOG_BASE64_H_

#include <optional>
#include <string>
#include <string_view>

namespace comity {

// Standard base64 with padding (RFC 4648 section 4), the form of signed notes.
std::string Base64Encode(std::string_view bytes);
// Exact: nullopt for another alphabet, missing or surplus padding, white space, or spare bits that
// are not zero, so that each value has one written form.
std::optional<std::string> Base64Decode(std::string_view text);

}  // namespace comity

#endif  // COMITY_COMMON_LOG_BASE64_H_
