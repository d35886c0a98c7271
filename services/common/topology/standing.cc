#include "services/common/topology/standing.h"

#include <algorithm>

#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr int64_t kLongestConsent = 90 * kDayMs;

// Where the rules want an account that is served by `home`: the home of today, else the next one
// that is announced; null when it is where it belongs.
const HomeInfo* FindTarget(const TerritoryInfo& territory, const RegionId& home, UnixMillis now) {
  const HomeInfo& today = HomeAt(territory, now);
  if (today.region != home) return &today;
  return AnnouncedChange(territory, now);
}

std::vector<std::string> OperatorsOf(const RegionInfo& region) {
  return {region.service(ServiceKind::kStorage).operator_name,
          region.service(ServiceKind::kCustody).operator_name,
          region.service(ServiceKind::kReview).operator_name};
}

CustodyPolicy ResidentIn(const RegionId& region) {
  return {CustodyMode::kResident, {region.name()}, {}};
}

// Says the same as another consent, but for epoch and chain head.
bool SaysTheSame(Consent a, const Consent& b) {
  a.from_epoch = b.from_epoch;
  a.chain_number = b.chain_number;
  a.chain_hash = b.chain_hash;
  return EncodeRecord(a) == EncodeRecord(b);
}

std::string Subject(const TerritoryInfo& territory) {
  return "accounts of " + (territory.code == "*" ? "this territory" : territory.title);
}

bool BorderIsOpen(const Topology& topology, const RegionId& from, const RegionId& to) {
  return topology.BorderAllows(from, to, ServiceKind::kStorage) &&
         topology.BorderAllows(from, to, ServiceKind::kCustody);
}

}  // namespace

const HomeInfo& HomeAt(const TerritoryInfo& territory, UnixMillis now) {
  // The first home has no date, so that there always is one.
  const auto next = std::ranges::find_if(territory.homes.begin() + 1, territory.homes.end(),
                                         [&](const HomeInfo& home) { return home.from > now; });
  return *(next - 1);
}

const HomeInfo* AnnouncedChange(const TerritoryInfo& territory, UnixMillis now) {
  const RegionId& today = HomeAt(territory, now).region;
  const auto next = std::ranges::find_if(territory.homes, [&](const HomeInfo& home) {
    return home.from > now && home.announced <= now && home.region != today;
  });
  return next == territory.homes.end() ? nullptr : &*next;
}

StandingResult DecideStanding(const Topology& topology, const AccountFacts& facts, UnixMillis now) {
  const TerritoryInfo& territory = topology.territory(facts.territory);
  const std::string subject = Subject(territory);
  StandingResult result;
  const HomeInfo* target = FindTarget(territory, facts.home, now);
  if (target != nullptr) {
    result.scheduled_region = target->region;
    result.scheduled_time = target->from;
    result.terms = target->terms;
    result.window_end = target->window_end;
  }
  const auto is = [&](Standing standing, std::string reason) {
    result.standing = standing;
    result.reason = std::move(reason);
    return result;
  };

  if (facts.closing) return is(Standing::kClosing, "the account is closing");
  if (facts.in_migration) return is(Standing::kInMigration, "the account is being moved");
  if (target == nullptr) {
    return facts.moved ? is(Standing::kMoved, "the account has moved to " + facts.home.name() +
                                                  ", where " + subject + " live")
                       : is(Standing::kStays, subject + " live in " + facts.home.name());
  }

  std::string move = subject + " move from " + facts.home.name() + " to " + target->region.name();
  if (target->from != 0) move += " as of " + FormatDay(target->from);
  if (!BorderIsOpen(topology, facts.home, target->region)) move += ", over no border that is open";
  const bool due = target->from <= now;
  if (facts.consent.has_value() && facts.consent->source == facts.home &&
      facts.consent->destination == target->region) {
    return due ? is(Standing::kEligible, move + "; consented")
               : is(Standing::kAccepted, move + "; consented, and the date has not come");
  }
  if (due && target->window_end != 0 && now >= target->window_end) {
    return is(Standing::kSuspended,
              move + "; neither accepted nor closed by " + FormatDay(target->window_end));
  }
  if (!facts.notified) return is(Standing::kToBeNotified, move + "; the owner is to be told");
  return is(Standing::kWaitingForTerms,
            move + (target->terms.empty() ? "; the owner has not consented"
                                          : "; the owner has not accepted " + target->terms));
}

absl::StatusOr<Consent> DraftConsent(const Topology& topology, std::string_view territory,
                                     const RegionId& source, UnixMillis now) {
  const RegionInfo* before = topology.FindRegion(source);
  if (before == nullptr) return Refuse(Reason::kStateNotReady, "no such source region");
  const HomeInfo* target = FindTarget(topology.territory(territory), source, now);
  if (target == nullptr) {
    return Refuse(Reason::kStateNotReady, "no move out of the region is due or announced");
  }
  const RegionInfo& after = *topology.FindRegion(target->region);
  Consent consent;
  if (!target->terms.empty()) {
    const TermsInfo& terms = topology.terms().at(target->terms);
    consent.terms_version = terms.version;
    consent.terms_hash = terms.hash;
  }
  consent.source = source;
  consent.destination = target->region;
  consent.operators_before = OperatorsOf(*before);
  consent.operators_after = OperatorsOf(after);
  consent.policy_before = {ResidentIn(source)};
  consent.policy_after = {ResidentIn(target->region)};
  consent.can_compel_before = topology.CanCompelRegion(source);
  consent.can_compel_after = topology.CanCompelRegion(target->region);
  return consent;
}

absl::Status CheckConsent(const Topology& topology, const Envelope& envelope,
                          const Consent& consent, std::string_view territory, UnixMillis now,
                          ConsentUse use) {
  const auto is_void = [](std::string_view cause) { return Refuse(Reason::kConsentVoid, cause); };
  if (envelope.deployment != topology.deployment()) return is_void("for another deployment");
  if (envelope.expiry <= now) return is_void("expired");
  if (envelope.expiry - envelope.time > kLongestConsent) return is_void("valid for over 90 days");
  if (envelope.time > now + kAllowedClockSkew) return is_void("signed in the future");

  const absl::StatusOr<Consent> draft = DraftConsent(topology, territory, consent.source, now);
  if (!draft.ok()) return is_void(CauseOf(draft.status()));
  const HomeInfo& target = *FindTarget(topology.territory(territory), consent.source, now);
  if (consent.destination != target.region) return is_void("to another region than the rules say");
  if (!SaysTheSame(consent, *draft)) {
    return is_void("does not say what the topology computes for this move");
  }
  if (envelope.time < target.announced) return is_void("signed before the announcement");
  if (target.window_end != 0 && envelope.time >= target.window_end) {
    return is_void("signed after the window");
  }
  if (use == ConsentUse::kMove && target.from > now) {
    return Refuse(Reason::kStateNotReady, "nothing moves before " + FormatDay(target.from));
  }
  return absl::OkStatus();
}

}  // namespace comity
