#include "services/custody/move_rules.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/custody/account_rules.h"
#include "services/custody/key_versions.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

// Attempts that were called off use up epochs; nobody needs more of them than this.
constexpr AccountEpoch kMaxEpochGap = 1'024;

absl::StatusOr<RegionId> RegionOf(const ReadStatement& read) {
  absl::StatusOr<RegionId> region = RegionId::Create(read.envelope.region);
  return region.ok() ? region
                     : Refuse(Reason::kStatementMalformed, "the statement names no region");
}

// The key is back in a region that may still hold its earlier copy: one copy is enough.
absl::Status EraseEarlierCopy(const Site& site, Plan& plan) {
  const AccountEpoch epoch = plan.after.epoch;
  const std::vector<std::string> erased = EraseKeys(plan.after, epoch, site.Now());
  if (erased.empty()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(
      Statement destruction,
      site.Sign(plan.after.id, KeyDestruction{epoch, erased, site.Now(), 0, std::nullopt}));
  plan.leaves.push_back({std::string(kLeafDestruction), destruction.digest()});
  KeepDestruction(plan.after, epoch, std::move(destruction));
  return absl::OkStatus();
}

// Why an undecided move has to end in ABORTED, if it has to.
std::optional<AbortReason> ReasonToAbort(const Account& account, const Topology& topology,
                                         const RegionId& region, UnixMillis now) {
  const Outgoing& move = *account.outgoing;
  const Statement* statement = FindStatement(account, move.consent);
  const std::optional<KnownConsent> in_force = ConsentInForce(account);
  const bool known = statement != nullptr;
  if (known && (!in_force.has_value() || in_force->statement.digest() != move.consent)) {
    return AbortReason::kWithdrawn;
  }
  if (now - move.fenced_at >= kDecisionPeriodMs) {
    return AbortReason::kTimeout;
  }
  if (!known) {
    return std::nullopt;  // it may still be on its way, until the time is over
  }
  const bool allowed =
      in_force->consent.destination == move.destination && !account.fork.has_value() &&
      topology.BorderAllows(region, move.destination, ServiceKind::kCustody) &&
      // The device that consented may have been revoked since.
      account.chain->VerifyDeviceStatement(in_force->statement).ok() &&
      CheckConsent(topology, in_force->envelope, in_force->consent, account.territory, now).ok();
  return allowed ? std::nullopt : std::make_optional(AbortReason::kRulesChanged);
}

MoveStep DecideMove(const Account& account, const Topology& topology, const RegionId& region,
                    UnixMillis now) {
  using Kind = MoveStep::Kind;
  const Outgoing& move = *account.outgoing;
  if (const auto reason = ReasonToAbort(account, topology, region, now); reason.has_value()) {
    return {Kind::kAbort, *reason};
  }
  const bool copied = move.keys_alone() ||
                      (move.source_manifest.has_value() && move.destination_manifest.has_value());
  if (FindStatement(account, move.consent) == nullptr || !copied) {
    return {};
  }
  if (!move.sent.has_value()) {
    return {Kind::kExport};
  }
  return {move.receipt.has_value() ? Kind::kRelease : Kind::kImport};
}

}  // namespace

std::optional<UnixMillis> KeyMoveTime(const Account& account, const Topology& topology,
                                      const RegionId& region, UnixMillis now) {
  const Placement place = PlaceOf(account, region);
  if (account.presence != Presence::kActive || place.resident() || account.deciding() ||
      account.closing.has_value() || account.fork.has_value()) {
    return std::nullopt;
  }
  const std::optional<KnownConsent> consent = ConsentInForce(account);
  if (!consent.has_value() || PlacementBefore(consent->consent) != place ||
      !topology.BorderAllows(region, place.home, ServiceKind::kCustody) ||
      !account.chain->VerifyDeviceStatement(consent->statement).ok() ||
      !CheckConsent(topology, consent->envelope, consent->consent, account.territory, now,
                    ConsentUse::kRecord)
           .ok()) {
    return std::nullopt;
  }
  UnixMillis time = DecideStanding(topology, FactsOf(account, region), now).scheduled_time;
  if (account.outgoing.has_value() && account.outgoing->consent == consent->statement.digest()) {
    time = std::max(time, account.outgoing->fenced_at + kKeyMoveRetryMs);
  }
  return time;
}

