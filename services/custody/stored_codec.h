#ifndef COMITY_CUSTODY_STORED_CODEC_H_
#define COMITY_CUSTODY_STORED_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/custody/account.h"
#include "services/custody/key_sealer.h"

// The bytes of proto/comity/custody/store/v1/store.proto. Decoding refuses (DATA_CORRUPT) another
// format, an unknown enum value and everything that could not have been written.
namespace comity::custody {

// All but history, version and sealed bytes.
std::string EncodeAccountRecord(const Account& account);
absl::Status DecodeAccountRecord(std::string_view bytes, Account& account);

std::string EncodeAccountHistory(const Account& account);
// `account.id` is set. Verifies the chain against it, but for the signatures when `keys` are there
// and account.chain_vouch, which is set before, vouches for it.
absl::Status DecodeAccountHistory(std::string_view bytes, const KeySealer* keys, Account& account);

// One grant, under its id. DATA_CORRUPT also when what it says is not signed as it stands there.
std::string EncodeGrant(const GrantRecord& grant);
absl::StatusOr<GrantRecord> DecodeGrant(const GrantId& id, std::string_view bytes);
std::string EncodeDecision(const Decision& decision);
std::string EncodeLeafOpening(const LeafOpening& opening);

std::string EncodeLegalUse(const LegalUse& use);
absl::StatusOr<LegalUse> DecodeLegalUse(const Digest& authorisation, std::string_view bytes);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_STORED_CODEC_H_
