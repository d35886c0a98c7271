#ifndef COMITY_COMMON_ENCODING_CANONICAL_H_
#define COMITY_COMMON_ENCODING_CANONICAL_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

// The one encoding of everything that is signed, bound, hashed or sealed with (docs/formats.md):
// fields as u16 tag, u32 length, bytes; tags strictly ascending; integers big-endian and of fixed
// width; a list is one field (u32 count, then u32 length and bytes for each); a map is a list of
// alternating keys and values sorted by key bytes, without duplicates; records nest; an absent
// field differs from an empty one; nothing may follow the last field. Tag 1 is the version.
namespace comity {

class CanonicalWriter final {
 public:
  // Writes field 1, the version.
  explicit CanonicalWriter(uint16_t version);

  // `tag` must be greater than the one before: a broken rule is a programming error (CHECK).
  CanonicalWriter& Bytes(uint16_t tag, std::string_view value);
  CanonicalWriter& U8(uint16_t tag, uint8_t value);
  CanonicalWriter& U16(uint16_t tag, uint16_t value);
  CanonicalWriter& U32(uint16_t tag, uint32_t value);
  CanonicalWriter& U64(uint16_t tag, uint64_t value);
  CanonicalWriter& List(uint16_t tag, const std::vector<std::string>& values);
  CanonicalWriter& Map(uint16_t tag, const std::map<std::string, std::string>& values);

  std::string Finish() &&;

 private:
  std::string out_;
  uint16_t last_tag_ = 0;
};

// Reads a record strictly, in order. Every method refuses with STATEMENT_MALFORMED and names the
// tag. After the last field call Finish(), which refuses fields that were not read: an unknown tag
// is never skipped. Views point into the input.
class CanonicalReader final {
 public:
  // Checks the whole framing and that the version is `version`.
  static absl::StatusOr<CanonicalReader> Open(std::string_view bytes, uint16_t version);

  bool Has(uint16_t tag) const;  // is `tag` the next unread field?
  absl::StatusOr<std::string_view> Bytes(uint16_t tag);
  absl::StatusOr<std::string_view> FixedBytes(uint16_t tag, size_t size);
  absl::StatusOr<uint8_t> U8(uint16_t tag);
  absl::StatusOr<uint16_t> U16(uint16_t tag);
  absl::StatusOr<uint32_t> U32(uint16_t tag);
  absl::StatusOr<uint64_t> U64(uint16_t tag);
  absl::StatusOr<std::vector<std::string>> List(uint16_t tag);
  absl::StatusOr<std::map<std::string, std::string>> Map(uint16_t tag);
  absl::Status Finish() const;

 private:
  std::vector<std::pair<uint16_t, std::string_view>> fields_;
  size_t next_ = 0;
};

}  // namespace comity

#endif  // COMITY_COMMON_ENCODING_CANONICAL_H_
