#include "client/deployment/maker.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <google/protobuf/text_format.h>

#include "client/deployment/bundle.h"
#include "client/deployment/paths.h"
#include "client/deployment/ports.h"
#include "comity/topology/v1/topology.pb.h"
#include "services/common/clock/clock.h"
#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/common/crypto/signing.h"
#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/seal/seal_record.h"
#include "services/common/statement/operator.h"
#include "services/common/statement/statement.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/topology.h"

namespace comity {
namespace {

namespace pb = comity::topology::v1;

// TLS reads the real clock while everything else reads the test clock, so that certificates and
// endorsements of a development deployment hold from before the one until after the other.
constexpr UnixMillis kNotBefore = 1'483'228'800'000;  // 2017-01-01
constexpr UnixMillis kNotAfter = 2'114'380'800'000;   // 2037-01-01

constexpr ServiceKind kKinds[] = {ServiceKind::kStorage, ServiceKind::kCustody,
                                  ServiceKind::kReview};
constexpr char kHexDigits[] = "0123456789abcdef";

// The key in `path`, made first when there is none.
absl::StatusOr<PrivateKey> KeyAt(const std::string& path, SignatureAlgorithm algorithm) {
  if (!FileExists(path)) {
    RETURN_IF_ERROR(WritePrivateFile(path, PrivateKey::Generate(algorithm).ToPem()));
  }
  ASSIGN_OR_RETURN(const SecretBytes pem, ReadPrivateFile(path));
  return PrivateKey::FromPem(pem);
}

// Reads `path`, or writes what `make` gives first. For everything that must not change later.
template <typename Make>
absl::StatusOr<std::string> FileAt(const std::string& path, Make make) {
  if (!FileExists(path)) {
    absl::StatusOr<std::string> bytes = make();
    if (!bytes.ok()) return bytes;
    RETURN_IF_ERROR(WriteFileDurably(path, *bytes, FileMode::kPublic));
  }
  return ReadFile(path);
}

class Maker final {
 public:
  explicit Maker(const MakeOptions& options) : options_(options), paths_(options.directory) {}

  absl::Status Run() {
    RETURN_IF_ERROR(Topology::Parse(options_.template_text, /*as_template=*/true).status());
    if (!google::protobuf::TextFormat::ParseFromString(options_.template_text, &topology_)) {
      return Refuse(Reason::kTopologyInvalid, "the template is not protobuf text");
    }
    if (!topology_.development()) {
      return Refuse(Reason::kRulesForbid, "the topology is not marked development");
    }
    RETURN_IF_ERROR(MakePrivateFolders(paths_.directory()));
    RETURN_IF_ERROR(Operators());
    for (pb::Region& region : *topology_.mutable_regions()) RETURN_IF_ERROR(RegionIdentity(region));
    RETURN_IF_ERROR(People());
    RETURN_IF_ERROR(SignedTopology());
    RETURN_IF_ERROR(EndorsementsAndRosters());
    RETURN_IF_ERROR(TestClock());
    RETURN_IF_ERROR(ClientBundle());
    return MetricsAddresses();
  }

 private:
  void Say(const std::string& step) const {
    if (options_.progress) options_.progress(step);
  }

  std::string TrustDomain(std::string_view region) const {
    return std::string(region) + "." + topology_.deployment();
  }

  CertificateSpec Spec(std::string name, std::vector<std::string> uris) const {
    CertificateSpec spec;
    spec.common_name = std::move(name);
    spec.uris = std::move(uris);
    spec.not_before = kNotBefore;
    spec.not_after = kNotAfter;
    return spec;
  }

  absl::Status Operators() {
    for (pb::Operator& op : *topology_.mutable_operators()) {
      const std::string folder = paths_.Operator(op.name());
      RETURN_IF_ERROR(MakePrivateFolders(folder));
      ASSIGN_OR_RETURN(const PrivateKey key,
                       KeyAt(folder + "/operator.key", SignatureAlgorithm::kEd25519));
      op.set_public_key(key.public_key().spki());
    }
    Say("operator keys");
    return absl::OkStatus();
  }

