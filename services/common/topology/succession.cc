#include "services/common/topology/succession.h"

#include <algorithm>
#include <set>

#include "services/common/status/macros.h"

namespace comity {
namespace {

absl::Status Invalid(const std::string& cause) { return Refuse(Reason::kTopologyInvalid, cause); }

bool Same(const std::optional<PublicKey>& a, const std::optional<PublicKey>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || a->spki() == b->spki());
}

bool Same(const OperatorInfo& a, const OperatorInfo& b) {
  return a.name == b.name && a.title == b.title && a.home_jurisdictions == b.home_jurisdictions &&
         a.overseers == b.overseers && Same(a.key, b.key);
}

bool Same(const ServiceInfo& a, const ServiceInfo& b) {
  return a.kind == b.kind && a.operator_name == b.operator_name && a.address == b.address &&
         a.log_url == b.log_url && Same(a.log_key, b.log_key) && a.shamir_seal == b.shamir_seal &&
         a.pkcs11_seal == b.pkcs11_seal;
}

bool Same(const RegionInfo& a, const RegionInfo& b) {
  return a.title == b.title && a.jurisdiction == b.jurisdiction &&
         a.root_certificate == b.root_certificate &&
         std::ranges::equal(a.services, b.services, [](const auto& x, const auto& y) {
           return x.first == y.first && Same(x.second, y.second);
         });
}

bool Same(const HomeInfo& a, const HomeInfo& b) {
  return a.region == b.region && a.from == b.from && a.announced == b.announced &&
         a.window_end == b.window_end && a.terms == b.terms && a.keys == b.keys;
}

bool Same(const TermsInfo& a, const TermsInfo& b) {
  return a.version == b.version && a.title == b.title && a.hash == b.hash;
}

bool Same(const ReviewRulesInfo& a, const ReviewRulesInfo& b) {
  return a.notice_days == b.notice_days && a.authorisation_hours == b.authorisation_hours &&
         a.cap_content == b.cap_content && a.cap_records == b.cap_records &&
         a.cap_subscriber == b.cap_subscriber && a.max_range_days == b.max_range_days &&
         a.bulk_window_days == b.bulk_window_days && a.standard_days == b.standard_days &&
         a.clarification_days == b.clarification_days &&
         a.custody_operator_approves == b.custody_operator_approves;
}

bool Same(const PersonTemplate& a, const PersonTemplate& b) {
  return a.region == b.region && a.name == b.name && a.roles == b.roles &&
         a.organisation == b.organisation && a.enrolled_by == b.enrolled_by;
}

bool Same(const std::string& a, const std::string& b) { return a == b; }

// Every entry of `after` stands in `before` unchanged.
template <typename Map>
absl::Status NothingNew(const Map& before, const Map& after, const std::string& what) {
  for (const auto& [name, value] : after) {
    const auto found = before.find(name);
    if (found == before.end() || !Same(found->second, value)) {
      return Invalid("adds or changes " + what);
    }
  }
  return absl::OkStatus();
}

bool OperatesIn(const std::set<std::string>& names, const RegionInfo& region) {
  return std::ranges::any_of(region.services,
                             [&](const auto& s) { return names.contains(s.second.operator_name); });
}

absl::Status CheckTerritories(const Topology& before, const Topology& after) {
  for (const auto& [code, territory] : after.territories()) {
    if (!before.territories().contains(code)) return Invalid("adds a territory");
  }
  // What is left of each: the homes in regions that are left, unchanged.
  for (const auto& [code, territory] : before.territories()) {
    std::vector<HomeInfo> left;
    std::ranges::copy_if(territory.homes, std::back_inserter(left), [&](const HomeInfo& home) {
      return after.FindRegion(home.region) != nullptr && after.FindRegion(home.keys) != nullptr;
    });
    const auto found = after.territories().find(code);
    const bool equal = found == after.territories().end()
                           ? left.empty()
                           : std::ranges::equal(found->second.homes, left,
                                                [](auto& a, auto& b) { return Same(a, b); });
    if (!equal) return Invalid("changes the homes of territory \"" + code + "\"");
  }
  return absl::OkStatus();
}

absl::Status CheckPeople(const Topology& before, const Topology& after) {
  std::vector<PersonTemplate> left;
  std::ranges::copy_if(before.people(), std::back_inserter(left), [&](const PersonTemplate& p) {
    return after.FindRegion(p.region) != nullptr;
  });
  if (!std::ranges::equal(left, after.people(), [](auto& a, auto& b) { return Same(a, b); })) {
    return Invalid("changes people");
  }
  return absl::OkStatus();
}

absl::Status CheckBorders(const Topology& before, const Topology& after) {
  for (const auto& [from, from_info] : after.regions()) {
    for (const auto& [to, to_info] : after.regions()) {
      for (const ServiceKind kind :
           {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
        if (after.BorderAllows(from, to, kind) && !before.BorderAllows(from, to, kind)) {
          return Invalid("opens a border from \"" + from.name() + "\" to \"" + to.name() + "\"");
        }
      }
    }
  }
  return absl::OkStatus();
}

// `missing`: operators of `before` who have not signed.
absl::Status CheckOnlyTakesAway(const Topology& before, const Topology& after,
                                const std::set<std::string>& missing) {
  if (before.title() != after.title() || before.development() != after.development() ||
      before.test_clock_start() != after.test_clock_start() ||
      before.log_quorum() != after.log_quorum()) {
    return Invalid("changes the head");
  }
  RETURN_IF_ERROR(NothingNew(before.jurisdictions(), after.jurisdictions(), "jurisdictions"));
  RETURN_IF_ERROR(NothingNew(before.operators(), after.operators(), "operators"));
  RETURN_IF_ERROR(NothingNew(before.regions(), after.regions(), "regions"));
  RETURN_IF_ERROR(NothingNew(before.terms(), after.terms(), "terms"));
  for (const auto& [name, op] : before.operators()) {
    if (!after.operators().contains(name) && !missing.contains(name)) {
      return Invalid("takes away operator \"" + name + "\", who has signed");
    }
  }
  for (const auto& [id, region] : before.regions()) {
    if (after.FindRegion(id) == nullptr && !OperatesIn(missing, region)) {
      return Invalid("takes away region \"" + id.name() + "\", whose operators have all signed");
    }
  }
  for (const auto& [id, region] : after.regions()) {
    if (!Same(before.review_rules(id), after.review_rules(id))) {
      return Invalid("changes the review rules of \"" + id.name() + "\"");
    }
  }
  RETURN_IF_ERROR(CheckTerritories(before, after));
  RETURN_IF_ERROR(CheckPeople(before, after));
  return CheckBorders(before, after);
}

// The operators of `topology` whose signature is not there.
std::set<std::string> MissingSigners(const Topology& topology, const Statement& signature) {
  std::set<std::string> missing;
  for (const auto& [name, op] : topology.operators()) {
    if (!op.key.has_value() || !VerifySignedBy(signature, *op.key).ok()) missing.insert(name);
  }
  return missing;
}

std::string Join(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

absl::Status CheckTopologySignature(const Topology& topology, const Statement& signature) {
  const auto parsed = ParseStatement<TopologySignature>(signature);
  if (!parsed.ok()) return Invalid("the signature is not a statement of type operator.topology");
  const Envelope& envelope = parsed->envelope;
  if (envelope.deployment != topology.deployment() || envelope.subject != "topology" ||
      envelope.number != topology.serial()) {
    return Invalid("the signature is for another deployment or serial");
  }
  if (parsed->body.file_digest != topology.digest()) {
    return Invalid("the signature is for another content of the file");
  }
  const std::set<std::string> missing = MissingSigners(topology, signature);
  if (!missing.empty()) return Invalid("the signature is missing of operator " + Join(missing));
  return absl::OkStatus();
}

absl::Status CheckSuccession(const Topology& before, const Topology& after,
                             const Statement& signature) {
  RETURN_IF_ERROR(CheckTopologySignature(after, signature));
  if (after.deployment() != before.deployment()) return Invalid("is of another deployment");
  if (after.serial() <= before.serial()) {
    return Invalid("serial " + std::to_string(after.serial()) + " does not follow " +
                   std::to_string(before.serial()));
  }
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<TopologySignature>(signature));
  if (parsed.body.previous_digest != before.digest()) {
    return Invalid("the signature names another predecessor");
  }
  const std::set<std::string> missing = MissingSigners(before, signature);
  if (missing.empty()) return absl::OkStatus();
  if (const absl::Status only = CheckOnlyTakesAway(before, after, missing); !only.ok()) {
    return Invalid(CauseOf(only) + " without the signature of operator " + Join(missing));
  }
  return absl::OkStatus();
}

}  // namespace comity
