#include "services/common/encoding/canonical.h"

#include <limits>
#include <optional>

#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr uint16_t kVersionTag = 1;
// Most records fit: one allocation instead of five.
constexpr size_t kUsualSize = 192;

template <typename Int>
void AppendInt(std::string& out, Int value) {
  char bytes[sizeof(Int)];
  for (size_t i = 0; i < sizeof(Int); ++i) {
    bytes[i] = static_cast<char>((value >> ((sizeof(Int) - 1 - i) * 8)) & 0xff);
  }
  out.append(bytes, sizeof(bytes));
}

// Appends a u32 length and the bytes.
void AppendSized(std::string& out, std::string_view bytes) {
  COMITY_CHECK(bytes.size() <= std::numeric_limits<uint32_t>::max());
  AppendInt<uint32_t>(out, static_cast<uint32_t>(bytes.size()));
  out.append(bytes);
}

template <typename Int>
std::string EncodeInt(Int value) {
  std::string out;
  AppendInt<Int>(out, value);
  return out;
}

template <typename Int>
Int DecodeInt(std::string_view bytes) {
  Int value = 0;
  for (const char c : bytes) {
    value = static_cast<Int>((uint64_t{value} << 8) | static_cast<uint8_t>(c));
  }
  return value;
}

template <typename Int>
std::optional<Int> TakeInt(std::string_view& rest) {
  if (rest.size() < sizeof(Int)) {
    return std::nullopt;
  }
  const Int value = DecodeInt<Int>(rest.substr(0, sizeof(Int)));
  rest.remove_prefix(sizeof(Int));
  return value;
}

std::optional<std::string_view> TakeSized(std::string_view& rest) {
  const std::optional<uint32_t> size = TakeInt<uint32_t>(rest);
  if (!size.has_value() || rest.size() < *size) {
    return std::nullopt;
  }
  const std::string_view bytes = rest.substr(0, *size);
  rest.remove_prefix(*size);
  return bytes;
}

absl::Status Malformed(uint16_t tag, std::string_view what) {
  return Refuse(Reason::kStatementMalformed,
                "tag " + std::to_string(tag) + ": " + std::string(what));
}

absl::StatusOr<std::vector<std::string_view>> ParseList(uint16_t tag, std::string_view bytes) {
  std::string_view rest = bytes;
  const std::optional<uint32_t> count = TakeInt<uint32_t>(rest);
  if (!count.has_value()) {
    return Malformed(tag, "the list has no count");
  }
  // Every element takes four bytes at least: a count is never believed beyond the bytes there are.
  if (*count > rest.size() / sizeof(uint32_t)) {
    return Malformed(tag, "the list is cut short");
  }
  std::vector<std::string_view> values;
  values.reserve(*count);
  for (uint32_t i = 0; i < *count; ++i) {
    const std::optional<std::string_view> value = TakeSized(rest);
    if (!value.has_value()) {
      return Malformed(tag, "the list is cut short");
    }
    values.push_back(*value);
  }
  if (!rest.empty()) {
    return Malformed(tag, "bytes follow the last element of the list");
  }
  return values;
}

}  // namespace

CanonicalWriter::CanonicalWriter(uint16_t version) {
  out_.reserve(kUsualSize);
  U16(kVersionTag, version);
}

CanonicalWriter& CanonicalWriter::Bytes(uint16_t tag, std::string_view value) {
  COMITY_CHECK(tag > last_tag_);
  last_tag_ = tag;
  AppendInt<uint16_t>(out_, tag);
  AppendSized(out_, value);
  return *this;
}

CanonicalWriter& CanonicalWriter::U8(uint16_t tag, uint8_t value) {
  return Bytes(tag, EncodeInt(value));
}

CanonicalWriter& CanonicalWriter::U16(uint16_t tag, uint16_t value) {
  return Bytes(tag, EncodeInt(value));
}

CanonicalWriter& CanonicalWriter::U32(uint16_t tag, uint32_t value) {
  return Bytes(tag, EncodeInt(value));
}

CanonicalWriter& CanonicalWriter::U64(uint16_t tag, uint64_t value) {
  return Bytes(tag, EncodeInt(value));
}

CanonicalWriter& CanonicalWriter::List(uint16_t tag, const std::vector<std::string>& values) {
  COMITY_CHECK(values.size() <= std::numeric_limits<uint32_t>::max());
  std::string list = EncodeInt(static_cast<uint32_t>(values.size()));
  for (const std::string& value : values) {
    AppendSized(list, value);
  }
  return Bytes(tag, list);
}

