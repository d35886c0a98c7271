#ifndef COMITY_CLIENT_OBJECTS_OBJECT_NAME_H_
#define COMITY_CLIENT_OBJECTS_OBJECT_NAME_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

// Names of objects. They are sealed, so that no service looks at them: whoever writes one is held
// to the rules by its own client, and whoever reads one trusts nobody to have kept them.
namespace comity {

inline constexpr size_t kMaxObjectName = 1'024;

// A name that may be stored: 1 to 1,024 bytes of UTF-8 without control characters (U+0000 to
// U+001F, U+007F to U+009F). Everything else is a name: slashes, dots, marks of the direction of
// writing; two spellings of one letter are two names. FIELD_INVALID says what is wrong.
absl::Status CheckObjectName(std::string_view name);

// Where an object goes in a folder when nobody says: what follows the last slash. Nothing when that
// is empty, ".", "..", longer than 200 bytes, or no name that may be stored. So no name leads out
// of the folder, whoever chose it.
std::optional<std::string> FileNameOf(std::string_view name);

// For a terminal or a log, whatever the bytes are: control characters, marks that turn the
// direction of writing, line separators and bytes that are no UTF-8 are shown as \u{…} or \x…, so
// that nothing moves the cursor, ends the line, or looks like another name.
std::string PrintableName(std::string_view name);

}  // namespace comity

#endif  // COMITY_CLIENT_OBJECTS_OBJECT_NAME_H_