  // Issues a certificate of the region's root for the key in `folder`/`name`.key.
  absl::Status Certify(std::string_view region, const std::string& folder, const std::string& name,
                       const CertificateSpec& spec) {
    RETURN_IF_ERROR(MakePrivateFolders(folder));
    ASSIGN_OR_RETURN(const PrivateKey key,
                     KeyAt(folder + "/" + name + ".key", SignatureAlgorithm::kEcdsaP256));
    ASSIGN_OR_RETURN(const PrivateKey root_key,
                     KeyAt(paths_.Root(region) + "/root.key", SignatureAlgorithm::kEcdsaP256));
    ASSIGN_OR_RETURN(const std::string root, ReadFile(paths_.Root(region) + "/root.crt"));
    return FileAt(folder + "/" + name + ".crt",
                  [&] { return IssueCertificate(root_key, root, key.public_key(), spec); })
        .status();
  }

  absl::Status RegionIdentity(pb::Region& region) {
    const std::string root_folder = paths_.Root(region.name());
    RETURN_IF_ERROR(MakePrivateFolders(root_folder));
    ASSIGN_OR_RETURN(const PrivateKey root_key,
                     KeyAt(root_folder + "/root.key", SignatureAlgorithm::kEcdsaP256));
    CertificateSpec spec = Spec("Root of " + TrustDomain(region.name()), {});
    spec.permitted_uri_host = TrustDomain(region.name());
    ASSIGN_OR_RETURN(*region.mutable_root_certificate(),
                     FileAt(root_folder + "/root.crt", [&]() -> absl::StatusOr<std::string> {
                       return SelfSignedAuthority(root_key, spec);
                     }));
    for (pb::Service& service : *region.mutable_services()) {
      RETURN_IF_ERROR(ServiceIdentity(region, service));
    }
    Say("root and service identities of region " + region.name());
    return absl::OkStatus();
  }

  absl::Status ServiceIdentity(const pb::Region& region, pb::Service& service) {
    const auto kind = static_cast<ServiceKind>(service.kind());
    const std::string folder = paths_.Identity(region.name(), kind);
    const std::string name(Name(kind));
    const std::string uri = "spiffe://" + TrustDomain(region.name()) + "/operator/" +
                            service.operator_() + "/" + name + "/0";
    RETURN_IF_ERROR(Certify(region.name(), folder, "tls", Spec(region.name() + " " + name, {uri})));
    ASSIGN_OR_RETURN(const PrivateKey statement_key,
                     KeyAt(folder + "/statement.key", SignatureAlgorithm::kEd25519));
    ASSIGN_OR_RETURN(const PrivateKey log_key,
                     KeyAt(folder + "/log.key", SignatureAlgorithm::kEd25519));
    service.set_log_key(log_key.public_key().spki());
    if (kind != ServiceKind::kCustody) return absl::OkStatus();
    switch (service.seal_case()) {
      case pb::Service::kShamirSeal:
        return ShamirSeal(region, service.shamir_seal(), folder + "/seal");
      case pb::Service::kPkcs11Seal:
        return absl::OkStatus();  // custody makes its root key itself, with its token
      case pb::Service::SEAL_NOT_SET:
        break;
    }
    return KeyfileSeal(folder + "/root.key");
  }

  // A root key that exists only until its shares are written. Without the public record custody
  // does not start: a birth that was interrupted before it makes another root for the same persons.
  absl::Status ShamirSeal(const pb::Region& region, const pb::ShamirSeal& seal,
                          const std::string& record) const {
    if (FileExists(record)) return absl::OkStatus();
    std::vector<std::string> persons;
    for (const pb::SealHolder& holder : seal.holders()) persons.push_back(holder.person());
    ASSIGN_OR_RETURN(const RegionId id, RegionId::Create(region.name()));
    ASSIGN_OR_RETURN(const NewSeal made,
                     SplitRoot(RandomSecret(kSealedRootSize), topology_.deployment(), id,
                               seal.threshold(), persons));
    for (size_t i = 0; i < persons.size(); ++i) {
      RETURN_IF_ERROR(MakePrivateFolders(paths_.Person(region.name(), persons[i])));
      RETURN_IF_ERROR(WritePrivateFile(paths_.SealShare(region.name(), persons[i]),
                                       FormatSealShare(made.shares[i])));
    }
    RETURN_IF_ERROR(WriteFileDurably(record, EncodeSealRecord(made.record), FileMode::kPublic));
    Say("shares of the root key of custody " + region.name() + " for " +
        std::to_string(persons.size()) + " persons");
    return absl::OkStatus();
  }

  static absl::Status KeyfileSeal(const std::string& path) {
    return FileExists(path) ? absl::OkStatus() : WriteKeyfileSeal(path);
  }

