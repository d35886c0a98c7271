#include "services/common/server/service_main.h"

#include <csignal>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "absl/synchronization/mutex.h"

#include "services/common/audit/audit_head.h"
#include "services/common/backup/backup.h"
#include "services/common/backup/backup_reader.h"
#include "services/common/crypto/digest.h"
#include "services/common/faults/border_relay.h"
#include "services/common/faults/faulty_stores.h"
#include "services/common/files/files.h"
#include "services/common/log/log_http.h"
#include "services/common/secret/arena.h"
#include "services/common/server/grpc_log.h"
#include "services/common/server/grpc_server.h"
#include "services/common/server/metrics.h"
#include "services/common/server/notify.h"
#include "services/common/server/restore_run.h"
#include "services/common/server/service_flags.h"
#include "services/common/server/service_folder.h"
#include "services/common/server/store_check_run.h"
#include "services/common/server/topology_mark.h"
#include "services/common/server/topology_pin.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"

namespace comity {
namespace {

constexpr int kViolated = 3;
// A batch of the log has two files, or four when it fills a tile.
constexpr size_t kLogWriteThreads = 4;

// The signed topology with the bytes it was read from.
struct TopologyFile {
  Topology topology;
  std::string text;
  Statement signature;
};

absl::StatusOr<TopologyFile> LoadTopology(const std::string& path) {
  TopologyFile file;
  ASSIGN_OR_RETURN(file.topology, Topology::Load(path));
  ASSIGN_OR_RETURN(file.text, ReadFile(path));
  ASSIGN_OR_RETURN(const std::string signature, ReadFile(path + ".sig"));
  ASSIGN_OR_RETURN(file.signature, DecodeStatement(signature));
  // Load() read the file on its own; a file that is being replaced is not followed half.
  if (Sha256Digest(file.text) != file.topology.digest()) {
    return Refuse(Reason::kTopologyInvalid, "the file changed while it was read");
  }
  return file;
}

absl::StatusOr<std::shared_ptr<const Clock>> OpenClock(const ServiceFlags& flags,
                                                       const Topology& topology) {
  if (flags.test_clock.empty()) {
    if (topology.test_clock_start().has_value()) {
      return Refuse(Reason::kTopologyInvalid,
                    "the topology has a test clock: pass its file with --test-clock");
    }
    return std::make_shared<const SystemClock>();
  }
  if (!topology.development()) {
    return Refuse(Reason::kNotDevelopment, "--test-clock");
  }
  ASSIGN_OR_RETURN(std::unique_ptr<FileClock> clock, FileClock::Open(flags.test_clock));
  return std::shared_ptr<const Clock>(std::move(clock));
}

// Null without --faults.
absl::StatusOr<std::shared_ptr<const FaultFile>> OpenFaults(const ServiceFlags& flags,
                                                            const Topology& topology) {
  if (flags.faults.empty()) {
    return std::shared_ptr<const FaultFile>();
  }
  if (!topology.development()) {
    return Refuse(Reason::kNotDevelopment, "--faults");
  }
  ASSIGN_OR_RETURN(std::unique_ptr<FaultFile> faults, FaultFile::Open(flags.faults));
  return std::shared_ptr<const FaultFile>(std::move(faults));
}

// What a process is born with suits programs that are small or run for a moment.
void TuneProcess() {
  // Debian's Abseil looks at the order of locks at each of them, gRPC's own included, which takes a
  // tenth of a small call. Tests do the looking.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Chunks and segments come and go by the megabyte: memory that went back to the kernel in between
  // would be cleared and mapped again page by page, at several times the cost of what is done with
  // it.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_TOP_PAD, 8 << 20);
  mallopt(M_ARENA_MAX, 4);
}

void RaiseToHardLimit(int resource) {
  rlimit limit{};
  if (getrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(static_cast<__rlimit_resource>(resource), &limit);
  }
}

// Secrets stay in memory: no core dumps, and none of them in swap.
absl::Status ProtectMemory(bool development, ServiceLog& log) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (!development) {
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  if (SecretArena::Get().stats().all_locked) {
    return absl::OkStatus();
  }
  constexpr char kCause[] =
      "memory for secrets cannot be locked: raise RLIMIT_MEMLOCK (LimitMEMLOCK= in a unit)";
  if (!development) {
    return Refuse(Reason::kStateNotReady, kCause);
  }
  log.Warn("secrets may be swapped", {{"cause", kCause}});
  return absl::OkStatus();
}

struct HostPort {
  std::string host;
  int port = 0;
};

// "http://host:port" -> its parts.
absl::StatusOr<HostPort> ParseLogUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  const size_t colon = url.rfind(':');
  HostPort result;
  if (url.starts_with(kScheme) && colon != std::string_view::npos && colon > kScheme.size()) {
    result.host = url.substr(kScheme.size(), colon - kScheme.size());
    const std::string port(url.substr(colon + 1));
    char* end = nullptr;
    const long number = std::strtol(port.c_str(), &end, 10);
    if (!port.empty() && *end == '\0' && number > 0 && number < 65536) {
      result.port = static_cast<int>(number);
      return result;
    }
  }
  return Refuse(Reason::kTopologyInvalid, "log_url is not http://host:port");
}

// Everything but the stores, loaded and checked.
struct Loaded {
  ServiceFlags flags;
  TopologyFile file;
  RegionId region;
  ServiceIdentity identity;
  std::shared_ptr<const Clock> clock;
  std::shared_ptr<const Roster> roster;
  std::shared_ptr<const FaultFile> faults;  // null: none
};

absl::StatusOr<Loaded> Load(const ServiceFlags& flags) {
  ASSIGN_OR_RETURN(TopologyFile file, LoadTopology(flags.topology));
  ASSIGN_OR_RETURN(RegionId region, RegionId::Create(flags.region));
  ASSIGN_OR_RETURN(std::shared_ptr<const Clock> clock, OpenClock(flags, file.topology));
  ASSIGN_OR_RETURN(std::shared_ptr<const FaultFile> faults, OpenFaults(flags, file.topology));
  ASSIGN_OR_RETURN(ServiceIdentity identity, LoadServiceIdentity(flags.directory));
  if (file.topology.FindRegion(region) == nullptr) {
    return Refuse(Reason::kTopologyInvalid, "no region \"" + region.name() + "\"");
  }
  ASSIGN_OR_RETURN(Roster roster, Roster::Verify(identity.roster, region, file.topology));
  return Loaded{.flags = flags,
                .file = std::move(file),
                .region = std::move(region),
                .identity = std::move(identity),
                .clock = std::move(clock),
                .roster = std::make_shared<const Roster>(std::move(roster)),
                .faults = std::move(faults)};
}

// The log key that a service holds must be the one by which the world knows its log.
absl::Status CheckLogKey(const Loaded& loaded, ServiceKind kind) {
  const std::optional<PublicKey>& key =
      loaded.file.topology.FindRegion(loaded.region)->service(kind).log_key;
  if (!key.has_value() || key->id() != loaded.identity.log_key.public_key().id()) {
    return Refuse(Reason::kTopologyInvalid, "log.key is not the log key in the topology");
  }
  return absl::OkStatus();
}

// A token that is named and not used would be a root key that lies somewhere else than its operator
// thinks.
absl::Status CheckToken(const Topology& topology, const RegionId& region, const ServiceFlags& flags,
                        ServiceKind kind) {
  if (kind != ServiceKind::kCustody) return absl::OkStatus();
  const bool wanted = topology.FindRegion(region)->service(kind).pkcs11_seal.has_value();
  const bool named = !flags.pkcs11_module.empty();
  if (wanted == named) return absl::OkStatus();
  return Refuse(Reason::kTopologyInvalid,
                wanted ? "it says that a token guards the root key here: pass --pkcs11-module and "
                         "--pkcs11-pin-file"
                       : "it says of no token that guards the root key here: leave out "
                         "--pkcs11-module and --pkcs11-pin-file");
}

ServiceResources ResourcesOf(Loaded& loaded, ServiceKind kind) {
  return ServiceResources{.topology = loaded.file.topology,
                          .region = loaded.region,
                          .kind = kind,
                          .directory = loaded.flags.directory,
                          .clock = loaded.clock,
                          .tls = std::move(loaded.identity.tls),
                          .statement_key = std::move(loaded.identity.statement_key),
                          .endorsement = loaded.identity.endorsement,
                          .roster = loaded.roster,
                          .log_level = loaded.flags.log_level,
                          .log_format = loaded.flags.log_format,
                          .rates = loaded.flags.rates,
                          .token = {loaded.flags.pkcs11_module, loaded.flags.pkcs11_pin_file}};
}

absl::Status CheckHasBackups(const ServiceDefinition& definition) {
  return definition.backup.open ? absl::OkStatus()
                                : Refuse(Reason::kStateNotReady, "this service has no backups");
}

// A copy that lies in what it is a copy of is lost with it.
absl::Status CheckBackupFolder(const ServiceFlags& flags) {
  std::error_code error;
  const auto own = std::filesystem::weakly_canonical(flags.directory, error).string() + "/";
  if (error) return Refuse(Reason::kStoreUnavailable, flags.directory + ": " + error.message());
  const auto backup = std::filesystem::weakly_canonical(flags.backup, error).string() + "/";
  if (error) return Refuse(Reason::kStoreUnavailable, flags.backup + ": " + error.message());
  if (backup.starts_with(own) || own.starts_with(backup)) {
    return Refuse(Reason::kStateNotReady, "--backup and --dir lie in each other");
  }
  return absl::OkStatus();
}

constexpr std::chrono::seconds kTellEvery{5};

// Puts the backup between the service and its stores.
absl::Status OpenBackup(const Loaded& loaded, const ServiceDefinition& definition,
                        const std::shared_ptr<ServiceLog>& log, ServiceResources& resources) {
  RETURN_IF_ERROR(CheckHasBackups(definition));
  RETURN_IF_ERROR(CheckBackupFolder(loaded.flags));
  ASSIGN_OR_RETURN(
      std::unique_ptr<Backup> backup,
      Backup::Open(
          {.folder = loaded.flags.backup,
           .deployment = loaded.file.topology.deployment(),
           .region = loaded.region,
           .kind = definition.kind,
           .identity = loaded.flags.directory + "/identity",
           .opening_files = definition.backup.opening_files,
           .left_out = definition.backup.left_out,
           .audit = definition.audited ? loaded.flags.directory + "/audit" : "",
           .clock = loaded.clock.get(),
           .progress =
               [log, told = std::chrono::steady_clock::now()](uint64_t done) mutable {
                 const auto now = std::chrono::steady_clock::now();
                 if (now - told < kTellEvery) return;
                 told = now;
                 log->Info("bringing the backup into step", {{"partitions", std::to_string(done)}});
               }},
          resources.records, resources.blobs));
  resources.backup = std::move(backup);
  resources.records = {resources.backup, &resources.backup->records()};
  resources.blobs = {resources.backup, &resources.backup->blobs()};
  return absl::OkStatus();
}

absl::Status OpenStores(Loaded& loaded, const ServiceDefinition& definition,
                        ServiceResources& resources) {
  const std::string store = loaded.flags.directory + "/store";
  RETURN_IF_ERROR(MakePrivateFolders(store));
  ASSIGN_OR_RETURN(resources.records, OpenRocksRecordStore(store));
  ASSIGN_OR_RETURN(resources.blobs, OpenFileBlobStore(store));
  const auto log = std::make_shared<ServiceLog>(loaded.flags.log_level, loaded.flags.log_format);
  if (loaded.faults != nullptr) {
    const auto faults = std::make_shared<StoreFaults>(
        loaded.faults, loaded.region.name() + "/" + std::string(Name(resources.kind)));
    resources.records = std::make_shared<FaultyRecordStore>(std::move(resources.records), faults);
    resources.blobs = std::make_shared<FaultyBlobStore>(std::move(resources.blobs), faults);
  }
  if (loaded.flags.backup.empty()) {
    RETURN_IF_ERROR(Backup::LeaveBehind(*resources.records));
  } else {
    RETURN_IF_ERROR(OpenBackup(loaded, definition, log, resources));
  }
  RETURN_IF_ERROR(PinTopology(*resources.records, loaded.file.topology, loaded.file.text,
                              loaded.file.signature));
  TransparencyLog::Options options{
      .origin = loaded.file.topology.LogOrigin(loaded.region, resources.kind),
      .partition_name = "log/" + std::string(Name(resources.kind)),
      .write_threads = kLogWriteThreads};
  ASSIGN_OR_RETURN(resources.log,
                   TransparencyLog::Open(std::move(options), std::move(loaded.identity.log_key),
                                         resources.records.get(), resources.blobs.get()));
  if (!definition.audited) return absl::OkStatus();
  resources.audit_keep_ms = int64_t{loaded.flags.audit_days} * kDayMs;
  ASSIGN_OR_RETURN(resources.audit,
                   AuditLog::Open({.directory = loaded.flags.directory + "/audit",
                                   .clock = loaded.clock.get(),
                                   .report =
                                       [log](const absl::Status& status) {
                                         if (status.ok())
                                           return log->Warn("audit log works again", {});
                                         log->Error("audit log: calls are refused", status);
                                       },
                                   .copy = resources.backup.get()}));
  return absl::OkStatus();
}

// Which topology a service follows is a public fact from the moment it serves by it; so is where
// its audit log stands.
absl::Status LogStart(ServiceEnvironment& environment) {
  Leaf leaf;
  leaf.type = "service.started";
  leaf.day = environment.Now() - environment.Now() % kDayMs;
  leaf.region = environment.region();
  const TopologyMark mark = MarkOf(environment.topology());
  leaf.clear = {{"topology_serial", std::to_string(mark.serial)},
                {"topology_digest", mark.digest_hex}};
  if (environment.audit() != nullptr) {
    leaf.clear[kAuditHeadField] = environment.audit()->end().hash.ToString();
  }
  // So is that it goes on from a backup, and from where.
  ASSIGN_OR_RETURN(const std::optional<uint64_t> restored, FindRestoredMark(environment.records()));
  if (restored.has_value()) leaf.clear["restored"] = std::to_string(*restored);
  RETURN_IF_ERROR(environment.transparency_log().Append(EncodeLeaf(leaf)).status());
  return restored.has_value() ? ClearRestoredMark(environment.records()) : absl::OkStatus();
}

// What the service manager is told: why it takes a while, and how long it may take.
std::string StoppingNotice(uint64_t running, std::chrono::seconds patience) {
  // Beyond what running calls get, the stores want to be closed.
  const std::chrono::microseconds all = patience + std::chrono::seconds(10);
  return "STOPPING=1\nSTATUS=" + std::to_string(running) + " calls may end within " +
         std::to_string(patience.count()) +
         " s\nEXTEND_TIMEOUT_USEC=" + std::to_string(all.count());
}

absl::Status Serve(Loaded loaded, const ServiceDefinition& definition, const sigset_t& signals) {
  const auto patience = std::chrono::seconds(loaded.flags.drain_seconds);
  ServiceResources resources = ResourcesOf(loaded, definition.kind);
  RETURN_IF_ERROR(OpenStores(loaded, definition, resources));
  const std::shared_ptr<Backup> backup = resources.backup;
  std::unique_ptr<BorderRelay> relay;  // outlives every channel through it
  if (loaded.faults != nullptr) {
    ASSIGN_OR_RETURN(relay, BorderRelay::Start(loaded.file.topology, loaded.region, loaded.faults,
                                               loaded.flags.directory + "/faults-in-effect"));
    resources.addresses = [border = relay.get()](const RegionId& region, ServiceKind kind) {
      return border->AddressOf(region, kind);
    };
  }
  ASSIGN_OR_RETURN(std::unique_ptr<ServiceEnvironment> environment,
                   ServiceEnvironment::Create(std::move(resources), definition));
  RETURN_IF_ERROR(ProtectMemory(environment->topology().development(), environment->log()));
  if (loaded.faults != nullptr) {
    environment->log().Warn("faults on purpose", {{"file", loaded.flags.faults}});
  }
  RETURN_IF_ERROR(LogStart(*environment));
  ASSIGN_OR_RETURN(std::unique_ptr<ServiceInstance> instance, definition.make(*environment));

  const ServiceInfo& info =
      environment->topology().FindRegion(environment->region())->service(definition.kind);
  ASSIGN_OR_RETURN(const HostPort log_address, ParseLogUrl(info.log_url));
  ASSIGN_OR_RETURN(
      std::unique_ptr<LogHttpServer> log_server,
      LogHttpServer::Start(&environment->transparency_log(), log_address.host, log_address.port));
  std::unique_ptr<MetricsServer> metrics_server;
  if (const uint32_t port = loaded.flags.metrics_port; port != 0) {
    ASSIGN_OR_RETURN(metrics_server,
                     MetricsServer::Start(&environment->metrics(), static_cast<int>(port)));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<GrpcServer> server,
                   GrpcServer::Start(info.address, environment->tls(), &environment->calls(),
                                     instance->GrpcServices()));
  environment->StartTickers();
  environment->log().Info("ready",
                          {{"service", Name(definition.kind)},
                           {"region", environment->region().name()},
                           {"address", info.address},
                           {"log_url", info.log_url},
                           {"topology", FormatTopologyMark(MarkOf(environment->topology()))}});
  if (const absl::Status told = NotifyServiceManager("READY=1"); !told.ok()) {
    environment->log().Error("service manager not told", told);
  }

  int signal = 0;
  sigwait(&signals, &signal);
  environment->log().Info("stopping", {{"signal", std::to_string(signal)}});
  NotifyServiceManager(StoppingNotice(environment->calls().stats().running(), patience))
      .IgnoreError();
  server->Drain(patience, [&signals, &environment] {
    constexpr timespec kNow{};
    if (sigtimedwait(&signals, nullptr, &kNow) < 0) return false;
    environment->log().Info("a second signal: running calls are cut");
    return true;
  });
  environment->StopTickers();
  server.reset();
  metrics_server.reset();  // before what it asks
  instance.reset();
  log_server.reset();
  environment->log().Info("stopped");
  environment->log().Flush();
  environment.reset();
  // Nothing is changed any more. Without this the next start takes longer.
  if (backup != nullptr) backup->Close().IgnoreError();
  return absl::OkStatus();
}

absl::Status Check(Loaded loaded, const ServiceDefinition& definition) {
  const ServiceInfo& info =
      loaded.file.topology.FindRegion(loaded.region)->service(definition.kind);
  RETURN_IF_ERROR(ParseLogUrl(info.log_url).status());
  return CheckServiceResources(ResourcesOf(loaded, definition.kind));
}

absl::StatusOr<uint64_t> CheckStore(const Loaded& loaded, const ServiceDefinition& definition) {
  const StoreChecker nothing = [](const StoreCheck&) { return absl::OkStatus(); };
  return RunStoreCheck({.topology = loaded.file.topology,
                        .region = loaded.region,
                        .kind = definition.kind,
                        .directory = loaded.flags.directory,
                        .now = loaded.clock->Now(),
                        .audit_keep_ms = int64_t{loaded.flags.audit_days} * kDayMs},
                       definition.check_store ? definition.check_store : nothing);
}

// The folder that it is for is not there yet.
absl::StatusOr<uint64_t> Restore(const ServiceFlags& flags, const ServiceDefinition& definition) {
  ASSIGN_OR_RETURN(const TopologyFile file, LoadTopology(flags.topology));
  ASSIGN_OR_RETURN(const RegionId region, RegionId::Create(flags.region));
  if (file.topology.FindRegion(region) == nullptr) {
    return Refuse(Reason::kTopologyInvalid, "no region \"" + region.name() + "\"");
  }
  RETURN_IF_ERROR(CheckHasBackups(definition));
  RETURN_IF_ERROR(CheckToken(file.topology, region, flags, definition.kind));
  ASSIGN_OR_RETURN(const std::shared_ptr<const Clock> clock, OpenClock(flags, file.topology));
  return RunRestore({.target = {.topology = file.topology,
                                .region = region,
                                .kind = definition.kind,
                                .directory = flags.directory,
                                .now = clock->Now(),
                                .audit_keep_ms = int64_t{flags.audit_days} * kDayMs},
                     .backup = flags.restore,
                     .test = flags.restore_test,
                     .shares = flags.shares,
                     .root_key = flags.root_key,
                     .token = {flags.pkcs11_module, flags.pkcs11_pin_file},
                     .checkpoints = flags.checkpoints},
                    definition);
}

int Fail(const absl::Status& status, const char* what = "start") {
  // The text of INVALID_ARGUMENT tells its cause already.
  const std::string cause =
      status.code() == absl::StatusCode::kInvalidArgument ? "" : CauseOf(status);
  std::fprintf(stderr, "cannot %s: %s%s%s.\n", what, std::string(status.message()).c_str(),
               cause.empty() ? "" : ". Cause: ", cause.c_str());
  return 1;
}

}  // namespace

