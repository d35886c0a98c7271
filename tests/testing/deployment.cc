#include "tests/testing/deployment.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <google/protobuf/text_format.h>

#include "comity/topology/v1/topology.pb.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/x509.h"

namespace comity {
namespace {

namespace pb = comity::topology::v1;

std::string ServiceName(std::string_view region, ServiceKind kind) {
  return std::string(region) + "/" + std::string(Name(kind));
}

CertificateSpec Spec(std::string name, std::vector<std::string> uris, UnixMillis not_before,
                     UnixMillis not_after) {
  CertificateSpec spec;
  spec.common_name = std::move(name);
  spec.uris = std::move(uris);
  spec.not_before = not_before;
  spec.not_after = not_after;
  return spec;
}

std::string PersonPath(const PersonTemplate& person) {
  switch (person.roles.front()) {
    case PersonRole::kAgent:
      return "/authority/" + person.organisation + "/agent/" + person.name;
    case PersonRole::kOperatorPerson:
      return "/operator/" + person.organisation + "/person/" + person.name;
    case PersonRole::kReviewer:
    case PersonRole::kApprover:
    case PersonRole::kLawyer:
      break;
  }
  return "/reviewer/" + person.name;
}

}  // namespace

std::string ReadTopologyTemplate(std::string_view name) {
  std::ifstream file(COMITY_TOPOLOGY_TEMPLATES "/" + std::string(name) + ".txtpb");
  COMITY_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string SealedTopologyTemplate() {
  std::string text = ReadTopologyTemplate();
  constexpr std::string_view kCustody = "kind: SERVICE_KIND_CUSTODY operator: \"apple\"";
  constexpr std::string_view kSeal =
      " shamir_seal { threshold: 2 holders { person: \"ops-evans\" residence: \"US\" }"
      " holders { person: \"ops-fox\" residence: \"US\" }"
      " holders { person: \"ops-grant\" residence: \"CN\" } }";
  // The first custody of the file is that of region us.
  const size_t custody = text.find(kCustody);
  COMITY_CHECK(custody != std::string::npos);
  text.insert(custody + kCustody.size(), kSeal);
  for (const std::string_view person : {"ops-fox", "ops-grant"}) {
    text += "people { region: \"us\" name: \"" + std::string(person) +
            "\" roles: ROLE_OPERATOR_PERSON organisation: \"apple\" }\n";
  }
  return text;
}

std::string TokenTopologyTemplate() {
  std::string text = ReadTopologyTemplate();
  constexpr std::string_view kCustody = "kind: SERVICE_KIND_CUSTODY operator: \"apple\"";
  constexpr std::string_view kSeal =
      " pkcs11_seal { token_label: \"custody-us\" key_label: \"root-wrapping\" }";
  // As above.
  const size_t custody = text.find(kCustody);
  COMITY_CHECK(custody != std::string::npos);
  return text.insert(custody + kCustody.size(), kSeal);
}

TestDeployment::TestDeployment() : TestDeployment(ReadTopologyTemplate()) {}

TestDeployment::TestDeployment(std::string template_text)
    : template_text_(std::move(template_text)) {
  const absl::StatusOr<Topology> rules = Topology::Parse(template_text_, /*as_template=*/true);
  COMITY_CHECK(rules.ok());
  topology_ = *rules;  // for the trust domains, until the real one is made
  for (const auto& [name, op] : topology_.operators()) {
    operators_.emplace(name, PrivateKey::Generate(SignatureAlgorithm::kEd25519));
  }
  int port = 1;
  for (const auto& [id, region] : topology_.regions()) {
    PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
    CertificateSpec spec = Spec("root", {}, kNotBefore, kNotAfter);
    spec.permitted_uri_host = topology_.TrustDomain(id);
    std::string certificate = SelfSignedAuthority(key, spec);
    roots_.emplace(id.name(), TestRoot{std::move(certificate), std::move(key)});
    for (const auto& [kind, service] : region.services) {
      addresses_[ServiceName(id.name(), kind)] = "127.0.0.1:" + std::to_string(port++);
      log_urls_[ServiceName(id.name(), kind)] = "http://127.0.0.1:" + std::to_string(port++);
    }
  }
  MakeIdentities();
  MakeTopologyText();
  ParseTopology();
  for (const auto& [id, region] : topology_.regions()) {
    Statement statement = SignRoster(id.name(), RosterBody(id.name()),
                                     {region.service(ServiceKind::kReview).operator_name,
                                      region.service(ServiceKind::kCustody).operator_name});
    absl::StatusOr<Roster> roster = Roster::Verify(statement, id, topology_);
    COMITY_CHECK(roster.ok());
    rosters_.emplace(id.name(), std::pair(std::move(statement), *std::move(roster)));
  }
}

void TestDeployment::MakeIdentities() {
  for (const auto& [id, region] : topology_.regions()) {
    for (const auto& [kind, service] : region.services) {
      PrivateKey tls = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
      PrivateKey statement = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
      PrivateKey log = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
      const std::string uri = "spiffe://" + topology_.TrustDomain(id) + "/operator/" +
                              service.operator_name + "/" + std::string(Name(kind)) + "/0";
      std::string certificate = Certify(id.name(), tls.public_key(), uri);
      Statement endorsement =
          Endorse(id.name(), kind, statement.public_key(), service.operator_name);
      services_.emplace(ServiceName(id.name(), kind),
                        TestService{std::move(certificate), std::move(tls), std::move(statement),
                                    std::move(log), std::move(endorsement)});
    }
  }
  for (const PersonTemplate& person : topology_.people()) {
    PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
    std::string certificate =
        Certify(person.region.name(), key.public_key(),
                "spiffe://" + topology_.TrustDomain(person.region) + PersonPath(person));
    persons_.emplace(
        person.region.name() + "/" + person.name,
        TestPerson{person.region, person.name, std::move(certificate), std::move(key)});
  }
}

void TestDeployment::MakeTopologyText() {
  pb::Topology file;
  COMITY_CHECK(google::protobuf::TextFormat::ParseFromString(template_text_, &file));
  for (pb::Operator& op : *file.mutable_operators()) {
    op.set_public_key(operator_key(op.name()).public_key().spki());
  }
  for (pb::Region& region : *file.mutable_regions()) {
    region.set_root_certificate(root(region.name()).certificate);
    for (pb::Service& s : *region.mutable_services()) {
      const auto kind = static_cast<ServiceKind>(s.kind());
      s.set_address(addresses_.at(ServiceName(region.name(), kind)));
      s.set_log_url(log_urls_.at(ServiceName(region.name(), kind)));
      s.set_log_key(service(region.name(), kind).log_key.public_key().spki());
    }
  }
  topology_text_.clear();
  COMITY_CHECK(google::protobuf::TextFormat::PrintToString(file, &topology_text_));
}

void TestDeployment::ParseTopology() {
  absl::StatusOr<Topology> topology = Topology::Parse(topology_text_);
  COMITY_CHECK(topology.ok());
  topology_ = *std::move(topology);
  std::vector<std::string> names;
  for (const auto& [name, op] : topology_.operators()) names.push_back(name);
  topology_signature_ = SignTopology(topology_text_, topology_.serial(), Digest(), names);
}

void TestDeployment::SetAddress(std::string_view region, ServiceKind kind, std::string address) {
  addresses_.at(ServiceName(region, kind)) = std::move(address);
  MakeTopologyText();
  ParseTopology();
}

void TestDeployment::SetLogUrl(std::string_view region, ServiceKind kind, std::string url) {
  log_urls_.at(ServiceName(region, kind)) = std::move(url);
  MakeTopologyText();
  ParseTopology();
}

const TestService& TestDeployment::service(std::string_view region, ServiceKind kind) const {
  return Find(services_, ServiceName(region, kind));
}

const TestPerson& TestDeployment::person(std::string_view region, std::string_view name) const {
  return Find(persons_, std::string(region) + "/" + std::string(name));
}

TestAccount TestDeployment::NewAccount(UnixMillis time) const {
  return TestAccount(topology_.deployment(), time);
}

std::string TestDeployment::Certify(std::string_view region, const PublicKey& key, std::string uri,
                                    UnixMillis not_before, UnixMillis not_after) const {
  const TestRoot& issuer = root(region);
  absl::StatusOr<std::string> certificate = IssueCertificate(
      issuer.key, issuer.certificate, key, Spec("leaf", {std::move(uri)}, not_before, not_after));
  COMITY_CHECK(certificate.ok());
  return *std::move(certificate);
}

Statement TestDeployment::Endorse(std::string_view region, ServiceKind kind,
                                  const PublicKey& statement_key, std::string_view signer,
                                  UnixMillis time, UnixMillis expiry) const {
  Endorsement body;
  body.kind = kind;
  body.operator_name = std::string(signer);
  body.statement_key = statement_key.spki();
  Envelope envelope;
  envelope.deployment = topology_.deployment();
  envelope.region = std::string(region);
  envelope.subject = std::string(Name(kind));
  envelope.number = 1;
  envelope.time = time;
  envelope.expiry = expiry;
  return SignStatement(envelope, body, operator_key(signer));
}

RosterStatement TestDeployment::RosterBody(std::string_view region) const {
  RosterStatement body;
  for (const PersonTemplate& person : topology_.people()) {
    if (person.region.name() != region) continue;
    const TestPerson& identity = this->person(region, person.name);
    body.persons.push_back({person.name,
                            person.roles,
                            person.organisation,
                            person.enrolled_by,
                            {identity.key.public_key().spki()}});
  }
  return body;
}

Statement TestDeployment::SignRoster(std::string_view region, const RosterStatement& body,
                                     const std::vector<std::string>& signers, uint64_t number,
                                     UnixMillis time) const {
  Envelope envelope;
  envelope.deployment = topology_.deployment();
  envelope.region = std::string(region);
  envelope.subject = "roster";
  envelope.number = number;
  envelope.time = time;
  Statement statement = SignStatement(envelope, body, operator_key(signers.front()));
  for (auto signer = signers.begin() + 1; signer != signers.end(); ++signer) {
    if (std::find(signers.begin(), signer, *signer) != signer) continue;
    AddSignature(statement, operator_key(*signer));
  }
  return statement;
}

Statement TestDeployment::SignTopology(std::string_view text, uint64_t serial,
                                       const Digest& previous,
                                       const std::vector<std::string>& signers) const {
  Envelope envelope;
  envelope.deployment = topology_.deployment();
  envelope.subject = "topology";
  envelope.number = serial;
  envelope.time = kNotBefore;
  const TopologySignature body{Sha256Digest(text), previous};
  Statement statement = SignStatement(envelope, body, operator_key(signers.front()));
  for (auto signer = signers.begin() + 1; signer != signers.end(); ++signer) {
    AddSignature(statement, operator_key(*signer));
  }
  return statement;
}

RegionId TestDeployment::Region(std::string_view name) {
  absl::StatusOr<RegionId> region = RegionId::Create(name);
  COMITY_CHECK(region.ok());
  return *std::move(region);
}

}  // namespace comity
