#include "tests/testing/authorisation.h"

#include <algorithm>

#include "services/common/crypto/digest.h"
#include "services/common/log/merkle.h"
#include "services/common/log/transparency_log.h"
#include "services/common/statement/leaf.h"

namespace comity {

TestAuthorisation::TestAuthorisation(const TestDeployment& deployment, const AccountId& account,
                                     std::vector<ContentId> contents, UnixMillis now,
                                     std::string_view region)
    : deployment_(deployment),
      region_(region),
      agent_(region == "cn" ? "agent-lin" : "agent-miller"),
      now_(now),
      recipient_(GenerateX25519()) {
  const RegionId id = TestDeployment::Region(region);
  request.authority = region == "cn" ? "guiyang-police" : "us-attorney";
  request.case_reference = "2018-17";
  request.instrument = InstrumentType::kWarrant;
  request.instrument_hash = Sha256Digest("warrant");
  request.instrument_issued = now - kDayMs;
  request.instrument_expiry = now + 30 * kDayMs;
  request.legal_basis = "a provision";
  request.ground = "a ground";
  request.targets = {id.name() + "/" + account.ToString()};
  request.classes = {DataClass::kC4, DataClass::kC5};
  request.begin_time = now - 60 * kDayMs;
  request.end_time = now;
  request.recipient_key = recipient_.public_key;

  core.deployment = deployment.topology().deployment();
  core.region = id;
  core.case_id = id.name() + "-201803-0a-aaaaaaaaaaaaaaaa";
  core.account = account;
  core.agent = agent_;
  core.recipient_key = recipient_.public_key;
  core.audiences = {"storage", "custody"};
  core.classes = {DataClass::kC4, DataClass::kC5};
  core.purposes = {KeyPurpose::kContent, KeyPurpose::kAttributes};
  core.contents = std::move(contents);
  core.lifetime_seconds = uint64_t{72} * 3600;
  core.reason_code = "legal.warrant";

  const Approval approval{.generation = 1, .authorisations = {}, .approve = 1, .no_conflict = 1};
  approvals = {{region == "cn" ? "approver-wang" : "approver-baker", approval, now - 2 * kHourMs},
               {region == "cn" ? "approver-moore" : "approver-clark", approval, now - kHourMs}};
  grant_time = now - kHourMs;
  grant_expiry = now + 70 * kHourMs;
}

Envelope TestAuthorisation::MakeEnvelope(std::string subject, UnixMillis time) const {
  Envelope envelope;
  envelope.deployment = deployment_.topology().deployment();
  envelope.region = region_;
  envelope.subject = std::move(subject);
  envelope.number = 1;
  envelope.time = time;
  return envelope;
}

Statement TestAuthorisation::SignRequest(std::string_view person) const {
  return SignStatement(MakeEnvelope("request", now_ - kDayMs), request,
                       deployment_.person(region_, person).key);
}

Statement TestAuthorisation::SignApproval(const TestApproval& approval,
                                          const Digest& authorisation) const {
  Approval body = approval.body;
  if (body.authorisations.empty()) body.authorisations = {authorisation};
  return SignStatement(MakeEnvelope(core.case_id, approval.time), body,
                       deployment_.person(region_, approval.person).key);
}

Statement TestAuthorisation::SignGrant(const Authorisation& parts, const PrivateKey& key) const {
  Grant body = grant;
  if (body.authorisation.IsZero()) body.authorisation = parts.digest();
  if (body.approvals.empty()) {
    for (const Statement& approval : parts.approvals) body.approvals.push_back(approval.digest());
    std::ranges::sort(body.approvals);
  }
  Envelope envelope = MakeEnvelope(core.case_id, grant_time);
  envelope.expiry = grant_expiry;
  return SignStatement(envelope, body, key);
}

void TestAuthorisation::LogGrant(Authorisation& authorisation) const {
  Leaf leaf;
  leaf.type = std::string(Grant::kType);
  leaf.day = grant_time;
  leaf.region = TestDeployment::Region(region_);
  leaf.commitments["grant"] = Commit(authorisation.digest().bytes(), "legal.grant/grant",
                                     authorisation.grant.digest().bytes());
  authorisation.grant_leaf = EncodeLeaf(leaf);
  Prove(authorisation, deployment_.topology().LogOrigin(leaf.region, ServiceKind::kReview),
        deployment_.service(region_, ServiceKind::kReview).log_key);
}

void TestAuthorisation::Prove(Authorisation& authorisation, const std::string& origin,
                              const PrivateKey& log_key) {
  const Checkpoint checkpoint{origin, 1, merkle::LeafHash(authorisation.grant_leaf)};
  authorisation.grant_receipt =
      FormatReceipt(LogReceipt{0, {}, SignCheckpoint(checkpoint, log_key)});
}

Authorisation TestAuthorisation::Build() const {
  const TestService& review = deployment_.service(region_, ServiceKind::kReview);
  Authorisation authorisation;
  authorisation.request = SignRequest(agent_);
  AuthorisationCore filled = core;
  if (filled.request.IsZero()) filled.request = authorisation.request.digest();
  authorisation.core = EncodeRecord(filled);
  for (const TestApproval& approval : approvals) {
    authorisation.approvals.push_back(SignApproval(approval, authorisation.digest()));
  }
  authorisation.grant = SignGrant(authorisation, review.statement_key);
  authorisation.endorsement = review.endorsement;
  LogGrant(authorisation);
  return authorisation;
}

}  // namespace comity
