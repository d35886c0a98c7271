#include "services/custody/custody_service_definition.h"

#include <string>
#include <utility>

#include "services/common/limits/rate_limits.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/backup_opening.h"
#include "services/custody/custody.h"
#include "services/custody/custody_service.h"
#include "services/custody/kept_root_backup.h"
#include "services/custody/leaf_log.h"
#include "services/custody/make_seal.h"
#include "services/custody/peer_custody_client.h"
#include "services/custody/store_check.h"
#include "services/custody/stored_account_store.h"
#include "services/custody/stored_root_mark.h"

namespace comity::custody {
namespace {

// What blocks here waits for the disk, and most of all for the log: the more wait together, the
// more share a sync.
constexpr size_t kPoolThreads = 256;
constexpr size_t kPoolQueue = 1024;

Site SiteOf(ServiceEnvironment& environment, RateLimits* limits, RootBackup* backup) {
  Site site;
  site.topology = &environment.topology();
  site.roster = &environment.roster();
  site.clock = &environment.clock();
  site.signer = &environment.signer();
  site.region = environment.region();
  site.operator_name = environment.operator_name();
  const RegionInfo* region = environment.topology().FindRegion(environment.region());
  if (const auto& shamir = region->service(ServiceKind::kCustody).shamir_seal) {
    site.seal_lease_ms = int64_t{shamir->lease_days} * kDayMs;
  }
  site.limits = limits;
  site.backup = backup;
  site.report = [&environment](std::string_view event, const absl::Status& status) {
    environment.log().Error(event, status);
  };
  return site;
}

class CustodyInstance final : public ServiceInstance {
 public:
  CustodyInstance(ServiceEnvironment& environment, std::unique_ptr<Seal> seal)
      : seal_(std::move(seal)),
        limits_(environment.rates()),
        backup_(environment.backup()),
        store_(&environment.records()),
        log_(&environment.transparency_log()),
        peers_(&environment.peers()),
        custody_(
            SiteOf(environment, &limits_, environment.backup() == nullptr ? nullptr : &backup_),
            seal_.get(), &store_, &log_, &peers_),
        service_(MakeCustodyService(&environment, &custody_)) {}

  Custody& custody() { return custody_; }
  const RateLimits& limits() const { return limits_; }
  std::vector<grpc::Service*> GrpcServices() override { return {service_.get()}; }

 private:
  const std::unique_ptr<Seal> seal_;
  RateLimits limits_;
  KeptRootBackup backup_;  // unused where no backup is kept
  StoredAccountStore store_;
  TransparencyLeafLog log_;
  PeerCustodyClient peers_;
  Custody custody_;
  std::unique_ptr<grpc::Service> service_;
};

void AddMetrics(ServiceEnvironment& environment, const Custody& custody, const RateLimits& limits) {
  Metrics& metrics = environment.metrics();
  for (const LimitInfo& info : AllLimits()) {
    metrics.AddCounter(
        "comity_limited_total", "Calls refused because they were above a rate, by its name.",
        [&limits, limit = info.limit] { return static_cast<double>(limits.refused(limit)); },
        {{"limit", std::string(info.name)}});
  }
  metrics.AddGauge("comity_accounts", "Accounts known here.",
                   [&custody] { return static_cast<double>(custody.known_accounts()); });
  metrics.AddGauge("comity_accounts_counting",
                   "1 while accounts are still being counted after a start, else 0.",
                   [&custody] { return custody.counting_accounts() ? 1.0 : 0.0; });
  metrics.AddGauge("comity_key_cache_accounts", "Accounts whose keys are open in memory.",
                   [&custody] { return static_cast<double>(custody.cache().size()); });
  metrics.AddCounter("comity_key_cache_loads_total",
                     "How often keys of an account were opened from the store.",
                     [&custody] { return static_cast<double>(custody.cache().loads()); });
  metrics.AddGauge("comity_seal_lease_end_seconds",
                   "When custody seals itself, Unix time; 0: sealed, or no lease.", [&custody] {
                     return static_cast<double>(custody.vault().state().lease_end) / kSecondMs;
                   });
  metrics.AddGauge("comity_root_rotation_running",
                   "1 while keys are being sealed anew under another root key, else 0.",
                   [&custody] { return custody.vault().state().resealing ? 1.0 : 0.0; });
  metrics.AddGauge("comity_root_rotation_accounts",
                   "Accounts gone through by the rotation of the root key that runs; else 0.",
                   [&custody] { return static_cast<double>(custody.vault().state().resealed); });
  metrics.AddGauge("comity_sealed", "1 while the root key is absent, else 0.",
                   [&custody] { return custody.vault().CheckOpen().ok() ? 0.0 : 1.0; });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Seal>> MakeSeal(ServiceEnvironment& environment) {
  return MakeSealAt({.topology = environment.topology(),
                     .region = environment.region(),
                     .directory = environment.directory(),
                     .token = environment.token(),
                     .mark = std::make_unique<StoredRootMark>(&environment.records())});
}

ServiceDefinition CustodyDefinition(SealFactory make_seal) {
  ServiceDefinition definition;
  definition.kind = ServiceKind::kCustody;
  definition.rules = CustodyRules();
  definition.frequent_methods = CustodyFrequentMethods();
  definition.pool_threads = kPoolThreads;
  definition.pool_queue = kPoolQueue;
  definition.audited = true;
  definition.protective_methods = CustodyProtectiveMethods();
  definition.check_store = CheckCustodyStore;
  definition.backup = {.opening_files = {kShamirFile, kWrappedRootFile},
                       .left_out = {kRootKeyFile},
                       .open = OpenCustodyBackup};
  definition.make =
      [make_seal = std::move(make_seal)](
          ServiceEnvironment& environment) -> absl::StatusOr<std::unique_ptr<ServiceInstance>> {
    ASSIGN_OR_RETURN(std::unique_ptr<Seal> seal, make_seal(environment));
    if (seal->committee_differs()) {
      environment.log().Error("the topology names other holders of the root key than have shares",
                              Refuse(Reason::kStateNotReady, "they get theirs by rotate-root"));
    }
    auto instance = std::make_unique<CustodyInstance>(environment, std::move(seal));
    RETURN_IF_ERROR(instance->custody().Start());
    AddMetrics(environment, instance->custody(), instance->limits());
    environment.calls().SetArrivalCheck(CustodyArrivalCheck(&instance->custody().site()));
    environment.RegisterTicker("custody", [&environment, custody = &instance->custody()] {
      custody->Tick([&environment] { return environment.stopping(); });
    });
    return instance;
  };
  return definition;
}

}  // namespace comity::custody
