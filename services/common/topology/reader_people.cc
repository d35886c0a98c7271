#include <algorithm>
#include <map>
#include <set>

#include "services/common/status/macros.h"
#include "services/common/topology/reader_rules.h"

// Review rules, and the people of the first rosters.
namespace comity::internal {
namespace {

namespace pb = comity::topology::v1;

std::optional<PersonRole> RoleFromProto(pb::Role role) {
  switch (role) {
    case pb::ROLE_AGENT:
      return PersonRole::kAgent;
    case pb::ROLE_REVIEWER:
      return PersonRole::kReviewer;
    case pb::ROLE_APPROVER:
      return PersonRole::kApprover;
    case pb::ROLE_LAWYER:
      return PersonRole::kLawyer;
    case pb::ROLE_OPERATOR_PERSON:
      return PersonRole::kOperatorPerson;
    default:
      return std::nullopt;
  }
}

bool Has(const std::vector<PersonRole>& roles, PersonRole role) {
  return std::ranges::find(roles, role) != roles.end();
}

bool Operates(const RegionInfo& region, const std::string& name) {
  return std::ranges::any_of(region.services,
                             [&](const auto& s) { return s.second.operator_name == name; });
}

absl::StatusOr<std::vector<PersonRole>> ReadRoles(const pb::Person& person, const Place& here,
                                                  const std::string& subject) {
  std::vector<PersonRole> roles;
  for (int i = 0; i < person.roles_size(); ++i) {
    const std::optional<PersonRole> role = RoleFromProto(person.roles(i));
    if (!role.has_value()) return here.Broken("roles", subject + ": no such role", i);
    if (Has(roles, *role)) return here.Broken("roles", subject + ": has a role twice", i);
    roles.push_back(*role);
  }
  if (roles.empty()) return here.Broken("roles", subject + ": needs a role");
  if (roles.size() > 1 &&
      (Has(roles, PersonRole::kAgent) || Has(roles, PersonRole::kOperatorPerson))) {
    return here.Broken("roles", subject + ": agents and operator persons have no other role");
  }
  return roles;
}

absl::StatusOr<PersonTemplate> ReadPerson(const pb::Person& person, const Place& here,
                                          const TopologyData& data) {
  const std::string subject = "person " + Quote(person.name()) + " of " + Quote(person.region());
  const RegionInfo* region = FindRegion(data, person.region());
  if (region == nullptr) {
    return here.Broken("region", subject + ": no such region " + Quote(person.region()));
  }
  if (!IsName(person.name())) {
    return here.Broken("name", subject + ": a name is 1 to 32 of a-z, 0-9 and -");
  }
  PersonTemplate info{region->id, person.name(), {}, person.organisation(), person.enrolled_by()};
  ASSIGN_OR_RETURN(info.roles, ReadRoles(person, here, subject));
  const bool agent = Has(info.roles, PersonRole::kAgent);
  const bool operator_person = Has(info.roles, PersonRole::kOperatorPerson);
  if (agent && !IsName(info.organisation)) {
    return here.Broken("organisation", subject + ": an agent's organisation is its authority");
  }
  if (operator_person && !Operates(*region, info.organisation)) {
    return here.Broken("organisation", subject + ": " + Quote(info.organisation) +
                                           " operates no service of the region");
  }
  if (!agent && !operator_person) {
    if (!info.organisation.empty()) {
      return here.Broken("organisation",
                         subject + ": reviewers and approvers belong to no organisation");
    }
    if (!Operates(*region, info.enrolled_by)) {
      return here.Broken("enrolled_by", subject + ": enrolled_by " + Quote(info.enrolled_by) +
                                            ": no such operator in the region");
    }
  } else if (!info.enrolled_by.empty() && !data.operators.contains(info.enrolled_by)) {
    return here.Broken("enrolled_by",
                       subject + ": enrolled_by " + Quote(info.enrolled_by) + ": no such operator");
  }
  return info;
}

// Enough persons for two to sign, and for one of them to be custody's where that is the rule.
absl::Status CheckApprovers(const pb::Topology& file, const Place& place,
                            const TopologyData& data) {
  std::map<RegionId, std::vector<const PersonTemplate*>> approvers;
  for (const PersonTemplate& person : data.people) {
    std::vector<const PersonTemplate*>& of_region = approvers[person.region];
    if (Has(person.roles, PersonRole::kApprover)) of_region.push_back(&person);
  }
  for (const auto& [region, persons] : approvers) {
    int last = 0;
    for (int i = 0; i < file.people_size(); ++i) {
      if (file.people(i).region() == region.name()) last = i;
    }
    if (persons.size() < 2) {
      return place.Broken("people",
                          "people of " + Quote(region.name()) + ": two approvers at least", last);
    }
    const auto rules = data.review_rules.find(region);
    if (rules == data.review_rules.end() || !rules->second.custody_operator_approves) continue;
    const std::string& custody =
        data.regions.at(region).service(ServiceKind::kCustody).operator_name;
    const auto enrolled_by_custody = std::ranges::count_if(
        persons, [&](const PersonTemplate* p) { return p->enrolled_by == custody; });
    if (enrolled_by_custody == 0) {
      return place.Broken("people",
                          "people of " + Quote(region.name()) + ": no approver is enrolled by " +
                              Quote(custody) + ", as custody_operator_approves asks",
                          last);
    }
  }
  return absl::OkStatus();
}

// The holders of a seal are operator persons of custody's operator, in its region.
absl::Status CheckSealHolders(const pb::Topology& file, const Place& place,
                              const TopologyData& data) {
  for (int i = 0; i < file.regions_size(); ++i) {
    const RegionInfo& region = *FindRegion(data, file.regions(i).name());
    const ServiceInfo& custody = region.service(ServiceKind::kCustody);
    if (!custody.shamir_seal.has_value()) continue;
    for (const SealHolderInfo& holder : custody.shamir_seal->holders) {
      const bool fits = std::ranges::any_of(data.people, [&](const PersonTemplate& person) {
        return person.region == region.id && person.name == holder.person &&
               Has(person.roles, PersonRole::kOperatorPerson) &&
               person.organisation == custody.operator_name;
      });
      if (!fits) {
        return place.Of("regions", i)
            .Broken("services", "custody of " + Quote(region.id.name()) + ": " +
                                    Quote(holder.person) + " is no operator person of " +
                                    Quote(custody.operator_name) + " there");
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadReviewRules(const pb::Topology& file, const Place& place, TopologyData& data) {
  for (int i = 0; i < file.review_rules_size(); ++i) {
    const pb::ReviewRules& rules = file.review_rules(i);
    const Place here = place.Of("review_rules", i);
    const std::string subject = "review_rules of " + Quote(rules.region());
    const RegionInfo* region = FindRegion(data, rules.region());
    if (region == nullptr) return here.Broken("region", subject + ": no such region");
    ReviewRulesInfo info;
    struct Number {
      std::string_view field;
      uint32_t value;
      uint32_t max;
      uint32_t* out;
    };
    const Number numbers[] = {
        {"notice_days", rules.notice_days(), 365, &info.notice_days},
        {"authorisation_hours", rules.authorisation_hours(), 720, &info.authorisation_hours},
        {"cap_content", rules.cap_content(), 1'000, &info.cap_content},
        {"cap_records", rules.cap_records(), 1'000, &info.cap_records},
        {"cap_subscriber", rules.cap_subscriber(), 1'000, &info.cap_subscriber},
        {"max_range_days", rules.max_range_days(), 3'660, &info.max_range_days},
        {"bulk_window_days", rules.bulk_window_days(), 366, &info.bulk_window_days},
        {"standard_days", rules.standard_days(), 365, &info.standard_days},
        {"clarification_days", rules.clarification_days(), 365, &info.clarification_days},
    };
    for (const Number& number : numbers) {
      if (number.value > number.max) {
        return here.Broken(number.field, subject + ": " + std::string(number.field) +
                                             " is at most " + std::to_string(number.max));
      }
      if (number.value != 0) *number.out = number.value;
    }
    info.custody_operator_approves = rules.custody_operator_approves();
    if (!data.review_rules.emplace(region->id, info).second) {
      return here.Broken("region", subject + ": listed twice");
    }
  }
  return absl::OkStatus();
}

absl::Status ReadPeople(const pb::Topology& file, const Place& place, TopologyData& data) {
  std::set<std::pair<RegionId, std::string>> names;
  for (int i = 0; i < file.people_size(); ++i) {
    const Place here = place.Of("people", i);
    ASSIGN_OR_RETURN(PersonTemplate person, ReadPerson(file.people(i), here, data));
    if (!names.emplace(person.region, person.name).second) {
      return here.Broken("name", "person " + Quote(person.name) + " of " +
                                     Quote(person.region.name()) + ": listed twice");
    }
    data.people.push_back(std::move(person));
  }
  RETURN_IF_ERROR(CheckSealHolders(file, place, data));
  return CheckApprovers(file, place, data);
}

}  // namespace comity::internal