  static absl::Status WriteKeyfileSeal(const std::string& path) {
    const SecretBytes root = RandomSecret(32);
    SecretBytes text(2 * root.size() + 1);
    const std::span<const uint8_t> bytes = root.Reveal(RevealKey::ForKeyFile());
    const std::span<uint8_t> out = text.RevealMutable(RevealKey::ForKeyFile());
    for (size_t i = 0; i < bytes.size(); ++i) {
      out[2 * i] = static_cast<uint8_t>(kHexDigits[bytes[i] >> 4]);
      out[2 * i + 1] = static_cast<uint8_t>(kHexDigits[bytes[i] & 15]);
    }
    out.back() = '\n';
    return WritePrivateFile(path, text);
  }

  static std::string PersonPath(const pb::Person& person) {
    switch (person.roles(0)) {
      case pb::ROLE_AGENT:
        return "/authority/" + person.organisation() + "/agent/" + person.name();
      case pb::ROLE_OPERATOR_PERSON:
        return "/operator/" + person.organisation() + "/person/" + person.name();
      default:
        return "/reviewer/" + person.name();
    }
  }

  absl::Status People() {
    for (const pb::Person& person : topology_.people()) {
      const std::string uri = "spiffe://" + TrustDomain(person.region()) + PersonPath(person);
      RETURN_IF_ERROR(Certify(person.region(), paths_.Person(person.region(), person.name()),
                              "person", Spec(person.name(), {uri})));
    }
    Say("certificates of " + std::to_string(topology_.people_size()) + " persons");
    return absl::OkStatus();
  }

  absl::Status SignedTopology() {
    ASSIGN_OR_RETURN(const std::string text,
                     FileAt(paths_.Topology(), [&] { return TopologyText(); }));
    ASSIGN_OR_RETURN(const Topology parsed, Topology::Parse(text));
    if (!FileExists(paths_.TopologySignature())) {
      TopologySignature body;
      body.file_digest = Sha256Digest(text);
      ASSIGN_OR_RETURN(
          const Statement statement,
          SignByOperators(body, Envelope{.subject = "topology", .number = topology_.serial()},
                          OperatorNames()));
      RETURN_IF_ERROR(WriteFileDurably(paths_.TopologySignature(), EncodeStatement(statement),
                                       FileMode::kPublic));
    }
    Say("topology, signed by " + std::to_string(topology_.operators_size()) + " operators");
    return absl::OkStatus();
  }

  absl::StatusOr<std::string> TopologyText() {
    const int count = 2 * 3 * topology_.regions_size();
    ASSIGN_OR_RETURN(const std::vector<int> ports, TakeLoopbackPorts(count, paths_.directory()));
    size_t next = 0;
    for (pb::Region& region : *topology_.mutable_regions()) {
      for (pb::Service& service : *region.mutable_services()) {
        service.set_address("127.0.0.1:" + std::to_string(ports[next++]));
        service.set_log_url("http://127.0.0.1:" + std::to_string(ports[next++]));
      }
    }
    std::string text;
    google::protobuf::TextFormat::PrintToString(topology_, &text);
    return text;
  }

  std::vector<std::string> OperatorNames() const {
    std::vector<std::string> names;
    for (const pb::Operator& op : topology_.operators()) names.push_back(op.name());
    return names;
  }

  // One statement with the signatures of all of them over the same body.
  template <typename Body>
  absl::StatusOr<Statement> SignByOperators(const Body& body, Envelope envelope,
                                            const std::vector<std::string>& names) {
    envelope.deployment = topology_.deployment();
    envelope.time = kNotBefore;
    Statement statement;
    for (const std::string& name : names) {
      ASSIGN_OR_RETURN(const PrivateKey key, KeyAt(paths_.Operator(name) + "/operator.key",
                                                   SignatureAlgorithm::kEd25519));
      if (statement.body.empty()) {
        statement = SignStatement(envelope, body, key);
      } else {
        AddSignature(statement, key);
      }
    }
    return statement;
  }

  absl::StatusOr<std::string> EndorsementOf(const pb::Region& region, const pb::Service& service) {
    const auto kind = static_cast<ServiceKind>(service.kind());
    ASSIGN_OR_RETURN(const PrivateKey key,
                     KeyAt(paths_.Identity(region.name(), kind) + "/statement.key",
                           SignatureAlgorithm::kEd25519));
    Endorsement body;
    body.kind = kind;
    body.operator_name = service.operator_();
    body.statement_key = key.public_key().spki();
    Envelope envelope{.region = region.name(), .subject = std::string(Name(kind)), .number = 1};
    envelope.expiry = kNotAfter;
    ASSIGN_OR_RETURN(const Statement statement,
                     SignByOperators(body, envelope, {service.operator_()}));
    return EncodeStatement(statement);
  }

