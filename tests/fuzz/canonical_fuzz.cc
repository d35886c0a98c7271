#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/encoding/canonical.h"
#include "services/common/status/check.h"

using comity::CanonicalReader;
using comity::CanonicalWriter;

// Whatever the reader accepts, the writer writes back to the same bytes: one record, one encoding.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr size_t kHeaderSize = 6;  // u16 tag, u32 length
  constexpr size_t kVersionAt = kHeaderSize;
  if (size < kVersionAt + 2) {
    COMITY_CHECK(!CanonicalReader::Open(input, 1).ok());
    return 0;
  }
  const auto version = static_cast<uint16_t>((data[kVersionAt] << 8) | data[kVersionAt + 1]);
  auto reader = CanonicalReader::Open(input, version);
  if (!reader.ok()) {
    return 0;
  }
  CanonicalWriter writer(version);
  // Open() has accepted the framing: each tag stands where the field before it ends.
  for (size_t at = kVersionAt + 2; at < size;) {
    const auto tag = static_cast<uint16_t>((data[at] << 8) | data[at + 1]);
    CanonicalReader list_reader = *reader;
    CanonicalReader map_reader = *reader;
    const auto list = list_reader.List(tag);
    const auto map = map_reader.Map(tag);
    COMITY_CHECK(list.ok() || !map.ok());  // a map is a list
    const auto bytes = reader->Bytes(tag);
    COMITY_CHECK(bytes.ok());
    at += kHeaderSize + bytes->size();
    if (map.ok()) {
      writer.Map(tag, *map);
    } else if (list.ok()) {
      writer.List(tag, *list);
    } else {
      writer.Bytes(tag, *bytes);
    }
  }
  COMITY_CHECK(reader->Finish().ok());
  COMITY_CHECK(std::move(writer).Finish() == input);
  return 0;
}
