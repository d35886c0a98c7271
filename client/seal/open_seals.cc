#include "client/seal/open_seals.h"

#include <memory>
#include <utility>

#include "client/deployment/paths.h"
#include "client/person/person.h"
#include "client/seal/seal.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/topology.h"

namespace comity {
namespace {

namespace cpb = comity::custody::v1;

absl::StatusOr<bool> IsSealed(Session& session, const RegionId& region) {
  ASSIGN_OR_RETURN(
      const auto response,
      (session.Call<cpb::CustodyService, cpb::GetStatusRequest, cpb::GetStatusResponse>(
          region, ServiceKind::kCustody, &cpb::CustodyService::Stub::GetStatus,
          cpb::GetStatusRequest())));
  return response.status().sealed();
}

// Enters the share of one holder, as that person. Asks custody first which shares are in force.
absl::StatusOr<SealView> EnterAs(const std::string& directory, const RegionId& region,
                                 const std::string& name) {
  ASSIGN_OR_RETURN(const Person person, LoadPerson(directory, region.name() + "/" + name));
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::Open(directory, person.Tls()));
  ASSIGN_OR_RETURN(const SealView before, GetSeal(*session, region));
  RETURN_IF_ERROR(SettleShare(before, person.folder));
  ASSIGN_OR_RETURN(const SecretBytes share, ReadPrivateFile(person.folder + "/" + kSealShareFile));
  return EnterShare(*session, region, share);
}

absl::Status OpenOne(const std::string& directory, const RegionId& region,
                     const ShamirSealInfo& seal) {
  // Those of the topology may have no share yet, when it names others than before: custody knows.
  ASSIGN_OR_RETURN(const Person asking,
                   LoadPerson(directory, region.name() + "/" + seal.holders.front().person));
  ASSIGN_OR_RETURN(const std::unique_ptr<Session> session, Session::Open(directory, asking.Tls()));
  ASSIGN_OR_RETURN(const SealView sealed, GetSeal(*session, region));
  for (const ShareHolderView& holder : sealed.holders) {
    ASSIGN_OR_RETURN(const SealView view, EnterAs(directory, region, holder.person));
    if (!view.sealed) return absl::OkStatus();
  }
  return Refuse(Reason::kSealed, "the shares of all holders did not open it");
}

}  // namespace

absl::Status OpenSeals(Session& session, const std::function<void(const std::string&)>& progress) {
  for (const auto& [id, region] : session.topology().regions()) {
    const auto& seal = region.service(ServiceKind::kCustody).shamir_seal;
    if (!seal.has_value()) continue;
    if (!session.topology().development()) return Refuse(Reason::kNotDevelopment);
    ASSIGN_OR_RETURN(const bool sealed, IsSealed(session, id));
    if (!sealed) continue;
    RETURN_IF_ERROR(OpenOne(session.directory(), id, *seal));
    if (progress) {
      progress("custody of region " + id.name() + " opened with " +
               std::to_string(seal->threshold) + " of " + std::to_string(seal->holders.size()) +
               " shares");
    }
  }
  return absl::OkStatus();
}

}  // namespace comity
