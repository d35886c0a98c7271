#include "services/common/topology/roster.h"

#include <algorithm>
#include <set>

#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr int64_t kDelay = 72 * kHourMs;
constexpr size_t kMaxKeysOfPerson = 16;

absl::Status Invalid(const std::string& cause) { return Refuse(Reason::kSignatureInvalid, cause); }

bool Operates(const RegionInfo& region, const std::string& name) {
  return std::ranges::any_of(region.services,
                             [&](const auto& s) { return s.second.operator_name == name; });
}

absl::Status CheckSigners(const Statement& statement, const RegionInfo& region,
                          const Topology& topology) {
  for (const ServiceKind kind : {ServiceKind::kReview, ServiceKind::kCustody}) {
    const std::string& name = region.service(kind).operator_name;
    const std::optional<PublicKey>& key = topology.operators().at(name).key;
    if (!key.has_value() || !VerifySignedBy(statement, *key).ok()) {
      return Invalid("roster without the signature of operator " + name);
    }
  }
  return absl::OkStatus();
}

// Who decides must not operate, and who asks must not decide.
absl::Status CheckRoles(const RosterPerson& person, const RegionInfo& region) {
  if (person.roles.empty()) return Invalid("a person of the roster has no role");
  std::set<PersonRole> roles(person.roles.begin(), person.roles.end());
  if (roles.size() != person.roles.size()) return Invalid("a person has a role twice");
  const bool agent = roles.contains(PersonRole::kAgent);
  const bool operator_person = roles.contains(PersonRole::kOperatorPerson);
  if ((agent || operator_person) && roles.size() != 1) {
    return Invalid("an agent or operator person has another role");
  }
  if (agent && person.organisation.empty()) return Invalid("an agent without an authority");
  if (operator_person && !Operates(region, person.organisation)) {
    return Invalid("an operator person of no operator of the region");
  }
  if (!agent && !operator_person && !Operates(region, person.enrolled_by)) {
    return Invalid("a reviewer or approver enrolled by no operator of the region");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Roster> Roster::Verify(const Statement& statement, const RegionId& region,
                                      const Topology& topology) {
  ASSIGN_OR_RETURN(auto parsed, ParseStatement<RosterStatement>(statement));
  const Envelope& envelope = parsed.envelope;
  const RegionInfo* info = topology.FindRegion(region);
  if (info == nullptr) return Invalid("roster of a region that does not exist");
  if (envelope.deployment != topology.deployment()) return Invalid("roster of another deployment");
  if (envelope.region != region.name()) return Invalid("roster of another region");
  if (envelope.subject != "roster" || envelope.number == 0) return Invalid("roster without number");
  RETURN_IF_ERROR(CheckSigners(statement, *info, topology));

  Roster roster;
  roster.number_ = envelope.number;
  roster.effective_time_ = envelope.number == 1 ? 0 : envelope.time + kDelay;
  roster.region_ = region;
  std::set<std::string> names;
  for (size_t i = 0; i < parsed.body.persons.size(); ++i) {
    const RosterPerson& person = parsed.body.persons[i];
    if (person.name.empty() || !names.insert(person.name).second) {
      return Invalid("two persons of the roster share a name, or one has none");
    }
    RETURN_IF_ERROR(CheckRoles(person, *info));
    if (person.keys.empty() || person.keys.size() > kMaxKeysOfPerson) {
      return Invalid("a person of the roster has no key, or too many");
    }
    for (const std::string& spki : person.keys) {
      const absl::StatusOr<PublicKey> key = PublicKey::FromSpki(spki);
      if (!key.ok() || key->algorithm() != SignatureAlgorithm::kEcdsaP256) {
        return Invalid("a key of the roster is not a P-256 key");
      }
      roster.keys_.emplace_back(key->id(), i);
    }
  }
  std::ranges::sort(roster.keys_);
  // One key in two hands would let one person pass for two.
  if (std::ranges::adjacent_find(roster.keys_, {}, [](const auto& k) { return k.first; }) !=
      roster.keys_.end()) {
    return Invalid("a key stands twice in the roster");
  }
  roster.persons_ = std::move(parsed.body.persons);
  return roster;
}

const RosterPerson* Roster::FindByKey(const SigningKeyId& key) const {
  const auto found =
      std::ranges::lower_bound(keys_, key, {}, [](const auto& k) { return k.first; });
  return found == keys_.end() || found->first != key ? nullptr : &persons_[found->second];
}

const RosterPerson* Roster::FindByName(std::string_view name) const {
  const auto found = std::ranges::find(persons_, name, &RosterPerson::name);
  return found == persons_.end() ? nullptr : &*found;
}

bool HasRole(const RosterPerson& person, PersonRole role) {
  return std::ranges::find(person.roles, role) != person.roles.end();
}

}  // namespace comity
