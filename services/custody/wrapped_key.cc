#include "services/custody/wrapped_key.h"

#include "services/common/status/check.h"

namespace comity::custody {
namespace {

std::string AssociatedData(std::string_view prefix, const AccountId& account,
                           const KeyContext& context) {
  const std::string encoded = context.Encode(account);
  std::string data;
  data.reserve(prefix.size() + encoded.size());
  return data.append(prefix).append(encoded);
}

}  // namespace

std::string WrapDataKey(const GcmSivKey& key, const AccountId& account, KeyVersion version,
                        const KeyContext& context, const SecretBytes& data_key) {
  COMITY_CHECK(data_key.size() == kDataKeySize);
  std::string wrapped = WrappedKeyPrefix({account, version});
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
