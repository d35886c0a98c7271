#include "services/common/store/blob_names.h"

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kFieldInvalid, cause); }

bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

absl::Status CheckBlobName(std::string_view name) {
  if (name.size() > kMaxBlobNameBytes) return Invalid("a blob name is too long");
  // Component by component: nothing may step out of the store's folder.
  while (true) {
    const std::string_view component = name.substr(0, name.find('/'));
    if (component.empty()) return Invalid("a blob name has an empty component");
    if (component == "." || component == "..") return Invalid("a blob name has a dot component");
    for (char c : component) {
      if (!IsNameByte(c)) return Invalid("a blob name has a byte outside [a-z0-9./_-]");
    }
    if (component.size() == name.size()) return absl::OkStatus();
    name.remove_prefix(component.size() + 1);
  }
}

absl::Status CheckBlobBytes(std::string_view bytes) {
  if (bytes.empty()) return Invalid("a blob is empty");
  if (bytes.size() > kMaxBlobBytes) return Invalid("a blob is too large");
  return absl::OkStatus();
}

absl::Status CheckBlobList(std::string_view prefix, std::string_view cursor, size_t limit) {
  if (!prefix.empty()) {
    if (!prefix.ends_with('/')) return Invalid("a blob prefix does not end in a slash");
    RETURN_IF_ERROR(CheckBlobName(prefix.substr(0, prefix.size() - 1)));
  }
  if (cursor.size() > kMaxBlobNameBytes) return Invalid("a blob cursor is too long");
  if (limit < 1 || limit > kMaxBlobPageEntries) return Invalid("a page limit is out of range");
  return absl::OkStatus();
}

}  // namespace comity
