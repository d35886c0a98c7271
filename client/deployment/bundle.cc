#include "client/deployment/bundle.h"

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/common/crypto/signing.h"
#include "services/common/files/files.h"
#include "services/common/log/base64.h"
#include "services/common/log/checkpoint.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"

namespace comity {
namespace {

using nlohmann::ordered_json;

constexpr ServiceKind kKinds[] = {ServiceKind::kStorage, ServiceKind::kCustody,
                                  ServiceKind::kReview};
constexpr size_t kPemLine = 64;

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<uint8_t>(c) >> 4]);
    out.push_back(kDigits[static_cast<uint8_t>(c) & 15]);
  }
  return out;
}

std::string Pem(const PublicKey& key) {
  const std::string base64 = Base64Encode(key.spki());
  std::string pem = "-----BEGIN PUBLIC KEY-----\n";
  for (size_t i = 0; i < base64.size(); i += kPemLine) pem += base64.substr(i, kPemLine) + "\n";
  return pem + "-----END PUBLIC KEY-----\n";
}

std::string ServiceUri(const Topology& topology, const RegionInfo& region, ServiceKind kind) {
  return "spiffe://" + topology.TrustDomain(region.id) + "/operator/" +
         region.service(kind).operator_name + "/" + std::string(Name(kind)) + "/0";
}

absl::StatusOr<ordered_json> ServiceJson(const Topology& topology, const RegionInfo& region,
                                         ServiceKind kind) {
  const ServiceInfo& service = region.service(kind);
  const std::string origin = topology.LogOrigin(region.id, kind);
  ordered_json out = {{"endpoint", service.address},
                      {"certificate_uri", ServiceUri(topology, region, kind)},
                      {"operator", service.operator_name},
                      {"can_compel", topology.CanCompel(region.id, kind)}};
  ordered_json log = {{"origin", origin}, {"url", service.log_url}};
  if (service.log_key.has_value()) {
    log["public_key"] = Base64Encode(service.log_key->spki());
    ASSIGN_OR_RETURN(const std::string raw, Ed25519RawFromSpki(service.log_key->spki()));
    log["verifier_key"] = NoteVerifierKey(origin, raw);
  }
  out["log"] = std::move(log);
  return out;
}

absl::StatusOr<ordered_json> RegionJson(const Topology& topology, const RegionInfo& region) {
  ordered_json services = ordered_json::object();
  for (const ServiceKind kind : kKinds) {
    ASSIGN_OR_RETURN(services[std::string(Name(kind))], ServiceJson(topology, region, kind));
  }
  return ordered_json{{"title", region.title},
                      {"jurisdiction", region.jurisdiction},
                      {"trust_domain", topology.TrustDomain(region.id)},
                      {"root_certificate", region.root_certificate},
                      {"services", std::move(services)}};
}

ordered_json TerritoryJson(const TerritoryInfo& territory,
                           const std::optional<std::string>& region) {
  ordered_json homes = ordered_json::array();
  for (const HomeInfo& home : territory.homes) {
    // A client of one region needs the homes whose data or keys are there.
    if (region.has_value() && home.region.name() != *region && home.keys.name() != *region) {
      continue;
    }
    ordered_json entry = {{"region", home.region.name()},
                          {"from_ms", home.from},
                          {"announced_ms", home.announced},
                          {"window_end_ms", home.window_end},
                          {"terms", home.terms}};
    // What an account record must say of custody to be taken there.
    const CustodyPolicy policy = PolicyOf(PlacementOf(home));
    entry["custody_policy"] = {{"mode", static_cast<int>(policy.mode)},
                               {"mode_name", Name(policy.mode)},
                               {"regions", policy.regions}};
    homes.push_back(std::move(entry));
  }
  return {{"title", territory.title}, {"homes", std::move(homes)}};
}

bool Includes(const std::optional<std::string>& only, const RegionId& region) {
  return !only.has_value() || region.name() == *only;
}

