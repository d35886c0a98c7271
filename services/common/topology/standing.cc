#include "services/common/topology/standing.h"

#include <algorithm>
#include <set>
#include <utility>

#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr int64_t kLongestConsent = 90 * kDayMs;

// Where the rules want an account that is placed so: the home of today, else the next one that is
// announced; null when it is where it belongs.
const HomeInfo* FindTarget(const TerritoryInfo& territory, const Placement& place, UnixMillis now) {
  const HomeInfo& today = HomeAt(territory, now);
  if (PlacementOf(today) != place) return &today;
  return AnnouncedChange(territory, now);
}

// Data and keys move together, or keys to where the data is. Nothing else moves.
bool MovesTo(const Placement& place, const HomeInfo& target) {
  return target.resident() && (place.resident() || place.home == target.region);
}

// Who has to do with such an account: storage, custody, review of the data, and, where the keys are
// elsewhere, review there.
std::vector<std::string> OperatorsOf(const Topology& topology, const Placement& place) {
  const RegionInfo& home = *topology.FindRegion(place.home);
  const RegionInfo& keys = *topology.FindRegion(place.keys);
  std::vector<std::string> operators = {home.service(ServiceKind::kStorage).operator_name,
                                        keys.service(ServiceKind::kCustody).operator_name,
                                        home.service(ServiceKind::kReview).operator_name};
  if (!place.resident()) operators.push_back(keys.service(ServiceKind::kReview).operator_name);
  return operators;
}

// Who can compel any of them, sorted.
std::vector<std::string> CanCompelAny(const Topology& topology, const Placement& place) {
  if (place.resident()) return topology.CanCompelRegion(place.home);
  std::set<std::string> codes;
  for (const auto& [region, kind] :
       {std::pair(place.home, ServiceKind::kStorage), std::pair(place.home, ServiceKind::kReview),
        std::pair(place.keys, ServiceKind::kCustody),
        std::pair(place.keys, ServiceKind::kReview)}) {
    for (std::string& code : topology.CanCompel(region, kind)) codes.insert(std::move(code));
  }
  return {codes.begin(), codes.end()};
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

bool BorderIsOpen(const Topology& topology, const Placement& from, const RegionId& to) {
  return (from.home == to || topology.BorderAllows(from.home, to, ServiceKind::kStorage)) &&
         topology.BorderAllows(from.keys, to, ServiceKind::kCustody);
}

// Where an account is whose data is in `home`, under these policies.
std::optional<Placement> PlacementUnder(const std::vector<CustodyPolicy>& policies,
                                        const RegionId& home) {
  if (policies.size() != 1 || policies[0].regions.size() != 1) return std::nullopt;
  absl::StatusOr<RegionId> keys = RegionId::Create(policies[0].regions[0]);
  if (!keys.ok()) return std::nullopt;
  Placement place{home, *std::move(keys)};
  return place.resident() == (policies[0].mode == CustodyMode::kResident)
             ? std::make_optional(std::move(place))
             : std::nullopt;
}

// "live in eu", "live in eu, their keys in us"
std::string LiveIn(const Placement& place) {
  return "live in " + place.home.name() +
         (place.resident() ? "" : ", their keys in " + place.keys.name());
}

}  // namespace

CustodyPolicy PolicyOf(const Placement& place) {
  return {
      place.resident() ? CustodyMode::kResident : CustodyMode::kExclave, {place.keys.name()}, {}};
}

std::optional<Placement> PlacementOf(const AccountRecord& record) {
  return PlacementUnder(record.policy, record.home_region);
}

std::optional<Placement> PlacementBefore(const Consent& consent) {
  const bool exclave =
      consent.policy_before.size() == 1 && consent.policy_before[0].mode == CustodyMode::kExclave;
  return PlacementUnder(consent.policy_before, exclave ? consent.destination : consent.source);
}

