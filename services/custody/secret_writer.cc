#include "services/custody/secret_writer.h"

#include <algorithm>

#include "services/common/status/check.h"

namespace comity::custody {

SecretWriter& SecretWriter::Raw(std::span<const uint8_t> value) {
  COMITY_CHECK(value.size() <= bytes_.size() - used_);
  std::ranges::copy(value, bytes_.RevealMutable(RevealKey::ForSealing()).begin() +
                               static_cast<std::ptrdiff_t>(used_));
  used_ += value.size();
  return *this;
}

SecretWriter& SecretWriter::Raw(std::string_view value) {
  return Raw({reinterpret_cast<const uint8_t*>(value.data()), value.size()});
}

SecretWriter& SecretWriter::Integer(uint64_t value, int bytes) {
  uint8_t out[8];
  for (int i = 0; i < bytes; ++i) {
    out[i] = static_cast<uint8_t>(value >> (8 * (bytes - 1 - i)));
  }
  return Raw({out, static_cast<size_t>(bytes)});
}

SecretWriter& SecretWriter::Field(uint16_t tag, size_t size) {
  return U16(tag).U32(static_cast<uint32_t>(size));
}

SecretBytes SecretWriter::Finish() && {
  COMITY_CHECK(used_ == bytes_.size());
  return std::move(bytes_);
}

}  // namespace comity::custody
