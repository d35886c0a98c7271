#include "services/common/server/service_environment.h"

#include <chrono>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

#include "services/common/crypto/x509.h"
#include "services/common/server/reflection.h"
#include "services/common/server/worker_pool.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::chrono::milliseconds kDevelopmentInterval{200};
constexpr std::chrono::milliseconds kInterval{5'000};

absl::Status CheckKeyOf(const TlsIdentity& tls) {
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::FromPem(tls.private_key));
  ASSIGN_OR_RETURN(const ParsedCertificate certificate, ParseCertificate(tls.certificate));
  if (key.public_key().spki() != certificate.spki) {
    return Refuse(Reason::kCertificateInvalid,
                  "tls.key is not the key of the service's certificate");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckServiceResources(const ServiceResources& resources) {
  const Topology& topology = resources.topology;
  const RegionInfo* region = topology.FindRegion(resources.region);
  if (region == nullptr) {
    return Refuse(Reason::kTopologyInvalid, "no region \"" + resources.region.name() + "\"");
  }
  const UnixMillis now = resources.clock->Now();
  RETURN_IF_ERROR(CheckServerCertificate(resources.tls.certificate, topology, resources.region,
                                         resources.kind, now));
  RETURN_IF_ERROR(CheckKeyOf(resources.tls));
  ASSIGN_OR_RETURN(
      const PublicKey endorsed,
      topology.VerifyEndorsement(resources.endorsement, resources.region, resources.kind, now));
  if (endorsed.id() != resources.statement_key.public_key().id()) {
    return Refuse(Reason::kEndorsementMissing, "the endorsement is of another statement key");
  }
  const std::optional<PublicKey>& log_key = region->service(resources.kind).log_key;
  if (log_key.has_value() && resources.log != nullptr &&
      log_key->id() != resources.log->public_key().id()) {
    return Refuse(Reason::kTopologyInvalid, "the topology names another log key");
  }
  if (resources.roster == nullptr || resources.roster->region() != resources.region) {
    return Refuse(Reason::kSignatureInvalid, "no roster of this region");
  }
  return absl::OkStatus();
}

struct ServiceEnvironment::Tickers {
  struct Ticker {
    std::string name;
    std::function<void()> tick;
  };

  Tickers(ServiceLog* l, std::chrono::milliseconds i) : log(l), interval(i) {}

  void RunAll() {
    for (const Ticker& ticker : tickers) {
      try {
        ticker.tick();
      } catch (const std::exception& error) {
        log->Error("ticker failed", {{"ticker", ticker.name}, {"cause", HideIds(error.what())}});
      }
    }
  }

  void Run() {
    while (true) {
      RunAll();
      absl::MutexLock lock(&mutex);
      mutex.AwaitWithTimeout(absl::Condition(this, &Tickers::StopsOrIsWanted),
                             absl::FromChrono(interval));
      if (stops) {
        return;
      }
      wanted = false;
    }
  }
  bool StopsOrIsWanted() const ABSL_SHARED_LOCKS_REQUIRED(mutex) { return stops || wanted; }

  ServiceLog* const log;
  const std::chrono::milliseconds interval;
  std::vector<Ticker> tickers;  // fixed once the thread runs
  mutable absl::Mutex mutex;
  bool stops ABSL_GUARDED_BY(mutex) = false;
  bool wanted ABSL_GUARDED_BY(mutex) = false;
  std::thread thread;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

ServiceEnvironment::ServiceEnvironment(ServiceResources resources,
                                       const ServiceDefinition& definition)
    : resources_(std::move(resources)),
      operator_name_(topology().FindRegion(region())->service(kind()).operator_name),
      log_(std::make_unique<ServiceLog>(resources_.log_level, resources_.log_format)),
      guard_(std::make_unique<Guard>(Guard::Options{.topology = topology(),
                                                    .region = region(),
                                                    .kind = kind(),
                                                    .rules = WithReflection(definition.rules),
                                                    .roster = resources_.roster,
                                                    .clock = resources_.clock.get()})),
      peers_(std::make_unique<Peers>(Peers::Options{
          .topology = topology(),
          .identity = {resources_.tls.certificate, resources_.tls.private_key.Clone()},
          .clock = resources_.clock.get(),
          .addresses = resources_.addresses,
          .names_topology = true})),
      calls_(std::make_unique<CallEnvironment>(
          CallEnvironment::Options{.guard = guard_.get(),
                                   .log = log_.get(),
                                   .audit = resources_.audit.get(),
                                   .protective_methods = definition.protective_methods,
                                   .limits = definition.limits,
                                   .frequent_methods = definition.frequent_methods,
                                   .pool_threads = definition.pool_threads,
                                   .pool_queue = definition.pool_queue})),
      metrics_(std::make_unique<Metrics>()),
      tickers_(std::make_unique<Tickers>(
          log_.get(), topology().development() ? kDevelopmentInterval : kInterval)) {
  const auto measured = std::make_shared<MeasuredRecordStore>(std::move(resources_.records));
  resources_.records = measured;
  AddMetrics(*measured);
  if (resources_.audit != nullptr) KeepAudit();
}

void ServiceEnvironment::AddMetrics(const MeasuredRecordStore& records) {
  Metrics& metrics = *metrics_;
  metrics.AddCalls(&calls_->stats());
  metrics.AddProcess();
  metrics.AddGauge("comity_info", "1, with what this service is in its labels.", [] { return 1.0; },
                   {{"deployment", topology().deployment()},
                    {"region", region().name()},
                    {"service", std::string(Name(kind()))},
                    {"operator", operator_name()},
                    {"version", COMITY_VERSION}});
  metrics.AddGauge("comity_topology_serial", "Serial of the topology in force.",
                   [this] { return static_cast<double>(topology().serial()); });
  metrics.AddGauge("comity_draining", "1 while the service refuses new calls to stop, else 0.",
                   [this] { return calls_->draining() ? 1.0 : 0.0; });
  metrics.AddGauge("comity_pool_waiting", "Calls that wait for a worker.",
                   [this] { return static_cast<double>(calls_->pool().waiting()); });
  metrics.AddHistogram("comity_commit_seconds", "How long commits to the record store took.",
                       &records.commits());
  metrics.AddCounter("comity_commit_conflicts_total",
                     "Commits that met another one and were decided anew.",
                     [&records] { return static_cast<double>(records.conflicts()); });
  metrics.AddCounter("comity_commit_failures_total",
                     "Commits that the store refused or whose outcome is unknown.",
                     [&records] { return static_cast<double>(records.failures()); });
  metrics.AddGauge("comity_owed_erasures",
                   "Values that were erased and may still be in some file of the store.",
                   [&records] { return static_cast<double>(records.owed_erasures()); });
  if (resources_.backup != nullptr) {
    metrics.AddGauge("comity_backup_in_step",
                     "1 while everything that is acknowledged is in the backup first; 0: nothing "
                     "is taken until the service is started again.",
                     [this] { return resources_.backup->in_step() ? 1.0 : 0.0; });
  }
  if (resources_.log != nullptr) {
    metrics.AddGauge("comity_log_leaves", "Leaves in the service's own log.",
                     [this] { return static_cast<double>(transparency_log().size()); });
  }
}

void ServiceEnvironment::KeepAudit() {
  AuditLog& audit = *resources_.audit;
  audit_keeper_ = std::make_unique<AuditKeeper>(
      &audit, resources_.log.get(), resources_.clock.get(), region(), resources_.audit_keep_ms);
  RegisterTicker("audit", [this] {
    if (const absl::Status kept = audit_keeper_->Tick(); !kept.ok()) log_->Error("audit log", kept);
  });
  metrics_->AddCounter("comity_audit_records_total", "Audit records on disk, of all runs.",
                       [&audit] { return static_cast<double>(audit.end().next - 1); });
  metrics_->AddGauge(
      "comity_audit_stopped",
      "1 while calls are refused because audit records cannot be written, else 0.",
      [&audit] { return audit.Check(std::chrono::steady_clock::now()).ok() ? 0.0 : 1.0; });
}

ServiceEnvironment::~ServiceEnvironment() { StopTickers(); }

absl::StatusOr<std::unique_ptr<ServiceEnvironment>> ServiceEnvironment::Create(
    ServiceResources resources, const ServiceDefinition& definition) {
  COMITY_CHECK(resources.kind == definition.kind);
  RETURN_IF_ERROR(CheckServiceResources(resources));
  ASSIGN_OR_RETURN(
      std::unique_ptr<ServiceSigner> signer,
      ServiceSigner::Open(resources.topology.deployment(), resources.region, resources.kind,
                          std::move(resources.statement_key), resources.endorsement,
                          resources.records.get(), resources.clock.get()));
  std::unique_ptr<ServiceEnvironment> environment(
      new ServiceEnvironment(std::move(resources), definition));
  environment->signer_ = std::move(signer);
  return environment;
}

void ServiceEnvironment::RegisterTicker(std::string name, std::function<void()> tick) {
  tickers_->tickers.push_back({std::move(name), std::move(tick)});
}

bool ServiceEnvironment::stopping() const {
  absl::MutexLock lock(&tickers_->mutex);
  return tickers_->stops;
}

void ServiceEnvironment::TickSoon() {
  absl::MutexLock lock(&tickers_->mutex);
  tickers_->wanted = true;
}

void ServiceEnvironment::TickOnce() { tickers_->RunAll(); }

void ServiceEnvironment::StartTickers() {
  tickers_->thread = std::thread([this] { tickers_->Run(); });
}

void ServiceEnvironment::StopTickers() {
  {
    absl::MutexLock lock(&tickers_->mutex);
    tickers_->stops = true;
  }
  if (tickers_->thread.joinable()) {
    tickers_->thread.join();
  }
}

void ServiceEnvironment::FillStatus(comity::common::v1::ServiceStatus& status) {
  status.set_deployment(topology().deployment());
  status.set_region(region().name());
  status.set_service(std::string(Name(kind())));
  status.set_operator_(operator_name());
  status.set_development(topology().development());
  status.set_time_ms(Now());
  status.set_topology_serial(topology().serial());
  status.set_topology_digest(std::string(topology().digest().bytes()));
  status.set_roster_number(roster().number());
  status.set_log_size(transparency_log().size());
  status.set_log_quorum(topology().log_quorum());
  status.set_version(COMITY_VERSION);
  status.set_uptime_seconds(
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::steady_clock::now() - tickers_->started)
                                .count()));
  status.set_log_url(topology().FindRegion(region())->service(kind()).log_url);
}

}  // namespace comity