bool MovesKeysAlone(const Consent& consent) {
  const std::optional<Placement> place = PlacementBefore(consent);
  return place.has_value() && !place->resident();
}

const HomeInfo& HomeAt(const TerritoryInfo& territory, UnixMillis now) {
  // The first home has no date, so that there always is one.
  const auto next = std::ranges::find_if(territory.homes.begin() + 1, territory.homes.end(),
                                         [&](const HomeInfo& home) { return home.from > now; });
  return *(next - 1);
}

const HomeInfo* AnnouncedChange(const TerritoryInfo& territory, UnixMillis now) {
  const Placement today = PlacementOf(HomeAt(territory, now));
  const auto next = std::ranges::find_if(territory.homes, [&](const HomeInfo& home) {
    return home.from > now && home.announced <= now && PlacementOf(home) != today;
  });
  return next == territory.homes.end() ? nullptr : &*next;
}

StandingResult DecideStanding(const Topology& topology, const AccountFacts& facts, UnixMillis now) {
  const TerritoryInfo& territory = topology.territory(facts.territory);
  const std::string subject = Subject(territory);
  StandingResult result;
  const Placement& place = facts.place;
  const HomeInfo* target = FindTarget(territory, place, now);
  const bool moves = target != nullptr && MovesTo(place, *target);
  if (moves) {
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
    return facts.moved ? is(Standing::kMoved, "the account has moved to " + place.home.name() +
                                                  ", where " + subject + " live")
                       : is(Standing::kStays, subject + " " + LiveIn(place));
  }
  if (!moves) {
    return is(Standing::kStays, subject + " " + LiveIn(PlacementOf(*target)) +
                                    "; data does not move without its keys");
  }

  std::string move = place.resident()
                         ? subject + " move from " + place.home.name()
                         : "the keys of " + subject + " move from " + place.keys.name();
  move += " to " + target->region.name();
  if (target->from != 0) move += " as of " + FormatDay(target->from);
  if (!BorderIsOpen(topology, place, target->region)) move += ", over no border that is open";
  const bool due = target->from <= now;
  if (facts.consent.has_value() && PlacementBefore(*facts.consent) == place &&
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
                                     const Placement& place, UnixMillis now) {
  if (topology.FindRegion(place.home) == nullptr || topology.FindRegion(place.keys) == nullptr) {
    return Refuse(Reason::kStateNotReady, "no such source region");
  }
  const HomeInfo* target = FindTarget(topology.territory(territory), place, now);
  if (target == nullptr) {
    return Refuse(Reason::kStateNotReady, "no move out of the region is due or announced");
  }
  if (!MovesTo(place, *target)) {
    return Refuse(Reason::kStateNotReady, "data does not move without its keys");
  }
  const Placement after = PlacementOf(*target);
  Consent consent;
  if (!target->terms.empty()) {
    const TermsInfo& terms = topology.terms().at(target->terms);
    consent.terms_version = terms.version;
    consent.terms_hash = terms.hash;
  }
  consent.source = place.keys;
  consent.destination = after.home;
  consent.operators_before = OperatorsOf(topology, place);
  consent.operators_after = OperatorsOf(topology, after);
  consent.policy_before = {PolicyOf(place)};
  consent.policy_after = {PolicyOf(after)};
  consent.can_compel_before = CanCompelAny(topology, place);
  consent.can_compel_after = CanCompelAny(topology, after);
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

  constexpr std::string_view kOther = "does not say what the topology computes for this move";
  const std::optional<Placement> place = PlacementBefore(consent);
  if (!place.has_value()) return is_void(kOther);
  const absl::StatusOr<Consent> draft = DraftConsent(topology, territory, *place, now);
  if (!draft.ok()) return is_void(CauseOf(draft.status()));
  const HomeInfo& target = *FindTarget(topology.territory(territory), *place, now);
  if (consent.destination != target.region) return is_void("to another region than the rules say");
  if (!SaysTheSame(consent, *draft)) {
    return is_void(kOther);
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
