#ifndef COMITY_CUSTODY_WRAPPED_KEY_H_
#define COMITY_CUSTODY_WRAPPED_KEY_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/crypto/aead.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/custody/key_context.h"

// Wraps of data keys, made and opened (services/common/statement/wrapped_key_name.h has their
// form). Associated data: their first 26 bytes, then the context's canonical record.
namespace comity::custody {

// `data_key` has kDataKeySize bytes (CHECK).
std::string WrapDataKey(const GcmSivKey& key, const AccountId& account, KeyVersion version,
                        const KeyContext& context, const SecretBytes& data_key);
// `wrapped` parses and names this account. DATA_CORRUPT for every failure to open.
absl::StatusOr<SecretBytes> OpenWrappedKey(const GcmSivKey& key, const AccountId& account,
                                           const KeyContext& context, std::string_view wrapped);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_WRAPPED_KEY_H_