absl::Status CheckRegion(const Topology& topology, const std::optional<std::string>& region) {
  if (!region.has_value() || topology.FindRegion(*region) != nullptr) return absl::OkStatus();
  std::string names;
  for (const auto& [id, info] : topology.regions()) {
    names += (names.empty() ? "" : ", ") + id.name();
  }
  return Refuse(Reason::kFieldInvalid,
                "there is no region \"" + *region + "\"; there are " + names);
}

// Writes what is not there or differs: a folder that others read changes as little as can be.
absl::Status Put(const std::string& path, const std::string& bytes) {
  if (FileExists(path)) {
    const absl::StatusOr<std::string> there = ReadFile(path);
    if (there.ok() && *there == bytes) return absl::OkStatus();
  }
  return WriteFileDurably(path, bytes, FileMode::kPublic);
}

}  // namespace

absl::StatusOr<std::string> BundleJson(const Topology& topology,
                                       const std::optional<std::string>& region) {
  RETURN_IF_ERROR(CheckRegion(topology, region));
  ordered_json out = {{"format", kBundleFormat},
                      {"deployment", topology.deployment()},
                      {"title", topology.title()},
                      {"development", topology.development()},
                      {"clock", topology.test_clock_start().has_value() ? "test" : "system"},
                      {"log_quorum", topology.log_quorum()}};
  out["topology"] = {{"serial", topology.serial()}, {"sha256", Hex(topology.digest().bytes())}};
  for (const auto& [code, title] : topology.jurisdictions()) out["jurisdictions"][code] = title;
  for (const auto& [name, info] : topology.operators()) {
    ordered_json entry = {{"title", info.title}, {"home_jurisdictions", info.home_jurisdictions}};
    if (info.key.has_value()) entry["public_key"] = Base64Encode(info.key->spki());
    out["operators"][name] = std::move(entry);
  }
  for (const auto& [id, info] : topology.regions()) {
    if (!Includes(region, id)) continue;
    ASSIGN_OR_RETURN(out["regions"][id.name()], RegionJson(topology, info));
  }
  for (const auto& [code, territory] : topology.territories()) {
    ordered_json entry = TerritoryJson(territory, region);
    if (!entry["homes"].empty()) out["territories"][code] = std::move(entry);
  }
  out["terms"] = ordered_json::object();
  for (const auto& [version, terms] : topology.terms()) {
    out["terms"][version] = {
        {"title", terms.title}, {"text", terms.text}, {"sha256", Hex(terms.hash.bytes())}};
  }
  return out.dump(2) + "\n";
}

absl::Status WriteBundle(const Topology& topology, const std::string& topology_file,
                         const std::optional<std::string>& region, const std::string& directory) {
  ASSIGN_OR_RETURN(const std::string json, BundleJson(topology, region));
  RETURN_IF_ERROR(MakePrivateFolders(directory));
  for (const char* folder : {"/roots", "/operators", "/logs"}) {
    RETURN_IF_ERROR(MakePrivateFolders(directory + folder));
  }
  for (const char* suffix : {"", ".sig"}) {
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(topology_file + suffix));
    RETURN_IF_ERROR(Put(directory + "/topology.txtpb" + suffix, bytes));
  }
  for (const auto& [name, info] : topology.operators()) {
    if (info.key.has_value()) {
      RETURN_IF_ERROR(Put(directory + "/operators/" + name + ".pem", Pem(*info.key)));
    }
  }
  for (const auto& [id, info] : topology.regions()) {
    if (!Includes(region, id)) continue;
    RETURN_IF_ERROR(Put(directory + "/roots/" + id.name() + ".pem", info.root_certificate));
    for (const ServiceKind kind : kKinds) {
      const std::optional<PublicKey>& key = info.service(kind).log_key;
      if (!key.has_value()) continue;
      RETURN_IF_ERROR(Put(directory + "/logs/" + id.name() + "-" + std::string(Name(kind)) + ".pem",
                          Pem(*key)));
    }
  }
  return Put(directory + "/bundle.json", json);
}

}  // namespace comity
