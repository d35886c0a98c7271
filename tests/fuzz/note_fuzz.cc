#include <cstdint>
#include <string_view>

#include "services/common/log/checkpoint.h"
#include "services/common/status/check.h"

// Whatever is accepted as a note is written back to the same bytes: one note, one text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto note = comity::ParseNote(input);
  if (note.ok()) {
    COMITY_CHECK(comity::FormatNote(*note) == input);
    COMITY_CHECK(!note->signatures.empty());
  }
  return 0;
}
