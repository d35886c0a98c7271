#ifndef COMITY_CUSTODY_LEAVES_H_
#define COMITY_CUSTODY_LEAVES_H_

#include <string>
#include <string_view>

#include "services/common/ids/ids.h"
#include "services/custody/account.h"
#include "services/custody/site.h"

// Leaves of a custody's log. Those about accounts have no clear field: what they tell is in
// commitments, each with a salt of its own. Those about the seal name it.
namespace comity::custody {

inline constexpr std::string_view kLeafCreated = "key.created";
inline constexpr std::string_view kLeafRotation = "key.rotation";
inline constexpr std::string_view kLeafChange = "key.change";
inline constexpr std::string_view kLeafGrant = "key.grant";
inline constexpr std::string_view kLeafGrantRevocation = "key.grant-revocation";
inline constexpr std::string_view kLeafVersionDestruction = "key.version-destruction";
inline constexpr std::string_view kLeafClosing = "key.closing";
inline constexpr std::string_view kLeafCancelled = "key.closing-cancelled";
inline constexpr std::string_view kLeafExport = "key.export";
inline constexpr std::string_view kLeafImport = "key.import";
inline constexpr std::string_view kLeafRelease = "key.release";
inline constexpr std::string_view kLeafAbort = "key.abort";
inline constexpr std::string_view kLeafActivation = "key.activation";
inline constexpr std::string_view kLeafDestruction = "key.destruction";
inline constexpr std::string_view kLeafLegalUse = "legal.use";
inline constexpr std::string_view kLeafUnsealed = "custody.unsealed";
inline constexpr std::string_view kLeafRenewed = "custody.lease-renewed";
inline constexpr std::string_view kLeafSealed = "custody.sealed";
inline constexpr std::string_view kLeafRotationBegun = "custody.root-rotation-begun";
inline constexpr std::string_view kLeafRootRotated = "custody.root-rotated";

// The next leaf of an account's life. Commitments: "account"; "statement" (the digest of what the
// act signs); "chain" (u64 number of the leaf || hash of the leaf before), so that whoever has the
// openings sees a gap.
LeafOpening MakeLifecycleLeaf(const Site& site, const Account& account, std::string_view type,
                              const Digest& about);

// A legal use. Commitments: "account", "authorisation". Not chained: a gap would break a lawful
// bar.
LeafOpening MakeLegalUseLeaf(const Site& site, const AccountId& account,
                             const Digest& authorisation);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_LEAVES_H_
