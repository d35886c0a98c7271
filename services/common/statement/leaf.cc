#include "services/common/statement/leaf.h"

#include <algorithm>

#include "services/common/crypto/digest.h"
#include "services/common/statement/fields.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr size_t kMaxLeaf = 65'535;
constexpr size_t kSaltSize = 32;

bool IsPrintableAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
}

void AppendSized(std::string& out, std::string_view bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>((size >> shift) & 0xff));
  }
  out.append(bytes);
}

absl::Status Malformed(std::string_view cause) {
  return Refuse(Reason::kStatementMalformed, cause);
}

}  // namespace

std::string EncodeLeaf(const Leaf& leaf) {
  // Rounded here as well: the minute of an act must not become public by a caller's oversight.
  Leaf rounded = leaf;
  rounded.day -= rounded.day % kDayMs;
  return EncodeRecord(rounded);
}

absl::StatusOr<Leaf> DecodeLeaf(std::string_view bytes) {
  if (bytes.size() > kMaxLeaf) return Malformed("leaf too long");
  ASSIGN_OR_RETURN(Leaf leaf, DecodeRecord<Leaf>(bytes));
  if (leaf.type.empty() || !IsPrintableAscii(leaf.type)) return Malformed("leaf without a type");
  if (leaf.day % kDayMs != 0) return Malformed("the time of a leaf is not a day");
  for (const auto& [name, value] : leaf.clear) {
    if (name.empty() || !IsPrintableAscii(name) || !IsPrintableAscii(value)) {
      return Malformed("a clear field of a leaf is not ASCII");
    }
  }
  for (const auto& [name, value] : leaf.commitments) {
    if (name.empty() || !IsPrintableAscii(name) || value.size() != Digest::kSize) {
      return Malformed("a commitment of a leaf has not 32 bytes");
    }
  }
  return leaf;
}

std::string Commit(std::string_view salt, std::string_view domain, std::string_view value) {
  COMITY_CHECK(salt.size() == kSaltSize);
  std::string bytes(salt);
  AppendSized(bytes, domain);
  AppendSized(bytes, value);
  return Sha256(bytes);
}

}  // namespace comity
