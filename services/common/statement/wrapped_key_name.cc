#include "services/common/statement/wrapped_key_name.h"

#include <cstdint>

#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kFormat = 1;
constexpr char kAesGcmSiv = 1;

}  // namespace

absl::StatusOr<WrappedKeyName> ParseWrappedKey(std::string_view wrapped) {
  if (wrapped.size() != kWrappedKeySize || wrapped[0] != kFormat || wrapped[1] != kAesGcmSiv) {
    return Refuse(Reason::kDataCorrupt, "not a wrapped key of a known format");
  }
  WrappedKeyName name;
  name.account = *AccountId::FromBytes(wrapped.substr(2, AccountId::kSize));
  for (const char c : wrapped.substr(2 + AccountId::kSize, sizeof(KeyVersion))) {
    name.version = (name.version << 8) | static_cast<uint8_t>(c);
  }
  return name;
}

std::string WrappedKeyPrefix(const WrappedKeyName& name) {
  std::string prefix;
  prefix.reserve(kWrappedKeySize);  // the rest follows
  prefix.push_back(kFormat);
  prefix.push_back(kAesGcmSiv);
  prefix.append(name.account.bytes());
  for (int shift = 24; shift >= 0; shift -= 8) {
    prefix.push_back(static_cast<char>((name.version >> shift) & 0xff));
  }
  return prefix;
}

}  // namespace comity
