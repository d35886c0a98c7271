#include "services/storage/account_rules.h"

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

bool IsMoving(const AccountSnapshot& account) {
  return account.move.has_value() && account.move->step < MoveStep::kCutOver &&
         !account.move->finished;
}

const ConsentEntry* ConsentInForce(const Topology& topology, const RegionId& region,
                                   const AccountSnapshot& account, UnixMillis now) {
  const std::optional<ConsentEntry>& entry = account.view.consent();
  if (!entry.has_value() || PlacementBefore(entry->consent) != PlaceOf(region, account) ||
      entry->consent.from_epoch != account.info.epoch) {
    return nullptr;
  }
  const bool counts = CheckConsent(topology, entry->envelope, entry->consent,
                                   account.view.territory(), now, ConsentUse::kRecord)
                          .ok();
  return counts ? &*entry : nullptr;
}

Placement PlaceOf(const RegionId& home, const AccountSnapshot& account) {
  // Whatever has moved since the account record is where its data is.
  const bool exclave = account.info.epoch == 1 && account.view.keys_elsewhere().has_value();
  return exclave ? Placement{home, *account.view.keys_elsewhere()} : ResidentIn(home);
}

AccountFacts FactsOf(const Topology& topology, const RegionId& region,
                     const AccountSnapshot& account, UnixMillis now) {
  AccountFacts facts;
  facts.territory = account.view.territory();
  facts.place = PlaceOf(account.info.serving, account);
  facts.notified = account.info.notified_time != 0;
  facts.in_migration = IsMoving(account) || account.incoming.has_value();
  facts.moved = account.info.epoch > 1;
  facts.closing =
      account.view.open_close().has_value() || account.info.state == AccountState::kClosed;
  if (const ConsentEntry* consent = ConsentInForce(topology, region, account, now)) {
    facts.consent = consent->consent;
  }
  return facts;
}

StandingResult StandingOf(const Topology& topology, const RegionId& region,
                          const AccountSnapshot& account, UnixMillis now) {
  return DecideStanding(topology, FactsOf(topology, region, account, now), now);
}

absl::Status CheckMayMove(const Topology& topology, const RegionId& region,
                          const AccountSnapshot& account, const MoveRecord& move, UnixMillis now) {
  const std::optional<ConsentEntry>& entry = account.view.consent();
  if (!entry.has_value()) {
    return Refuse(Reason::kConsentMissing, "no consent, or it was taken back");
  }
  // Where the keys are in another region, no data moves.
  if (entry->statement.digest() != move.consent ||
      PlacementBefore(entry->consent) != ResidentIn(region) ||
      PlaceOf(region, account) != ResidentIn(region) ||
      entry->consent.from_epoch != account.info.epoch) {
    return Refuse(Reason::kConsentVoid, "the consent of this move is not the one in force");
  }
  RETURN_IF_ERROR(CheckConsent(topology, entry->envelope, entry->consent, account.view.territory(),
                               now, ConsentUse::kMove));
  if (!topology.BorderAllows(region, move.destination, ServiceKind::kStorage)) {
    return Refuse(Reason::kBorderClosed, "no edge to " + move.destination.name());
  }
  return absl::OkStatus();
}

absl::Status CheckServed(const AccountSnapshot& account) {
  switch (account.info.state) {
    case AccountState::kActive:
      break;
    case AccountState::kIncoming:
    case AccountState::kMoved:
      return Refuse(Reason::kAccountNotHere);
    case AccountState::kClosed:
      return Refuse(Reason::kAccountClosing, "closed");
  }
  if (account.fence.has_value()) return Refuse(Reason::kAccountFenced);
  return absl::OkStatus();
}

absl::Status CheckWritable(const Topology& topology, const RegionId& region,
                           const AccountSnapshot& account, UnixMillis now) {
  RETURN_IF_ERROR(CheckServed(account));
  switch (StandingOf(topology, region, account, now).standing) {
    case Standing::kClosing:
      return Refuse(Reason::kAccountClosing);
    case Standing::kSuspended:
      return Refuse(Reason::kAccountSuspended);
    case Standing::kStays:
    case Standing::kToBeNotified:
    case Standing::kWaitingForTerms:
    case Standing::kEligible:
    case Standing::kAccepted:
    case Standing::kInMigration:
    case Standing::kMoved:
      return absl::OkStatus();
  }
  return Refuse(Reason::kInternal, "no such standing");
}

bool IsReadBack(const AccountSnapshot& account) {
  const auto& readback = account.view.readback();
  return account.info.state == AccountState::kMoved && readback.has_value() &&
         readback->body.epoch == account.info.epoch;
}

bool MayDestroySource(const AccountSnapshot& account, UnixMillis now) {
  return IsReadBack(account) ||
         (account.info.state == AccountState::kMoved && now >= account.info.destroy_time);
}

absl::StatusOr<AccountEpoch> EpochBeforeMove(const AccountSnapshot& account) {
  for (const Statement& statement : account.history) {
    if (!account.move.has_value() || statement.digest() != account.move->consent) continue;
    ASSIGN_OR_RETURN(const auto consent, ParseStatement<Consent>(statement));
    return consent.body.from_epoch;
  }
  return Refuse(Reason::kInternal, "the consent of the move is not kept");
}

std::optional<UnixMillis> NextDue(const AccountSnapshot& account) {
  const AccountInfo& info = account.info;
  if (info.erasing.has_value()) return 0;  // a crash came in between
  if (account.incoming.has_value()) {
    const IncomingRecord& incoming = *account.incoming;
    if (incoming.void_consent) return 0;
    if (incoming.confirmed_root.has_value()) return std::nullopt;  // custody decides
    return incoming.consent_expiry;
  }
  switch (info.state) {
    case AccountState::kActive:
      if (account.view.open_close().has_value()) return account.view.close_destroy_time();
      return std::nullopt;
    case AccountState::kMoved:
      return info.data_here ? std::optional(info.destroy_time) : std::nullopt;
    case AccountState::kClosed:
      return info.data_here ? std::optional<UnixMillis>(0) : std::nullopt;
    case AccountState::kIncoming:
      return 0;  // nothing is coming any more: to be forgotten
  }
  return std::nullopt;
}

}  // namespace comity::storage
