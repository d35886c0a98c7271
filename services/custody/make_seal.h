#ifndef COMITY_CUSTODY_MAKE_SEAL_H_
#define COMITY_CUSTODY_MAKE_SEAL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "services/common/server/service_environment.h"
#include "services/common/topology/topology.h"
#include "services/custody/pkcs11_seal.h"
#include "services/custody/seal.h"

namespace comity::custody {

// The files of a custody's identity that guard its root key, by the kind of seal; and the root key
// itself, where that is its own guard (development).
inline constexpr char kShamirFile[] = "seal";
inline constexpr char kWrappedRootFile[] = "wrapped-root";
inline constexpr char kRootKeyFile[] = "root.key";

// Of which custody, and how it reaches what it needs.
struct SealPlace {
  const Topology& topology;
  RegionId region;
  std::string directory;  // of the service
  TokenAccess token;
  std::unique_ptr<RootMark> mark;  // for a token
};

// The seal that the topology names. TOPOLOGY_INVALID, STORE_UNAVAILABLE; NOT_DEVELOPMENT for a key
// file anywhere else.
absl::StatusOr<std::unique_ptr<Seal>> MakeSealAt(SealPlace place);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_MAKE_SEAL_H_
