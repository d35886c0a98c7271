#ifndef COMITY_CUSTODY_SECRET_WRITER_H_
#define COMITY_CUSTODY_SECRET_WRITER_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "services/common/secret/secret.h"

namespace comity::custody {

// Writes the canonical encoding (services/common/encoding/canonical.h) of a record that holds
// secrets. CanonicalWriter grows a string and leaves its earlier copies on the heap; this one
// writes once, into secret memory of the size that was asked for. Tags are the caller's to order.
class SecretWriter final {
 public:
  static constexpr size_t kFieldOverhead = 6;  // u16 tag, u32 length
  static constexpr size_t kItemOverhead = 4;   // u32 length of a list's element

  explicit SecretWriter(size_t size) : bytes_(size) {}

  SecretWriter& U8(uint8_t value) { return Integer(value, 1); }
  SecretWriter& U16(uint16_t value) { return Integer(value, 2); }
  SecretWriter& U32(uint32_t value) { return Integer(value, 4); }
  SecretWriter& U64(uint64_t value) { return Integer(value, 8); }
  SecretWriter& Raw(std::span<const uint8_t> value);
  SecretWriter& Raw(std::string_view value);
  // The head of a field whose `size` bytes follow.
  SecretWriter& Field(uint16_t tag, size_t size);
  // Field 1, the version.
  SecretWriter& Version() { return Field(1, 2).U16(1); }

  // CHECK: exactly the size given to the constructor was written.
  SecretBytes Finish() &&;

 private:
  SecretWriter& Integer(uint64_t value, int bytes);

  SecretBytes bytes_;
  size_t used_ = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_SECRET_WRITER_H_
