#include "services/custody/wrapped_key.h"

#include "services/common/status/check.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr char kFormat = 1;
constexpr char kAesGcmSiv = 1;

std::string AssociatedData(std::string_view prefix, const AccountId& account,
                           const KeyContext& context) {
  const std::string encoded = context.Encode(account);
  std::string data;
  data.reserve(prefix.size() + encoded.size());
  return data.append(prefix).append(encoded);
}

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

std::string WrapDataKey(const GcmSivKey& key, const AccountId& account, KeyVersion version,
                        const KeyContext& context, const SecretBytes& data_key) {
  COMITY_CHECK(data_key.size() == kDataKeySize);
  std::string wrapped;
  wrapped.reserve(kWrappedKeySize);
  wrapped.push_back(kFormat);
  wrapped.push_back(kAesGcmSiv);
  wrapped.append(account.bytes());
  for (int shift = 24; shift >= 0; shift -= 8) {
    wrapped.push_back(static_cast<char>((version >> shift) & 0xff));
  }
  wrapped.append(key.Seal(data_key, AssociatedData(wrapped, account, context)));
  return wrapped;
}

absl::StatusOr<SecretBytes> OpenWrappedKey(const GcmSivKey& key, const AccountId& account,
                                           const KeyContext& context, std::string_view wrapped) {
  COMITY_CHECK(wrapped.size() == kWrappedKeySize);
  const std::string_view prefix = wrapped.substr(0, kWrappedKeyPrefixSize);
  return key.Open(wrapped.substr(kWrappedKeyPrefixSize), AssociatedData(prefix, account, context));
}

}  // namespace comity::custody
