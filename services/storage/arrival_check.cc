#include "services/storage/arrival_check.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/storage/delivery_check.h"

namespace comity::storage {
namespace {

// The account's record and what changed it since, believed for the devices' signatures.
absl::StatusOr<std::vector<Statement>> VerifyHistory(const DeviceChain& chain,
                                                     const PrepareCommand& command) {
  std::vector<Statement> history;
  for (const Statement& statement : command.statements) {
    ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
    if (!IsNumberedDeviceType(envelope.type)) {
      return Refuse(Reason::kFieldInvalid, "no statement of type " + envelope.type + " here");
    }
    RETURN_IF_ERROR(VerifyDeviceHistory(chain, statement));
    history.push_back(statement);
  }
  if (std::ranges::find(history, *command.consent) == history.end()) {
    history.push_back(*command.consent);
  }
  return history;
}

}  // namespace

absl::StatusOr<VerifiedArrival> VerifyArrival(const Topology& topology, const RegionId& region,
                                              const RegionId& source, const PrepareCommand& command,
                                              UnixMillis now) {
  if (!topology.BorderAllows(source, region, ServiceKind::kStorage)) {
    return Refuse(Reason::kBorderClosed, "no edge from " + source.name());
  }
  if (!command.consent.has_value()) return Refuse(Reason::kConsentMissing);
  ASSIGN_OR_RETURN(DeviceChain chain, DeviceChain::Verify(command.account, command.chain));
  RETURN_IF_ERROR(chain.VerifyDeviceStatement(*command.consent));
  ASSIGN_OR_RETURN(auto consent, ParseStatement<Consent>(*command.consent));
  if (PlacementBefore(consent.body) != ResidentIn(source) || consent.body.destination != region) {
    return Refuse(Reason::kConsentVoid, "the consent is to another move");
  }
  if (consent.body.from_epoch >= command.epoch) {
    return Refuse(Reason::kConsentVoid, "the consent is of a later epoch");
  }
  if (!chain.Contains({consent.body.chain_number, consent.body.chain_hash})) {
    return Refuse(Reason::kChainBehind, "the chain is older than the consent");
  }
  ASSIGN_OR_RETURN(std::vector<Statement> history, VerifyHistory(chain, command));
  ASSIGN_OR_RETURN(const AccountView view, AccountView::Build(history));
  if (view.territory().empty()) {
    return Refuse(Reason::kFieldInvalid, "the account record is missing");
  }
  if (!view.consent().has_value() ||
      view.consent()->statement.digest() != command.consent->digest()) {
    return Refuse(Reason::kConsentVoid, "a later statement took the consent back");
  }
  RETURN_IF_ERROR(CheckConsent(topology, consent.envelope, consent.body, view.territory(), now));
  return VerifiedArrival{std::move(chain), *view.consent(), std::move(history)};
}

}  // namespace comity::storage