  absl::StatusOr<std::string> RosterOf(const pb::Region& region) {
    RosterStatement body;
    for (const pb::Person& person : topology_.people()) {
      if (person.region() != region.name()) continue;
      RosterPerson entry;
      entry.name = person.name();
      for (const int role : person.roles()) entry.roles.push_back(static_cast<PersonRole>(role));
      entry.organisation = person.organisation();
      entry.enrolled_by = person.enrolled_by();
      ASSIGN_OR_RETURN(const PrivateKey key,
                       KeyAt(paths_.Person(region.name(), person.name()) + "/person.key",
                             SignatureAlgorithm::kEcdsaP256));
      entry.keys.push_back(key.public_key().spki());
      body.persons.push_back(std::move(entry));
    }
    std::vector<std::string> signers;
    for (const pb::Service& service : region.services()) {
      if (service.kind() == pb::SERVICE_KIND_STORAGE) continue;
      if (signers.empty() || signers.front() != service.operator_()) {
        signers.push_back(service.operator_());
      }
    }
    ASSIGN_OR_RETURN(
        const Statement statement,
        SignByOperators(body, Envelope{.region = region.name(), .subject = "roster", .number = 1},
                        signers));
    return EncodeStatement(statement);
  }

  absl::Status EndorsementsAndRosters() {
    for (const pb::Region& region : topology_.regions()) {
      for (const pb::Service& service : region.services()) {
        const std::string folder =
            paths_.Identity(region.name(), static_cast<ServiceKind>(service.kind()));
        RETURN_IF_ERROR(FileAt(folder + "/endorsement", [&] {
                          return EndorsementOf(region, service);
                        }).status());
      }
      // One roster, the same bytes in each service's folder.
      std::string roster;
      for (const ServiceKind kind : kKinds) {
        ASSIGN_OR_RETURN(roster, FileAt(paths_.Identity(region.name(), kind) + "/roster",
                                        [&]() -> absl::StatusOr<std::string> {
                                          if (!roster.empty()) return roster;
                                          return RosterOf(region);
                                        }));
      }
    }
    Say("endorsements and first rosters");
    return absl::OkStatus();
  }

  // Not in the topology: they are of this machine, and nobody else's business.
  absl::Status MetricsAddresses() const {
    ASSIGN_OR_RETURN(const Topology topology, Topology::Load(paths_.Topology()));
    std::vector<std::string> missing;
    for (const auto& [id, region] : topology.regions()) {
      for (const auto& [kind, service] : region.services) {
        const std::string file = paths_.Metrics(id.name(), kind);
        if (!FileExists(file)) missing.push_back(file);
      }
    }
    ASSIGN_OR_RETURN(const std::vector<int> ports,
                     TakeLoopbackPorts(static_cast<int>(missing.size()), paths_.directory()));
    for (size_t i = 0; i < missing.size(); ++i) {
      RETURN_IF_ERROR(WriteFileDurably(missing[i], "127.0.0.1:" + std::to_string(ports[i]) + "\n",
                                       FileMode::kPrivate));
    }
    Say("addresses for metrics");
    return absl::OkStatus();
  }

  absl::Status ClientBundle() const {
    ASSIGN_OR_RETURN(const Topology topology, Topology::Load(paths_.Topology()));
    RETURN_IF_ERROR(WriteBundle(topology, paths_.Topology(), std::nullopt, paths_.Bundle()));
    Say("client bundle");
    return absl::OkStatus();
  }

  absl::Status TestClock() {
    if (topology_.test_clock_start().empty() || FileExists(paths_.Clock())) {
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const UnixMillis start, ParseTime(topology_.test_clock_start()));
    RETURN_IF_ERROR(FileClock::Create(paths_.Clock(), start));
    Say("test clock, starting at " + FormatDay(start));
    return absl::OkStatus();
  }

  const MakeOptions& options_;
  const DeploymentPaths paths_;
  pb::Topology topology_;
};

}  // namespace

absl::Status MakeDeployment(const MakeOptions& options) { return Maker(options).Run(); }

}  // namespace comity