MoveStep DecideNextStep(const Account& account, const Topology& topology, const RegionId& region,
                        UnixMillis now) {
  using Kind = MoveStep::Kind;
  if (account.deciding()) {
    const MoveStep step = DecideMove(account, topology, region, now);
    if (step.kind != Kind::kNothing) {
      return step;
    }
  }
  const auto due = [now](const std::optional<UnixMillis>& time) {
    return time.has_value() && *time <= now;
  };
  // What needs nobody else comes first: a peer that cannot be reached puts off no
  // destruction.
  const bool released = account.presence == Presence::kReleased && account.released();
  const bool told = released && account.outgoing->activation.has_value();
  if (told && HoldsKeysOf(account, account.epoch) && SourceDestroyTime(account) <= now) {
    return {Kind::kDestroySource};
  }
  if (account.presence == Presence::kActive && account.closing.has_value() &&
      account.closing->destroy_time <= now) {
    return {Kind::kDestroyClosed};
  }
  if (due(NextVersionDestruction(account))) {
    return {Kind::kDestroyVersions};
  }
  if (!account.untold_aborts.empty()) {
    return {Kind::kTellAbort};
  }
  if (released && !told) {
    return {Kind::kTellRelease};
  }
  if (due(KeyMoveTime(account, topology, region, now))) {
    return {Kind::kBeginKeyMove};
  }
  // Last, because it has to wait while custody is sealed.
  return {due(NextRotationTime(account, topology, region, now)) ? Kind::kRotate : Kind::kNothing};
}

bool NeedsPeer(MoveStep::Kind kind) {
  switch (kind) {
    case MoveStep::Kind::kBeginKeyMove:
    case MoveStep::Kind::kExport:
    case MoveStep::Kind::kImport:
    case MoveStep::Kind::kTellAbort:
    case MoveStep::Kind::kTellRelease:
      return true;
    case MoveStep::Kind::kNothing:
    case MoveStep::Kind::kAbort:
    case MoveStep::Kind::kRelease:
    case MoveStep::Kind::kDestroySource:
    case MoveStep::Kind::kDestroyClosed:
    case MoveStep::Kind::kDestroyVersions:
    case MoveStep::Kind::kRotate:
      return false;
  }
  return false;
}

absl::Status ApplyFence(const Site& site, const Delivery& delivery, const ReadStatement& fence,
                        Plan& plan) {
  ASSIGN_OR_RETURN(const auto parsed,
                   VerifyFromService<DataFence>(fence.statement, delivery.endorsements, site,
                                                site.region, ServiceKind::kStorage, plan.after.id));
  const DataFence& body = parsed.body;
  Account& account = plan.after;
  const bool same = account.outgoing.has_value() && account.outgoing->epoch == body.epoch;
  if (same && (account.outgoing->decision.has_value() ||
               account.outgoing->manifest_root == body.manifest_root)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CheckServed(account.presence));
  if (!PlaceOf(account, site.region).resident()) {
    return Refuse(Reason::kRulesForbid, "the data of the account is in another region");
  }
  const AccountEpoch over = std::max(account.epoch, account.last_decided);
  if (body.epoch <= over) {
    return Refuse(Reason::kStatementSuperseded);
  }
  if (body.epoch - over > kMaxEpochGap) {
    return Refuse(Reason::kFieldInvalid, "an account epoch far ahead");
  }
  if (account.deciding() && !same) {
    return Refuse(Reason::kStateNotReady, "another move of the account is not decided yet");
  }
  if (same && (body.consent != account.outgoing->consent ||
               body.destination != account.outgoing->destination)) {
    return Refuse(Reason::kStatementSuperseded);
  }
  if (same) {
    // The same move, fenced anew over other data: what was said about the old data is void.
    account.outgoing->source_manifest.reset();
    account.outgoing->destination_manifest.reset();
  } else {
    account.outgoing.emplace();
    account.outgoing->epoch = body.epoch;
    account.outgoing->destination = body.destination;
    account.outgoing->consent = body.consent;
    account.outgoing->fenced_at = site.Now();
  }
  account.outgoing->manifest_root = body.manifest_root;
  account.outgoing->fence = fence.statement;
  plan.changed = true;
  return absl::OkStatus();
}

absl::Status ApplyManifest(const Site& site, const Delivery& delivery,
                           const ReadStatement& manifest, Plan& plan) {
  if (!plan.after.deciding()) {
    return absl::OkStatus();
  }
  Outgoing& move = *plan.after.outgoing;
  ASSIGN_OR_RETURN(const RegionId region, RegionOf(manifest));
  const bool source = region == site.region;
  if (!source && region != move.destination) {
    return Refuse(Reason::kFieldInvalid, "a manifest of a region that is no part of the move");
  }
  ASSIGN_OR_RETURN(const auto parsed,
                   VerifyFromService<DataManifest>(manifest.statement, delivery.endorsements, site,
                                                   region, ServiceKind::kStorage, plan.after.id));
  if (parsed.body.epoch != move.epoch) {
    return absl::OkStatus();
  }
  std::optional<Statement>& mine = source ? move.source_manifest : move.destination_manifest;
  const std::optional<Statement>& other = source ? move.destination_manifest : move.source_manifest;
  bool equal = parsed.body.root == move.manifest_root;
  if (other.has_value()) {
    ASSIGN_OR_RETURN(const auto there, ParseStatement<DataManifest>(*other));
    equal = equal && there.body.versions == parsed.body.versions &&
            there.body.bytes == parsed.body.bytes;
  }
  if (!equal) {
    return Refuse(Reason::kStateNotReady, "the manifests are not equal");
  }
  if (!mine.has_value()) {
    mine = manifest.statement;
    plan.changed = true;
  }
  return absl::OkStatus();
}

