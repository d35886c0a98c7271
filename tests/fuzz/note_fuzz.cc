#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/log/base64.h"
#include "services/common/log/checkpoint.h"
#include "services/common/log/note_text.h"
#include "services/common/status/check.h"

// Whatever is accepted as a note is written back to the same bytes: one note, one text. The same of
// its parts.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto note = comity::ParseNote(input);
  if (note.ok()) {
    COMITY_CHECK(comity::FormatNote(*note) == input);
    COMITY_CHECK(!note->signatures.empty());
  }
  if (const auto bytes = comity::Base64Decode(input)) {
    COMITY_CHECK(comity::Base64Encode(*bytes) == input);
  }
  if (const auto number = comity::ParseNoteDecimal(input)) {
    COMITY_CHECK(std::to_string(*number) == input);
  }
  if (const auto digest = comity::ParseNoteDigest(input)) {
    COMITY_CHECK(comity::Base64Encode(digest->bytes()) == input);
  }
  return 0;
}