int RunService(int argc, char** argv, const ServiceDefinition& definition) {
  const std::variant<ServiceFlags, int> parsed = ParseServiceFlags(argc, argv, definition.kind);
  if (const int* exit_code = std::get_if<int>(&parsed)) {
    return *exit_code;
  }
  const auto& flags = std::get<ServiceFlags>(parsed);

  // Before any thread starts, so that all inherit it and only sigwait() takes these signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  TuneProcess();
  InstallGrpcLog(flags.log_format);
  RaiseToHardLimit(RLIMIT_MEMLOCK);
  RaiseToHardLimit(RLIMIT_NOFILE);

  if (!flags.restore.empty()) {
    const absl::StatusOr<uint64_t> violations = Restore(flags, definition);
    return !violations.ok()   ? Fail(violations.status(), "restore")
           : *violations == 0 ? 0
                              : kViolated;
  }
  absl::StatusOr<Loaded> loaded = Load(flags);
  if (!loaded.ok()) {
    return Fail(loaded.status());
  }
  if (const absl::Status whole = CheckNotUnfinished(flags.directory); !whole.ok()) {
    return Fail(whole);
  }
  if (const absl::Status keys = CheckLogKey(*loaded, definition.kind); !keys.ok()) {
    return Fail(keys);
  }
  if (flags.check_store) {
    const absl::StatusOr<uint64_t> violations = CheckStore(*loaded, definition);
    return !violations.ok() ? Fail(violations.status()) : *violations == 0 ? 0 : kViolated;
  }
  // The store is looked at without the token.
  if (const absl::Status token =
          CheckToken(loaded->file.topology, loaded->region, flags, definition.kind);
      !token.ok()) {
    return Fail(token);
  }
  if (flags.check_config) {
    if (const absl::Status checked = Check(*std::move(loaded), definition); !checked.ok()) {
      return Fail(checked);
    }
    std::puts("The configuration is valid.");
    return 0;
  }
  const absl::Status served = Serve(*std::move(loaded), definition, signals);
  return served.ok() ? 0 : Fail(served);
}

}  // namespace comity
