#include "services/storage/account_opening.h"

#include <algorithm>
#include <utility>

#include "services/common/statement/custody.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/storage/service_statements.h"

namespace comity::storage {
namespace {

absl::StatusOr<DeviceChain> VerifyChain(const Topology& topology,
                                        const std::vector<Statement>& entries) {
  if (entries.empty()) return Refuse(Reason::kFieldInvalid, "the device chain is missing");
  ASSIGN_OR_RETURN(const Envelope first, PeekEnvelope(entries.front()));
  absl::StatusOr<AccountId> account = AccountId::FromBytes(first.subject);
  if (!account.ok()) return Refuse(Reason::kStatementMalformed, "subject is no account id");
  ASSIGN_OR_RETURN(DeviceChain chain, DeviceChain::Verify(*account, entries));
  if (chain.deployment() != topology.deployment()) {
    return Refuse(Reason::kSignatureInvalid, "the device chain is of another deployment");
  }
  return chain;
}

absl::Status CheckHome(const Topology& topology, const RegionId& region,
                       const AccountRecord& record, const Placement& place, UnixMillis now) {
  const HomeInfo& home = HomeAt(topology.territory(record.territory), now);
  if (place.home != region || home.region != region) {
    return Refuse(Reason::kRulesForbid, "the home of this territory is " + home.region.name());
  }
  if (home.keys != place.keys) {
    return Refuse(Reason::kRulesForbid,
                  "the keys of this territory are kept in " + home.keys.name());
  }
  if (!home.terms.empty() &&
      record.accepted_terms != std::optional(topology.terms().at(home.terms).hash)) {
    return Refuse(Reason::kRulesForbid, "the terms " + home.terms + " are not accepted");
  }
  return absl::OkStatus();
}

absl::StatusOr<Placement> ReadPolicy(const Topology& topology, const AccountRecord& record) {
  std::optional<Placement> place = PlacementOf(record);
  if (!place.has_value()) {
    return Refuse(
        Reason::kFieldInvalid,
        "one policy, of one custody: resident keys are in the home region, exclave keys in "
        "another one");
  }
  for (const std::string& refuge : record.policy[0].refuge_regions) {
    if (topology.FindRegion(refuge) == nullptr) {
      return Refuse(Reason::kFieldInvalid, "no such refuge region");
    }
  }
  return *std::move(place);
}

}  // namespace

absl::StatusOr<VerifiedOpening> VerifyOpening(const Topology& topology, const RegionId& region,
                                              const CreateCommand& command, UnixMillis now) {
  ASSIGN_OR_RETURN(DeviceChain chain, VerifyChain(topology, command.chain));
  RETURN_IF_ERROR(chain.VerifyDeviceStatement(command.record));
  ASSIGN_OR_RETURN(auto record, ParseStatement<AccountRecord>(command.record));
  if (record.envelope.number != 1) {
    return Refuse(Reason::kFieldInvalid, "the account record has number 1");
  }
  if (!chain.Contains({record.body.chain_number, record.body.chain_hash})) {
    return Refuse(Reason::kChainBehind, "the account record names another chain");
  }
  ASSIGN_OR_RETURN(const Placement place, ReadPolicy(topology, record.body));
  RETURN_IF_ERROR(CheckHome(topology, region, record.body, place, now));

  if (command.activations.size() != 1) {
    return Refuse(Reason::kFieldInvalid, "one activation for each custody of the policy");
  }
  ServiceStatements services(topology, now);
  services.Offer(command.endorsements);
  ASSIGN_OR_RETURN(const auto activation,
                   services.Verify<Activation>(command.activations[0], place.keys,
                                               ServiceKind::kCustody, chain.account()));
  if (activation.body.epoch != 1 || !activation.body.release.IsZero() ||
      activation.body.newest_version == 0) {
    return Refuse(Reason::kFieldInvalid, "not the activation of a new account");
  }
  if (!chain.Contains({activation.body.chain_number, activation.body.chain_hash})) {
    return Refuse(Reason::kChainBehind, "the activation is about another chain");
  }

  RETURN_IF_ERROR(chain.VerifyDeviceStatement(command.metadata_key));
  ASSIGN_OR_RETURN(const auto metadata, ParseStatement<MetadataKey>(command.metadata_key));
  if (metadata.body.public_key != activation.body.metadata_public_key) {
    return Refuse(Reason::kFieldInvalid, "the metadata key is not the one that custody made");
  }
  if (metadata.envelope.number <= record.envelope.number) {
    return Refuse(Reason::kFieldInvalid, "the metadata key's number does not follow the record's");
  }

  std::vector<Statement> history = {command.record, command.activations[0]};
  if (const Statement* vouches = services.EndorsementOf(activation.envelope.issuer)) {
    history.push_back(*vouches);
  }
  history.push_back(command.metadata_key);
  return VerifiedOpening{std::move(chain), std::move(record.body), std::move(history)};
}

}  // namespace comity::storage
