#include "services/common/topology/topology.h"

#include <algorithm>
#include <set>

#include "services/common/crypto/digest.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/topology/reader_rules.h"
#include "services/common/topology/topology_data.h"

namespace comity {

struct Topology::Data : internal::TopologyData {};

namespace internal {

absl::StatusOr<TopologyData> ReadTopology(std::string_view text, bool as_template) {
  comity::topology::v1::Topology file;
  google::protobuf::TextFormat::ParseInfoTree lines;
  RETURN_IF_ERROR(ParseTopologyText(text, file, lines));
  const Place place(&lines, file.GetDescriptor(), 1);
  TopologyData data;
  data.digest = Sha256Digest(text);
  RETURN_IF_ERROR(ReadHead(file, place, data));
  RETURN_IF_ERROR(ReadJurisdictions(file, place, data));
  RETURN_IF_ERROR(ReadOperators(file, place, as_template, data));
  RETURN_IF_ERROR(ReadRegions(file, place, as_template, data));
  RETURN_IF_ERROR(ReadBorders(file, place, data));
  RETURN_IF_ERROR(ReadTerms(file, place, data));
  RETURN_IF_ERROR(ReadTerritories(file, place, data));
  RETURN_IF_ERROR(ReadReviewRules(file, place, data));
  RETURN_IF_ERROR(ReadPeople(file, place, data));
  return data;
}

}  // namespace internal

uint32_t ReviewRulesInfo::CapFor(const std::vector<DataClass>& classes) const {
  uint32_t cap = cap_subscriber;
  for (const DataClass c : classes) {
    switch (c) {
      case DataClass::kC0:
      case DataClass::kC1:
      case DataClass::kC2:
        cap = std::min(cap, cap_subscriber);
        break;
      case DataClass::kC3:
      case DataClass::kC4:
        cap = std::min(cap, cap_records);
        break;
      case DataClass::kC5:
        cap = std::min(cap, cap_content);
        break;
      case DataClass::kC6:
        cap = 0;  // never released
        break;
    }
  }
  return cap;
}

absl::StatusOr<Topology> Topology::Parse(std::string_view text, bool as_template) {
  ASSIGN_OR_RETURN(internal::TopologyData data, internal::ReadTopology(text, as_template));
  Topology topology;
  topology.data_ = std::make_shared<const Data>(Data{std::move(data)});
  return topology;
}

uint64_t Topology::serial() const { return data_->serial; }
const Digest& Topology::digest() const { return data_->digest; }
const std::string& Topology::deployment() const { return data_->deployment; }
const std::string& Topology::title() const { return data_->title; }
bool Topology::development() const { return data_->development; }
std::optional<UnixMillis> Topology::test_clock_start() const { return data_->test_clock_start; }
const std::string& Topology::log_quorum() const { return data_->log_quorum; }
const std::map<RegionId, RegionInfo>& Topology::regions() const { return data_->regions; }
const std::map<std::string, OperatorInfo>& Topology::operators() const { return data_->operators; }
const std::map<std::string, std::string>& Topology::jurisdictions() const {
  return data_->jurisdictions;
}
const std::map<std::string, TermsInfo>& Topology::terms() const { return data_->terms; }
const std::vector<PersonTemplate>& Topology::people() const { return data_->people; }
const std::map<std::string, TerritoryInfo>& Topology::territories() const {
  return data_->territories;
}

const RegionInfo* Topology::FindRegion(const RegionId& id) const {
  const auto found = data_->regions.find(id);
  return found == data_->regions.end() ? nullptr : &found->second;
}

const RegionInfo* Topology::FindRegion(std::string_view name) const {
  const absl::StatusOr<RegionId> id = RegionId::Create(name);
  return id.ok() ? FindRegion(*id) : nullptr;
}

const TermsInfo* Topology::FindTerms(const Digest& hash) const {
  const auto found =
      std::ranges::find_if(data_->terms, [&](const auto& t) { return t.second.hash == hash; });
  return found == data_->terms.end() ? nullptr : &found->second;
}

const ReviewRulesInfo& Topology::review_rules(const RegionId& region) const {
  static constexpr ReviewRulesInfo kDefaults;
  const auto found = data_->review_rules.find(region);
  return found == data_->review_rules.end() ? kDefaults : found->second;
}

const TerritoryInfo& Topology::territory(std::string_view code) const {
  const auto found = data_->territories.find(std::string(code));
  return found == data_->territories.end() ? data_->territories.at("*") : found->second;
}

bool Topology::BorderAllows(const RegionId& from, const RegionId& to, ServiceKind kind) const {
  return data_->borders.contains({from, to, kind});
}

std::string Topology::TrustDomain(const RegionId& region) const {
  return region.name() + "." + data_->deployment;
}

std::string ShamirSealInfo::Description() const {
  return "shamir " + std::to_string(threshold) + " of " + std::to_string(holders.size());
}

std::string Pkcs11SealInfo::Description() const { return "pkcs11 token " + token_label; }

std::string Topology::LogOrigin(const RegionId& region, ServiceKind kind) const {
  return data_->deployment + "/" + region.name() + "/" + std::string(Name(kind));
}

std::vector<std::string> Topology::CanCompel(const RegionId& region, ServiceKind kind) const {
  const RegionInfo* info = FindRegion(region);
  COMITY_CHECK(info != nullptr);
  const OperatorInfo& op = data_->operators.at(info->service(kind).operator_name);
  std::set<std::string> codes(op.home_jurisdictions.begin(), op.home_jurisdictions.end());
  codes.insert(info->jurisdiction);
  if (const std::optional<ShamirSealInfo>& seal = info->service(kind).shamir_seal) {
    for (const auto& [code, title] : data_->jurisdictions) {
      const auto living = std::ranges::count(seal->holders, code, &SealHolderInfo::residence);
      if (living >= static_cast<std::ptrdiff_t>(seal->threshold)) codes.insert(code);
    }
  }
  return {codes.begin(), codes.end()};
}

std::vector<std::string> Topology::CanCompelRegion(const RegionId& region) const {
  std::set<std::string> codes;
  for (const ServiceKind kind :
       {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
    for (std::string& code : CanCompel(region, kind)) codes.insert(std::move(code));
  }
  return {codes.begin(), codes.end()};
}

absl::StatusOr<PublicKey> Topology::VerifyEndorsement(const Statement& endorsement,
                                                      const RegionId& region, ServiceKind kind,
                                                      UnixMillis now) const {
  constexpr int64_t kLongest = 90 * kDayMs;
  const auto missing = [](std::string_view cause) {
    return Refuse(Reason::kEndorsementMissing, cause);
  };
  const RegionInfo* info = FindRegion(region);
  if (info == nullptr) return missing("no such region");
  const std::string& operator_name = info->service(kind).operator_name;
  const std::optional<PublicKey>& operator_key = data_->operators.at(operator_name).key;
  if (!operator_key.has_value()) return missing("the topology has no key of the operator");
  const auto parsed = ParseStatement<Endorsement>(endorsement);
  if (!parsed.ok()) return missing("not an endorsement: " + CauseOf(parsed.status()));
  const Envelope& envelope = parsed->envelope;
  const Endorsement& body = parsed->body;
  if (envelope.deployment != data_->deployment) return missing("for another deployment");
  if (envelope.region != region.name()) return missing("for another region");
  if (envelope.subject != Name(kind) || body.kind != kind) return missing("for another service");
  if (body.operator_name != operator_name) return missing("names another operator");
  if (!VerifySignedBy(endorsement, *operator_key).ok())
    return missing("not signed by the operator");
  if (envelope.time > now + kAllowedClockSkew) return missing("not valid yet");
  if (envelope.expiry <= now) return missing("expired");
  if (!data_->development && envelope.expiry - envelope.time > kLongest) {
    return missing("valid for more than 90 days");
  }
  absl::StatusOr<PublicKey> key = PublicKey::FromSpki(body.statement_key);
  if (!key.ok() || key->algorithm() != SignatureAlgorithm::kEd25519) {
    return missing("the statement key is not an Ed25519 key");
  }
  return key;
}

}  // namespace comity
