#ifndef COMITY_COMMON_TOPOLOGY_TOPOLOGY_H_
#define COMITY_COMMON_TOPOLOGY_TOPOLOGY_H_

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/account.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/operator.h"

// The deployment as one immutable value, read from the topology file (docs/topology.md). Code knows
// no country names: everything that differs between deployments is here.
namespace comity {

struct OperatorInfo {
  std::string name;
  std::string title;
  std::vector<std::string> home_jurisdictions;
  std::vector<std::string> overseers;
  std::optional<PublicKey> key;
};

struct SealHolderInfo {
  std::string person;
  std::string residence;  // code of a jurisdiction
  friend bool operator==(const SealHolderInfo&, const SealHolderInfo&) = default;
};

// The root key of a custody, split among persons.
struct ShamirSealInfo {
  uint32_t threshold = 0;
  std::vector<SealHolderInfo> holders;
  uint32_t lease_days = 0;  // custody seals itself after so many, unless renewed; 0: it does not
  // "shamir 2 of 3": as it stands in statuses and key locations.
  std::string Description() const;
  friend bool operator==(const ShamirSealInfo&, const ShamirSealInfo&) = default;
};

// The root key of a custody, wrapped by a key in a PKCS#11 token.
struct Pkcs11SealInfo {
  std::string token_label;
  std::string key_label;
  // "pkcs11 token custody-us": as it stands in statuses and key locations.
  std::string Description() const;
  friend bool operator==(const Pkcs11SealInfo&, const Pkcs11SealInfo&) = default;
};

struct ServiceInfo {
  ServiceKind kind = ServiceKind::kStorage;
  std::string operator_name;
  std::string address;  // host:port
  std::string log_url;
  std::optional<PublicKey> log_key;
  // Custody only, at most one of them; none = a key file.
  std::optional<ShamirSealInfo> shamir_seal;
  std::optional<Pkcs11SealInfo> pkcs11_seal;
};

struct RegionInfo {
  RegionId id;
  std::string title;
  std::string jurisdiction;
  std::string root_certificate;  // PEM
  std::map<ServiceKind, ServiceInfo> services;
  const ServiceInfo& service(ServiceKind kind) const { return services.at(kind); }
};

struct TermsInfo {
  std::string version;
  std::string title;
  std::string text;
  Digest hash;  // SHA-256(text)
};

struct HomeInfo {
  RegionId region;
  UnixMillis from = 0;        // 0 = from the beginning
  UnixMillis announced = 0;   // <= from
  UnixMillis window_end = 0;  // 0 = none
  std::string terms;          // version; empty = none
  RegionId keys;              // whose custody keeps the keys; `region` unless exclave
  bool resident() const { return keys == region; }
};

struct TerritoryInfo {
  std::string code;  // "*" = every other
  std::string title;
  std::vector<HomeInfo> homes;  // by date, at least one, first with from = 0
};

struct ReviewRulesInfo {
  uint32_t notice_days = 7;
  uint32_t authorisation_hours = 72;
  uint32_t cap_content = 5;
  uint32_t cap_records = 25;
  uint32_t cap_subscriber = 250;
  uint32_t max_range_days = 366;
  uint32_t bulk_window_days = 30;
  uint32_t standard_days = 10;
  uint32_t clarification_days = 5;
  bool custody_operator_approves = false;
  // Accounts per request for the strictest of the classes.
  uint32_t CapFor(const std::vector<DataClass>& classes) const;
};

struct PersonTemplate {
  RegionId region;
  std::string name;
  std::vector<PersonRole> roles;
  std::string organisation;
  std::string enrolled_by;
};

class Topology final {
 public:
  // Parses and checks every rule. TOPOLOGY_INVALID says line and why. With `as_template`, keys,
  // certificates, addresses and log URLs may be absent.
  static absl::StatusOr<Topology> Parse(std::string_view text, bool as_template = false);
  // Reads <path>, and, unless a template, <path>.sig: verifies the signatures of all operators.
  static absl::StatusOr<Topology> Load(const std::string& path);

  uint64_t serial() const;
  const Digest& digest() const;  // SHA-256 of the exact bytes
  const std::string& deployment() const;
  const std::string& title() const;
  bool development() const;
  std::optional<UnixMillis> test_clock_start() const;
  const std::string& log_quorum() const;

  const std::map<RegionId, RegionInfo>& regions() const;
  const RegionInfo* FindRegion(const RegionId& id) const;
  const RegionInfo* FindRegion(std::string_view name) const;
  const std::map<std::string, OperatorInfo>& operators() const;
  const std::map<std::string, std::string>& jurisdictions() const;  // code -> title
  const std::map<std::string, TermsInfo>& terms() const;
  const TermsInfo* FindTerms(const Digest& hash) const;
  const std::vector<PersonTemplate>& people() const;
  const ReviewRulesInfo& review_rules(const RegionId& region) const;  // defaults when not listed
  const TerritoryInfo& territory(std::string_view code) const;        // falls back to "*"
  const std::map<std::string, TerritoryInfo>& territories() const;

  bool BorderAllows(const RegionId& from, const RegionId& to, ServiceKind kind) const;

  // Trust domain of a region: "<region>.<deployment>".
  std::string TrustDomain(const RegionId& region) const;
  // Log origin: "<deployment>/<region>/<service>".
  std::string LogOrigin(const RegionId& region, ServiceKind kind) const;

  // *Able to compel a service*: law of its place, its operator's home laws, and every jurisdiction
  // in which as many holders of seal shares live as open its seal. Sorted codes. The one function
  // behind attestations, consent texts, exposure and drills.
  std::vector<std::string> CanCompel(const RegionId& region, ServiceKind kind) const;
  // Union over storage, custody and review of the region.
  std::vector<std::string> CanCompelRegion(const RegionId& region) const;

  // Does `endorsement` make `key` the statement key of this service now? Returns the key.
  // ENDORSEMENT_MISSING otherwise.
  absl::StatusOr<PublicKey> VerifyEndorsement(const Statement& endorsement, const RegionId& region,
                                              ServiceKind kind, UnixMillis now) const;

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

}  // namespace comity

#endif  // COMITY_COMMON_TOPOLOGY_TOPOLOGY_H_
