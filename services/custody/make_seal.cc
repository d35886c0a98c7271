#include "services/custody/make_seal.h"

#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/keyfile_seal.h"
#include "services/custody/shamir_seal.h"

namespace comity::custody {

absl::StatusOr<std::unique_ptr<Seal>> MakeSealAt(SealPlace place) {
  const ServiceInfo& custody =
      place.topology.FindRegion(place.region)->service(ServiceKind::kCustody);
  const std::string identity = place.directory + "/identity/";
  if (custody.pkcs11_seal.has_value()) {
    return std::make_unique<Pkcs11Seal>(
        Pkcs11Seal::Options{.deployment = place.topology.deployment(),
                            .region = place.region,
                            .operator_name = custody.operator_name,
                            .labels = *custody.pkcs11_seal,
                            .record = identity + kWrappedRootFile,
                            .module = place.token.module,
                            .pin_file = place.token.pin_file,
                            .mark = std::move(place.mark)});
  }
  if (custody.shamir_seal.has_value()) {
    ASSIGN_OR_RETURN(std::unique_ptr<Seal> seal,
                     ShamirSeal::Load(identity + kShamirFile, place.topology, place.region));
    return seal;
  }
  if (!place.topology.development()) {
    return Refuse(Reason::kNotDevelopment, "a keyfile guards no root key outside development");
  }
  return std::make_unique<KeyfileSeal>(identity + kRootKeyFile);
}

}  // namespace comity::custody