CanonicalWriter& CanonicalWriter::Map(uint16_t tag,
                                      const std::map<std::string, std::string>& values) {
  // std::string compares as unsigned bytes, so that the map is in the order that is asked for.
  COMITY_CHECK(values.size() <= std::numeric_limits<uint32_t>::max() / 2);
  std::string list = EncodeInt(static_cast<uint32_t>(values.size() * 2));
  for (const auto& [key, value] : values) {
    AppendSized(list, key);
    AppendSized(list, value);
  }
  return Bytes(tag, list);
}

std::string CanonicalWriter::Finish() && { return std::move(out_); }

absl::StatusOr<CanonicalReader> CanonicalReader::Open(std::string_view bytes, uint16_t version) {
  CanonicalReader reader;
  uint16_t last_tag = 0;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const std::optional<uint16_t> tag = TakeInt<uint16_t>(rest);
    if (!tag.has_value()) {
      return Refuse(Reason::kStatementMalformed, "bytes follow the last field");
    }
    if (*tag <= last_tag) {
      return Malformed(*tag, "tags must ascend from 1");
    }
    const std::optional<std::string_view> value = TakeSized(rest);
    if (!value.has_value()) {
      return Malformed(*tag, "the field is cut short");
    }
    reader.fields_.emplace_back(*tag, *value);
    last_tag = *tag;
  }
  ASSIGN_OR_RETURN(const uint16_t found, reader.U16(kVersionTag));
  if (found != version) {
    return Malformed(kVersionTag, "the version is not " + std::to_string(version));
  }
  return reader;
}

bool CanonicalReader::Has(uint16_t tag) const {
  return next_ < fields_.size() && fields_[next_].first == tag;
}

absl::StatusOr<std::string_view> CanonicalReader::Bytes(uint16_t tag) {
  if (!Has(tag)) {
    return Malformed(tag, "the field is missing, or another one stands before it");
  }
  return fields_[next_++].second;
}

absl::StatusOr<std::string_view> CanonicalReader::FixedBytes(uint16_t tag, size_t size) {
  ASSIGN_OR_RETURN(const std::string_view value, Bytes(tag));
  if (value.size() != size) {
    return Malformed(
        tag, "must have " + std::to_string(size) + " bytes, not " + std::to_string(value.size()));
  }
  return value;
}

absl::StatusOr<uint8_t> CanonicalReader::U8(uint16_t tag) {
  ASSIGN_OR_RETURN(const std::string_view value, FixedBytes(tag, sizeof(uint8_t)));
  return DecodeInt<uint8_t>(value);
}

absl::StatusOr<uint16_t> CanonicalReader::U16(uint16_t tag) {
  ASSIGN_OR_RETURN(const std::string_view value, FixedBytes(tag, sizeof(uint16_t)));
  return DecodeInt<uint16_t>(value);
}

absl::StatusOr<uint32_t> CanonicalReader::U32(uint16_t tag) {
  ASSIGN_OR_RETURN(const std::string_view value, FixedBytes(tag, sizeof(uint32_t)));
  return DecodeInt<uint32_t>(value);
}

absl::StatusOr<uint64_t> CanonicalReader::U64(uint16_t tag) {
  ASSIGN_OR_RETURN(const std::string_view value, FixedBytes(tag, sizeof(uint64_t)));
  return DecodeInt<uint64_t>(value);
}

absl::StatusOr<std::vector<std::string>> CanonicalReader::List(uint16_t tag) {
  ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(tag));
  ASSIGN_OR_RETURN(const std::vector<std::string_view> values, ParseList(tag, bytes));
  return std::vector<std::string>(values.begin(), values.end());
}

absl::StatusOr<std::map<std::string, std::string>> CanonicalReader::Map(uint16_t tag) {
  ASSIGN_OR_RETURN(const std::string_view bytes, Bytes(tag));
  ASSIGN_OR_RETURN(const std::vector<std::string_view> values, ParseList(tag, bytes));
  if (values.size() % 2 != 0) {
    return Malformed(tag, "a key of the map has no value");
  }
  std::map<std::string, std::string> map;
  for (size_t i = 0; i < values.size(); i += 2) {
    if (i > 0 && values[i] <= values[i - 2]) {
      return Malformed(tag, "the keys of a map must ascend without duplicates");
    }
    map.emplace_hint(map.end(), values[i], values[i + 1]);
  }
  return map;
}

absl::Status CanonicalReader::Finish() const {
  if (next_ < fields_.size()) {
    return Malformed(fields_[next_].first, "the field is not known here");
  }
  return absl::OkStatus();
}

}  // namespace comity
