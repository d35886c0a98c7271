#include <algorithm>
#include <set>
#include <string_view>

#include "services/common/crypto/x509.h"
#include "services/common/status/macros.h"
#include "services/common/topology/reader_rules.h"

// Regions with their services, and the borders between them.
namespace comity::internal {
namespace {

namespace pb = comity::topology::v1;

constexpr size_t kMaxSealHolders = 16;
constexpr uint32_t kMaxSealLeaseDays = 3'650;
// PKCS#11 gives a token's label 32 bytes, filled up with spaces.
constexpr size_t kMaxTokenLabel = 32;
constexpr size_t kMaxKeyLabel = 64;

// What no two services or regions of the file may share.
struct Taken {
  std::set<std::string> addresses;
  std::set<std::string> log_urls;
  std::set<SigningKeyId> log_keys;
  std::set<std::string> root_keys;  // SPKI
};

bool IsLogUrl(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (url.starts_with(scheme)) return IsHostPort(url.substr(scheme.size()));
  }
  return false;
}

// A label of something in a token. What fills it up or cannot be seen would make two labels of one.
bool IsLabel(std::string_view text, size_t max) {
  return !text.empty() && text.size() <= max && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

absl::Status ReadPkcs11Seal(const pb::Pkcs11Seal& seal, const Place& place,
                            const std::string& subject, ServiceInfo& info) {
  const auto broken = [&](std::string_view field, size_t max) {
    return place.Broken(field, subject + ": " + std::string(field) + " has 1 to " +
                                   std::to_string(max) +
                                   " printable ASCII characters, no space at either end");
  };
  if (!IsLabel(seal.token_label(), kMaxTokenLabel)) return broken("token_label", kMaxTokenLabel);
  if (!IsLabel(seal.key_label(), kMaxKeyLabel)) return broken("key_label", kMaxKeyLabel);
  info.pkcs11_seal = Pkcs11SealInfo{seal.token_label(), seal.key_label()};
  return absl::OkStatus();
}

// Who the holders are is checked when the people are read.
absl::Status ReadShamirSeal(const pb::ShamirSeal& seal, const Place& place,
                            const std::string& subject, const TopologyData& data,
                            ServiceInfo& info) {
  ShamirSealInfo read{seal.threshold(), {}, seal.lease_days()};
  if (read.lease_days > kMaxSealLeaseDays) {
    return place.Broken("lease_days", subject + ": a lease has at most " +
                                          std::to_string(kMaxSealLeaseDays) + " days");
  }
  std::set<std::string> persons;
  for (int i = 0; i < seal.holders_size(); ++i) {
    const pb::SealHolder& holder = seal.holders(i);
    if (!persons.insert(holder.person()).second) {
      return place.Of("holders", i)
          .Broken("person", subject + ": " + Quote(holder.person()) + " holds two shares");
    }
    if (!data.jurisdictions.contains(holder.residence())) {
      return place.Of("holders", i)
          .Broken("residence", subject + ": no such jurisdiction " + Quote(holder.residence()));
    }
    read.holders.push_back({holder.person(), holder.residence()});
  }
  if (read.threshold < 2 || read.threshold > read.holders.size() ||
      read.holders.size() > kMaxSealHolders) {
    return place.Broken("threshold", subject + ": a seal is opened by 2 or more of at most " +
                                         std::to_string(kMaxSealHolders) + " holders");
  }
  info.shamir_seal = std::move(read);
  return absl::OkStatus();
}

absl::Status ReadSeal(const pb::Service& service, const Place& here, const std::string& subject,
                      const TopologyData& data, ServiceInfo& info) {
  if (service.seal_case() == pb::Service::SEAL_NOT_SET) return absl::OkStatus();
  const bool shamir = service.has_shamir_seal();
  const std::string_view field = shamir ? "shamir_seal" : "pkcs11_seal";
  if (info.kind != ServiceKind::kCustody) {
    return here.Broken(field, subject + ": only custody has a seal");
  }
  const Place place = here.Of(field, -1);
  return shamir ? ReadShamirSeal(service.shamir_seal(), place, subject, data, info)
                : ReadPkcs11Seal(service.pkcs11_seal(), place, subject, info);
}

absl::StatusOr<ServiceInfo> ReadService(const pb::Service& service, const std::string& region,
                                        const Place& here, bool as_template,
                                        const TopologyData& data, Taken& taken) {
  const std::optional<ServiceKind> kind = KindFromProto(service.kind());
  if (!kind.has_value()) {
    return here.Broken("kind", "region " + Quote(region) + ": a service without a kind");
  }
  const std::string subject = std::string(Name(*kind)) + " of " + Quote(region);
  ServiceInfo info{*kind,        service.operator_(), service.address(), service.log_url(),
                   std::nullopt, std::nullopt,        std::nullopt};
  if (!data.operators.contains(info.operator_name)) {
    return here.Broken("operator", subject + ": no such operator " + Quote(info.operator_name));
  }
  if (!info.address.empty() || !as_template) {
    if (!IsHostPort(info.address)) {
      return here.Broken("address",
                         subject + ": address " + Quote(info.address) + " is not host:port");
    }
    if (!taken.addresses.insert(info.address).second) {
      return here.Broken("address", subject + ": has the address of another service");
    }
  }
  if (!info.log_url.empty() || !as_template) {
    if (!IsLogUrl(info.log_url)) {
      return here.Broken("log_url", subject + ": log_url " + Quote(info.log_url) +
                                        " is not http://host:port or https://host:port");
    }
    if (!taken.log_urls.insert(info.log_url).second) {
      return here.Broken("log_url", subject + ": has the log_url of another service");
    }
  }
  if (!service.log_key().empty() || !as_template) {
    absl::StatusOr<PublicKey> key = PublicKey::FromSpki(service.log_key());
    if (!key.ok() || key->algorithm() != SignatureAlgorithm::kEd25519) {
      return here.Broken("log_key", subject + ": log_key is not an Ed25519 key");
    }
    if (!taken.log_keys.insert(key->id()).second) {
      return here.Broken("log_key", subject + ": has the log key of another service");
    }
    info.log_key = *std::move(key);
  }
  RETURN_IF_ERROR(ReadSeal(service, here, subject, data, info));
  return info;
}

absl::Status CheckRoot(const pb::Region& region, const Place& here, const std::string& subject,
                       const std::string& domain, Taken& taken) {
  const absl::StatusOr<ParsedCertificate> root = ParseCertificate(region.root_certificate());
  if (!root.ok()) {
    return here.Broken("root_certificate", subject + ": root_certificate is not one certificate");
  }
  if (!root->is_ca || !root->self_signed) {
    return here.Broken("root_certificate",
                       subject + ": root_certificate is not a self-signed authority");
  }
  // A root that may vouch for any name could make services of another region.
  if (root->permitted_uri_host != domain) {
    return here.Broken("root_certificate",
                       subject + ": root_certificate is not constrained to " + domain);
  }
  if (!taken.root_keys.insert(root->spki).second) {
    return here.Broken("root_certificate", subject + ": has the root key of another region");
  }
  return absl::OkStatus();
}

absl::StatusOr<RegionInfo> ReadRegion(const pb::Region& region, const Place& here, bool as_template,
                                      const TopologyData& data, Taken& taken) {
  const std::string subject = "region " + Quote(region.name());
  const absl::StatusOr<RegionId> id = RegionId::Create(region.name());
  if (!id.ok()) {
    return here.Broken("name", subject + ": a name is 1 to 16 of a-z, 0-9 and -, first a letter");
  }
  if (data.regions.contains(*id)) return here.Broken("name", subject + ": listed twice");
  if (!IsTitle(region.title())) return here.Broken("title", subject + ": needs a title");
  if (!data.jurisdictions.contains(region.jurisdiction())) {
    return here.Broken("jurisdiction",
                       subject + ": no such jurisdiction " + Quote(region.jurisdiction()));
  }
  if (!region.root_certificate().empty() || !as_template) {
    RETURN_IF_ERROR(CheckRoot(region, here, subject, region.name() + "." + data.deployment, taken));
  }
  RegionInfo info{*id, region.title(), region.jurisdiction(), region.root_certificate(), {}};
  for (int i = 0; i < region.services_size(); ++i) {
    const Place service_here = here.Of("services", i);
    ASSIGN_OR_RETURN(ServiceInfo service, ReadService(region.services(i), region.name(),
                                                      service_here, as_template, data, taken));
    const ServiceKind kind = service.kind;
    if (!info.services.emplace(kind, std::move(service)).second) {
      return service_here.Broken("kind",
                                 subject + ": has two services of kind " + std::string(Name(kind)));
    }
  }
  for (const ServiceKind kind :
       {ServiceKind::kStorage, ServiceKind::kCustody, ServiceKind::kReview}) {
    if (!info.services.contains(kind)) {
      return here.Broken("name", subject + ": has no " + std::string(Name(kind)));
    }
  }
  return info;
}

}  // namespace

absl::Status ReadRegions(const pb::Topology& file, const Place& place, bool as_template,
                         TopologyData& data) {
  Taken taken;
  for (int i = 0; i < file.regions_size(); ++i) {
    ASSIGN_OR_RETURN(RegionInfo region,
                     ReadRegion(file.regions(i), place.Of("regions", i), as_template, data, taken));
    const RegionId id = region.id;
    data.regions.emplace(id, std::move(region));
  }
  if (data.regions.empty()) return place.Broken("regions", "regions: at least one");
  return absl::OkStatus();
}

absl::Status ReadBorders(const pb::Topology& file, const Place& place, TopologyData& data) {
  std::set<std::pair<std::string, std::string>> seen;
  for (int i = 0; i < file.borders_size(); ++i) {
    const pb::Border& border = file.borders(i);
    const Place here = place.Of("borders", i);
    const std::string subject = "border from " + Quote(border.from());
    const RegionInfo* from = FindRegion(data, border.from());
    const RegionInfo* to = FindRegion(data, border.to());
    if (from == nullptr) {
      return here.Broken("from", subject + ": no such region " + Quote(border.from()));
    }
    if (to == nullptr) {
      return here.Broken("to", subject + ": no such region " + Quote(border.to()));
    }
    if (from == to) return here.Broken("to", subject + ": leads to the same region");
    if (!seen.emplace(border.from(), border.to()).second) {
      return here.Broken("to", subject + ": listed twice to " + Quote(border.to()));
    }
    if (border.kinds().empty()) {
      return here.Broken("kinds", subject + ": names no kind of service that may cross");
    }
    for (int j = 0; j < border.kinds_size(); ++j) {
      const std::optional<ServiceKind> kind = KindFromProto(border.kinds(j));
      if (!kind.has_value()) {
        return here.Broken("kinds", subject + ": no such kind of service", j);
      }
      if (!data.borders.emplace(from->id, to->id, *kind).second) {
        return here.Broken("kinds", subject + ": names " + std::string(Name(*kind)) + " twice", j);
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace comity::internal
