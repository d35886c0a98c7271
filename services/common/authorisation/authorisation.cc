#include "services/common/authorisation/authorisation.h"

#include <algorithm>

#include "services/common/authorisation/core_rules.h"
#include "services/common/crypto/digest.h"
#include "services/common/log/transparency_log.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

constexpr std::string_view kGrantLeafField = "grant";
constexpr std::string_view kCaseTag = "case_tag";

absl::Status Invalid(const std::string& cause) {
  return Refuse(Reason::kAuthorisationInvalid, cause);
}
absl::Status FourEyes(std::string_view cause) { return Refuse(Reason::kFourEyes, cause); }

// Whatever was wrong with a part of it, the answer is that the authorisation is invalid.
absl::Status Because(std::string_view part, const absl::Status& status) {
  return Invalid(std::string(part) + ": " + CauseOf(status));
}

// What one verification looks at, and what it has found so far.
struct Verification {
  const Authorisation& authorisation;
  const RegionId& region;
  const Topology& topology;
  const Roster& roster;
  UnixMillis now;
  AuthorisationCore core;
  Digest digest;

  absl::Status CheckPlace(const Envelope& envelope, std::string_view subject,
                          std::string_view part) const {
    if (envelope.deployment != topology.deployment() || envelope.region != region.name() ||
        envelope.subject != subject) {
      return Invalid(std::string(part) + ": for another deployment, region or case");
    }
    if (envelope.time > now + kAllowedClockSkew) {
      return Invalid(std::string(part) + ": its time has not come");
    }
    return absl::OkStatus();
  }

  // Signed by the roster person whose key the envelope names, with this very key.
  absl::StatusOr<const RosterPerson*> Signer(const Statement& statement, const Envelope& envelope,
                                             std::string_view part) const {
    const RosterPerson* person = roster.FindByKey(envelope.issuer);
    if (person == nullptr) return Invalid(std::string(part) + ": the signer is not in the roster");
    for (const std::string& spki : person->keys) {
      const absl::StatusOr<PublicKey> key = PublicKey::FromSpki(spki);
      if (!key.ok() || key->id() != envelope.issuer) continue;
      if (const absl::Status s = VerifySignedBy(statement, *key); !s.ok()) return Because(part, s);
      return person;
    }
    return Invalid(std::string(part) + ": the signer is not in the roster");
  }
};

absl::StatusOr<LegalRequest> VerifyRequest(const Verification& v) {
  const Statement& statement = v.authorisation.request;
  auto parsed = ParseStatement<LegalRequest>(statement);
  if (!parsed.ok()) return Because("request", parsed.status());
  if (statement.digest() != v.core.request) return Invalid("request: not the one of the core");
  RETURN_IF_ERROR(v.CheckPlace(parsed->envelope, "request", "request"));
  ASSIGN_OR_RETURN(const RosterPerson* agent, v.Signer(statement, parsed->envelope, "request"));
  if (!HasRole(*agent, PersonRole::kAgent)) return Invalid("request: the signer is no agent");
  if (agent->name != v.core.agent) return Invalid("request: of another agent");
  if (agent->organisation != parsed->body.authority) return Invalid("request: another authority");
  RETURN_IF_ERROR(internal::CheckRequestCovers(parsed->body, v.core));
  return std::move(parsed->body);
}

struct VerifiedApprovals {
  std::vector<Digest> digests;  // of the two statements, ascending
  UnixMillis later = 0;
  size_t authorised = 0;  // accounts on the approved list
};

absl::StatusOr<VerifiedApprovals> VerifyApprovals(const Verification& v) {
  if (v.authorisation.approvals.size() != 2) return FourEyes("two approvals are needed");
  VerifiedApprovals verified;
  std::vector<const RosterPerson*> persons;
  std::vector<Approval> bodies;
  for (const Statement& statement : v.authorisation.approvals) {
    auto parsed = ParseStatement<Approval>(statement);
    if (!parsed.ok()) return Because("approval", parsed.status());
    RETURN_IF_ERROR(v.CheckPlace(parsed->envelope, v.core.case_id, "approval"));
    ASSIGN_OR_RETURN(const RosterPerson* person, v.Signer(statement, parsed->envelope, "approval"));
    // Agents have no other role in any roster, so that an approver is never the agent.
    if (!HasRole(*person, PersonRole::kApprover)) return FourEyes("the signer is no approver");
    const Approval& body = parsed->body;
    if (body.approve != 1) return FourEyes("an approver disagrees");
    if (body.no_conflict != 1)
      return FourEyes("an approver has not declared to be without conflict");
    if (std::ranges::adjacent_find(body.authorisations, std::ranges::greater_equal{}) !=
        body.authorisations.end()) {
      return Invalid("approval: the list does not ascend");
    }
    if (!std::ranges::binary_search(body.authorisations, v.digest)) {
      return Invalid("approval: the list does not hold this authorisation");
    }
    verified.digests.push_back(statement.digest());
    verified.later = std::max(verified.later, parsed->envelope.time);
    verified.authorised = body.authorisations.size();
    persons.push_back(person);
    bodies.push_back(std::move(parsed->body));
  }
  // One person is one roster entry, however many keys.
  if (persons[0] == persons[1]) return FourEyes("one person approves twice");
  if (bodies[0].authorisations != bodies[1].authorisations ||
      bodies[0].generation != bodies[1].generation) {
    return Invalid("approval: the two approve different lists");
  }
  if (v.topology.review_rules(v.region).custody_operator_approves) {
    const std::string& custody =
        v.topology.FindRegion(v.region)->service(ServiceKind::kCustody).operator_name;
    if (persons[0]->enrolled_by != custody && persons[1]->enrolled_by != custody) {
      return FourEyes("no approver is enrolled by custody's operator");
    }
  }
  std::ranges::sort(verified.digests);
  return verified;
}

