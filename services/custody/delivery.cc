#include "services/custody/delivery.h"

#include <algorithm>
#include <array>

#include "services/common/statement/account.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/key_grant.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr auto kDeviceTypes = std::to_array<std::string_view>(
    {AccountRecord::kType, MetadataKey::kType, Consent::kType, Withdrawal::kType,
     TerritoryChange::kType, Close::kType, CancelClose::kType, ReadBack::kType});

// Made by a custody, or by storage about itself: news to the carrier, not to a custody.
constexpr auto kLeftOut = std::to_array<std::string_view>(
    {TransportKey::kType, KeyExport::kType, KeyReceipt::kType, KeyRotation::kType, KeyChange::kType,
     KeyGrantReceipt::kType, KeyVersionDestruction::kType, KeyDestruction::kType, KeyClosing::kType,
     KeyLocation::kType, DataDestruction::kType});

std::vector<ReadStatement>* ServiceList(std::string_view type, Delivery& delivery) {
  if (type == DataFence::kType) return &delivery.fences;
  if (type == DataManifest::kType) return &delivery.manifests;
  if (type == Release::kType) return &delivery.releases;
  if (type == Abort::kType) return &delivery.aborts;
  if (type == Activation::kType) return &delivery.activations;
  return nullptr;
}

}  // namespace

absl::StatusOr<Delivery> SortDelivery(const AccountId& account, const std::string& deployment,
                                      const std::vector<Statement>& statements) {
  Delivery delivery;
  std::vector<std::pair<uint64_t, Statement>> chain;
  for (const Statement& statement : statements) {
    ASSIGN_OR_RETURN(Envelope envelope, PeekEnvelope(statement));
    if (envelope.deployment != deployment) {
      return Refuse(Reason::kFieldInvalid, "a statement of another deployment");
    }
    if (envelope.type == Endorsement::kType) {
      delivery.endorsements.push_back(statement);
      continue;
    }
    if (envelope.subject != account.bytes()) {
      return Refuse(Reason::kFieldInvalid, "a statement about another account");
    }
    if (envelope.type == ChainEntry::kType) {
      chain.emplace_back(envelope.number, statement);
    } else if (std::ranges::find(kDeviceTypes, envelope.type) != kDeviceTypes.end()) {
      delivery.device.push_back({std::move(envelope), statement});
    } else if (std::vector<ReadStatement>* list = ServiceList(envelope.type, delivery);
               list != nullptr) {
      list->push_back({std::move(envelope), statement});
    } else if (std::ranges::find(kLeftOut, envelope.type) == kLeftOut.end()) {
      return Refuse(Reason::kStatementMalformed,
                    "custody takes no statement of type " + envelope.type);
    }
  }
  std::ranges::stable_sort(chain, {}, &std::pair<uint64_t, Statement>::first);
  for (auto& [number, entry] : chain) {
    delivery.chain.push_back(std::move(entry));
  }
  std::ranges::stable_sort(delivery.device, {},
                           [](const ReadStatement& s) { return s.envelope.number; });
  return delivery;
}

const Statement* FindEndorsementOf(const Statement& statement,
                                   const std::vector<Statement>& endorsements, const Site& site,
                                   const RegionId& region, ServiceKind kind) {
  for (const Statement& endorsement : endorsements) {
    absl::StatusOr<PublicKey> key =
        site.topology->VerifyEndorsement(endorsement, region, kind, site.Now());
    if (key.ok() && VerifySignedBy(statement, *key).ok()) {
      return &endorsement;
    }
  }
  return nullptr;
}

}  // namespace comity::custody