absl::Status ApplyPeerActivation(const Site& site, const std::vector<Statement>& endorsements,
                                 const Statement& activation, Plan& plan) {
  Account& account = plan.after;
  if (!account.released() || account.outgoing->activation.has_value()) {
    return absl::OkStatus();
  }
  Outgoing& move = *account.outgoing;
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(activation));
  if (envelope.region != move.destination.name()) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto parsed,
                   VerifyFromService<Activation>(activation, endorsements, site, move.destination,
                                                 ServiceKind::kCustody, account.id));
  if (parsed.body.epoch != move.epoch || parsed.body.release != move.decision->statement.digest()) {
    return Refuse(Reason::kStateNotReady, "an activation of another release");
  }
  const Statement* endorsement =
      FindEndorsementOf(activation, endorsements, site, move.destination, ServiceKind::kCustody);
  move.activation = Endorsed{activation, *endorsement};
  move.activated_at = site.Now();
  plan.changed = true;
  return absl::OkStatus();
}

absl::Status ApplyRelease(const Site& site, const Delivery& delivery, const ReadStatement& release,
                          Plan& plan) {
  Account& account = plan.after;
  ASSIGN_OR_RETURN(const RegionId source, RegionOf(release));
  if (source == site.region) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto parsed,
                   VerifyFromService<Release>(release.statement, delivery.endorsements, site,
                                              source, ServiceKind::kCustody, account.id));
  const Release& body = parsed.body;
  if (!account.incoming.has_value()) {
    return account.epoch >= body.epoch
               ? absl::OkStatus()
               : Refuse(Reason::kStateNotReady, "the released keys did not arrive here");
  }
  const Incoming& incoming = *account.incoming;
  if (incoming.source != source || incoming.epoch != body.epoch ||
      body.destination != site.region || body.consent != incoming.consent ||
      body.receipt != incoming.receipt.digest()) {
    return Refuse(Reason::kStateNotReady, "a release of other keys than those that arrived");
  }

  RETURN_IF_ERROR(EraseEarlierCopy(site, plan));
  for (KeyRecord& key : account.keys) {
    if (key.epoch == incoming.epoch) {
      key.state = KeyState::kActive;
    }
  }
  Activation activation;
  activation.epoch = incoming.epoch;
  activation.chain_number = account.chain->head().number;
  activation.chain_hash = account.chain->head().hash;
  activation.newest_version = NewestVersion(account);
  activation.metadata_public_key = account.metadata_public_key;
  activation.release = release.statement.digest();
  ASSIGN_OR_RETURN(account.activation, site.Sign(account.id, activation));
  plan.leaves.push_back({std::string(kLeafActivation), account.activation->digest()});
  account.presence = Presence::kActive;
  account.epoch = incoming.epoch;
  account.data_region.reset();  // whatever arrives is where its data is
  account.outgoing.reset();
  account.incoming.reset();
  plan.changed = true;
  return absl::OkStatus();
}

absl::Status ApplyAbort(const Site& site, const Delivery& delivery, const ReadStatement& abort,
                        Plan& plan) {
  Account& account = plan.after;
  ASSIGN_OR_RETURN(const RegionId source, RegionOf(abort));
  if (source == site.region) {
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const auto parsed,
                   VerifyFromService<Abort>(abort.statement, delivery.endorsements, site, source,
                                            ServiceKind::kCustody, account.id));
  const AccountEpoch epoch = parsed.body.epoch;
  if (account.aborted_incoming[source] >= epoch) {
    return absl::OkStatus();
  }
  account.aborted_incoming[source] = epoch;
  plan.changed = true;
  if (!account.incoming.has_value() || account.incoming->source != source ||
      account.incoming->epoch > epoch) {
    return absl::OkStatus();
  }
  const AccountEpoch imported = account.incoming->epoch;
  const std::vector<std::string> erased = EraseKeys(account, imported, site.Now());
  ASSIGN_OR_RETURN(
      Statement destruction,
      site.Sign(account.id, KeyDestruction{imported, erased, site.Now(), 0, std::nullopt}));
  plan.leaves.push_back({std::string(kLeafDestruction), destruction.digest()});
  KeepDestruction(account, imported, std::move(destruction));
  std::erase_if(account.keys, [&](const KeyRecord& key) { return key.epoch == imported; });
  account.incoming.reset();
  if (account.presence == Presence::kNone) {
    // Nothing of a stranger's account stays but the certificate.
    account.chain.reset();
    account.statements.clear();
    account.metadata_public_key.clear();
    account.territory.clear();
    account.min_unwrap_version = 1;
    account.rotation_days = 0;
  }
  return absl::OkStatus();
}

}  // namespace comity::custody