// Returns when the grant ends.
absl::StatusOr<UnixMillis> VerifyGrant(const Verification& v, const VerifiedApprovals& approvals) {
  ASSIGN_OR_RETURN(const PublicKey key,
                   v.topology.VerifyEndorsement(v.authorisation.endorsement, v.region,
                                                ServiceKind::kReview, v.now));
  const auto parsed = VerifyStatement<Grant>(v.authorisation.grant, key);
  if (!parsed.ok()) return Because("grant", parsed.status());
  RETURN_IF_ERROR(v.CheckPlace(parsed->envelope, v.core.case_id, "grant"));
  if (parsed->body.authorisation != v.digest) return Invalid("grant: for another authorisation");
  if (parsed->body.approvals != approvals.digests) return Invalid("grant: for other approvals");
  const UnixMillis expiry = parsed->envelope.expiry;
  if (expiry <= v.now) return Invalid("grant: expired");
  if (expiry > approvals.later + static_cast<int64_t>(v.core.lifetime_seconds) * kSecondMs) {
    return Invalid("grant: outlives the signed lifetime");
  }
  return expiry;
}

absl::Status VerifyLeaf(const Verification& v) {
  const Authorisation& a = v.authorisation;
  const absl::StatusOr<Leaf> leaf = DecodeLeaf(a.grant_leaf);
  if (!leaf.ok()) return Because("leaf", leaf.status());
  if (leaf->type != Grant::kType || leaf->region != v.region) return Invalid("leaf: another kind");
  if (std::ranges::any_of(leaf->clear, [](const auto& f) { return f.first != kCaseTag; })) {
    return Invalid("leaf: tells more than it may");
  }
  const auto grant = leaf->commitments.find(std::string(kGrantLeafField));
  const std::string domain = std::string(Grant::kType) + "/" + std::string(kGrantLeafField);
  if (grant == leaf->commitments.end() ||
      grant->second != Commit(v.digest.bytes(), domain, a.grant.digest().bytes())) {
    return Invalid("leaf: commits to another grant");
  }
  const std::optional<PublicKey>& log_key =
      v.topology.FindRegion(v.region)->service(ServiceKind::kReview).log_key;
  if (!log_key.has_value()) return Invalid("receipt: the topology has no log key");
  const absl::StatusOr<LogReceipt> receipt = ParseReceipt(a.grant_receipt);
  if (!receipt.ok()) return Because("receipt", receipt.status());
  if (const absl::Status s = VerifyReceipt(
          *receipt, a.grant_leaf, v.topology.LogOrigin(v.region, ServiceKind::kReview), *log_key);
      !s.ok()) {
    return Because("receipt", s);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<VerifiedAuthorisation> VerifyAuthorisation(const Authorisation& authorisation,
                                                          ServiceKind audience,
                                                          const RegionId& region,
                                                          const Topology& topology,
                                                          const Roster& roster, UnixMillis now) {
  if (topology.FindRegion(region) == nullptr || roster.region() != region) {
    return Invalid("no roster of the region");
  }
  if (authorisation.core.size() > kMaxAuthorisationCore) return Invalid("core: too long");
  absl::StatusOr<AuthorisationCore> core = DecodeRecord<AuthorisationCore>(authorisation.core);
  if (!core.ok()) return Because("core", core.status());
  Verification v{authorisation,         region, topology, roster, now, *std::move(core),
                 authorisation.digest()};
  RETURN_IF_ERROR(internal::CheckCore(v.core, audience, region, topology));
  ASSIGN_OR_RETURN(LegalRequest request, VerifyRequest(v));
  ASSIGN_OR_RETURN(const VerifiedApprovals approvals, VerifyApprovals(v));
  ASSIGN_OR_RETURN(const UnixMillis expiry, VerifyGrant(v, approvals));
  RETURN_IF_ERROR(VerifyLeaf(v));
  RETURN_IF_ERROR(
      internal::CheckRules(v.core, request, approvals.authorised, topology.review_rules(region)));
  VerifiedAuthorisation verified;
  verified.core_ = std::move(v.core);
  verified.digest_ = v.digest;
  verified.request_ = std::move(request);
  verified.expiry_ = expiry;
  return verified;
}

}  // namespace comity
