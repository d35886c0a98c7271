#include "client/deployment/supervisor.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "client/deployment/backups.h"
#include "client/deployment/ports.h"
#include "client/deployment/programs.h"
#include "client/deployment/token_access.h"
#include "client/seal/open_seals.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/review/v1/review.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/signing.h"
#include "services/common/crypto/x509.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

using Status = comity::common::v1::ServiceStatus;
using Steady = std::chrono::steady_clock;

constexpr ServiceKind kKinds[] = {ServiceKind::kCustody, ServiceKind::kStorage,
                                  ServiceKind::kReview};
constexpr auto kLookInterval = std::chrono::milliseconds(50);
constexpr auto kStartPatience = std::chrono::seconds(120);
constexpr auto kLeavePatience = std::chrono::seconds(10);
// The services' own drain takes 10 s at most.
constexpr auto kStopPatience = std::chrono::seconds(20);
constexpr auto kClockPatience = std::chrono::seconds(60);
constexpr auto kAskTimeout = std::chrono::seconds(3);
constexpr int kLastLines = 5;

class Lock final {
 public:
  explicit Lock(const std::string& directory)
      : fd_(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (fd_ >= 0) flock(fd_, LOCK_EX);
  }
  ~Lock() {
    if (fd_ >= 0) close(fd_);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int fd_;
};

std::string LastLines(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
    if (lines.size() > kLastLines) lines.erase(lines.begin());
  }
  std::string text;
  for (const std::string& line : lines) text += "\n    " + line;
  return text.empty() ? "\n    (its log is empty)" : text;
}

TlsIdentity ProbeIdentity() {
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  CertificateSpec spec;
  spec.common_name = "comity probe";
  spec.not_before = 1'483'228'800'000;  // as every identity of a development deployment
  spec.not_after = 2'114'380'800'000;
  return {SelfSignedCertificate(key, spec), key.ToPem()};
}

template <typename Api, typename Request, typename Response>
absl::StatusOr<Status> AskState(Session& session, const RegionId& region, ServiceKind kind) {
  ASSIGN_OR_RETURN(const Response response,
                   (session.Call<Api, Request, Response>(region, kind, &Api::Stub::GetStatus,
                                                         Request(), kAskTimeout)));
  return response.status();
}

absl::StatusOr<Status> AskState(Session& session, const RegionId& region, ServiceKind kind) {
  switch (kind) {
    case ServiceKind::kStorage:
      return AskState<storage::v1::StorageService, storage::v1::GetStatusRequest,
                      storage::v1::GetStatusResponse>(session, region, kind);
    case ServiceKind::kCustody:
      return AskState<custody::v1::CustodyService, custody::v1::GetStatusRequest,
                      custody::v1::GetStatusResponse>(session, region, kind);
    case ServiceKind::kReview:
      return AskState<review::v1::ReviewService, review::v1::GetStatusRequest,
                      review::v1::GetStatusResponse>(session, region, kind);
  }
  return Refuse(Reason::kInternal);
}

}  // namespace

struct Supervisor::Service {
  RegionId region;
  const ServiceInfo* info = nullptr;
  std::string Title() const {
    return std::string(Name(info->kind)) + " of region " + region.name();
  }
};

Supervisor::Supervisor(DeploymentPaths paths, std::unique_ptr<Session> session)
    : paths_(std::move(paths)), session_(std::move(session)) {}

absl::StatusOr<Supervisor> Supervisor::Open(const std::string& directory) {
  const std::string absolute = std::filesystem::absolute(directory).lexically_normal().string();
  DeploymentPaths paths(absolute);
  if (!FileExists(paths.Topology())) {
    return Refuse(Reason::kStateNotReady,
                  "there is no deployment in " + absolute + "; `comity up` makes one");
  }
  ASSIGN_OR_RETURN(std::unique_ptr<Session> session, Session::Open(absolute, ProbeIdentity()));
  return Supervisor(std::move(paths), std::move(session));
}

std::vector<Supervisor::Service> Supervisor::Services() const {
  std::vector<Service> services;
  for (const auto& [id, region] : topology().regions()) {
    for (const ServiceKind kind : kKinds) services.push_back({id, &region.service(kind)});
  }
  return services;
}

DetachedProcess Supervisor::ProcessOf(const Service& service) const {
  return DetachedProcess(paths_.Service(service.region.name(), service.info->kind) + "/pid");
}

std::string Supervisor::LogFile(const Service& service) const {
  return paths_.Service(service.region.name(), service.info->kind) + "/log.txt";
}

std::string Supervisor::MetricsAddress(const Service& service) const {
  const absl::StatusOr<std::string> line =
      ReadFile(paths_.Metrics(service.region.name(), service.info->kind));
  return line.ok() ? line->substr(0, line->find('\n')) : std::string();
}

std::vector<std::string> Supervisor::Limits(const Service& service) const {
  std::ifstream in(paths_.Limits(service.region.name(), service.info->kind));
  std::vector<std::string> limits;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) limits.push_back(line);
  }
  return limits;
}

absl::Status Supervisor::StartOne(const Service& service, const std::string& programs) const {
  const std::string program = programs + "/comity-" + std::string(Name(service.info->kind));
  if (access(program.c_str(), X_OK) != 0) {
    return Refuse(Reason::kStoreUnavailable,
                  "the program " + program + " is not there; build it, or set COMITY_BIN_DIR");
  }
  std::vector<std::string> arguments = {program,
                                        "--topology",
                                        paths_.Topology(),
                                        "--region",
                                        service.region.name(),
                                        "--dir",
                                        paths_.Service(service.region.name(), service.info->kind)};
  if (FileExists(paths_.Clock())) {
    arguments.insert(arguments.end(), {"--test-clock", paths_.Clock()});
  }
  if (FileExists(paths_.Faults())) {
    arguments.insert(arguments.end(), {"--faults", paths_.Faults()});
  }
  if (const std::string address = MetricsAddress(service); !address.empty()) {
    arguments.insert(arguments.end(), {"--metrics-port", address.substr(address.rfind(':') + 1)});
  }
  for (const std::string& limit : Limits(service)) {
    arguments.insert(arguments.end(), {"--limit", limit});
  }
  if (service.info->pkcs11_seal.has_value()) {
    const std::vector<std::string> token = TokenFlags(paths_, service.region);
    arguments.insert(arguments.end(), token.begin(), token.end());
  }
  if (const std::string backup = BackupFolder(paths_, service.region);
      service.info->kind == ServiceKind::kCustody && !backup.empty()) {
    arguments.insert(arguments.end(), {"--backup", backup});
  }
  return ProcessOf(service).Start(arguments, LogFile(service));
}

ServiceReport Supervisor::Ask(const Service& service) {
  ServiceReport report;
  report.region = service.region.name();
  report.kind = service.info->kind;
  report.operator_name = service.info->operator_name;
  report.address = service.info->address;
  report.log_url = service.info->log_url;
  if (const std::string address = MetricsAddress(service); !address.empty()) {
    report.metrics_url = "http://" + address + "/metrics";
  }
  report.pid = ProcessOf(service).Running().value_or(0);
  const absl::StatusOr<Status> status = AskState(*session_, service.region, service.info->kind);
  if (!status.ok()) {
    report.problem = report.pid == 0 ? "not running" : CauseOf(status.status());
    if (report.problem.empty()) report.problem = std::string(status.status().message());
    return report;
  }
  report.answers = true;
  report.accounts = status->accounts();
  report.log_size = status->log_size();
  report.log_quorum = status->log_quorum();
  report.seal = status->seal();
  report.sealed = status->sealed();
  report.shares_entered = status->seal_shares_entered();
  report.shares_needed = status->seal_shares_needed();
  report.development = status->development();
  report.time = status->time_ms();
  report.topology_serial = status->topology_serial();
  report.version = status->version();
  report.uptime_seconds = status->uptime_seconds();
  return report;
}

absl::Status Supervisor::AwaitAnswer(const Service& service) {
  const Steady::time_point end = Steady::now() + kStartPatience;
  std::string problem;
  while (Steady::now() < end) {
    // Asked only when somebody is there to answer: a connection that was refused is tried again
    // later than need be.
    const bool there = IsListening(service.info->address);
    const int pid = ProcessOf(service).Running().value_or(0);
    const ServiceReport report = there ? Ask(service) : ServiceReport{.pid = pid};
    if (report.answers) {
      if (report.topology_serial == topology().serial()) return absl::OkStatus();
      return Refuse(Reason::kStateNotReady, "the " + service.Title() +
                                                " runs with another topology; stop it with "
                                                "`comity down`");
    }
    problem = there ? report.problem : "it does not listen";
    if (report.pid == 0 && !there) {
      ProcessOf(service).Forget();
      return Refuse(Reason::kStateNotReady,
                    "the " + service.Title() + " has ended. The end of its log, " +
                        LogFile(service) + ":" + LastLines(LogFile(service)));
    }
    std::this_thread::sleep_for(kLookInterval);
  }
  return Refuse(Reason::kStateNotReady, "the " + service.Title() + " runs but does not answer: " +
                                            problem + "\n  Its log is " + LogFile(service));
}

bool Supervisor::RunsElsewhere(const Service& service) {
  // A process that was killed may listen for a moment after it is gone.
  const Steady::time_point end = Steady::now() + kLeavePatience;
  while (IsListening(service.info->address)) {
    if (Steady::now() > end || Ask(service).answers) return true;
    std::this_thread::sleep_for(kLookInterval);
  }
  return false;
}

absl::Status Supervisor::Start(const Progress& progress, Seals seals) {
  const Lock lock(paths_.directory());
  const std::string programs = ProgramFolder();
  size_t started = 0;
  for (const Service& service : Services()) {
    if (ProcessOf(service).Running().has_value()) continue;
    // One that somebody else runs (another supervisor, by hand) is left to him.
    if (RunsElsewhere(service)) continue;
    RETURN_IF_ERROR(StartOne(service, programs));
    ++started;
  }
  for (const Service& service : Services()) {
    RETURN_IF_ERROR(AwaitAnswer(service));
    if (progress && started > 0) progress(service.Title() + " answers");
  }
  return seals == Seals::kOpen ? OpenSeals(*session_, progress) : absl::OkStatus();
}

absl::Status Supervisor::Stop(const Progress& progress) {
  const Lock lock(paths_.directory());
  const std::vector<Service> services = Services();
  // Reviews first: they use the others.
  for (auto service = services.rbegin(); service != services.rend(); ++service) {
    ProcessOf(*service).Signal(SIGTERM);
  }
  const Steady::time_point end = Steady::now() + kStopPatience;
  for (const Service& service : services) {
    const DetachedProcess process = ProcessOf(service);
    while (process.Running().has_value() && Steady::now() < end) {
      std::this_thread::sleep_for(kLookInterval);
    }
    if (process.Running().has_value()) {
      if (progress) progress("the " + service.Title() + " does not end; killing it");
      RETURN_IF_ERROR(Kill(service.region.name(), service.info->kind));
    }
    process.Forget();
  }
  return absl::OkStatus();
}

absl::Status Supervisor::Kill(std::string_view region, ServiceKind kind) {
  for (const Service& service : Services()) {
    if (service.region.name() != region || service.info->kind != kind) continue;
    const DetachedProcess process = ProcessOf(service);
    process.Signal(SIGKILL);
    while (process.Running().has_value()) std::this_thread::sleep_for(kLookInterval);
    process.Forget();
    return absl::OkStatus();
  }
  return Refuse(Reason::kFieldInvalid, "there is no region \"" + std::string(region) + "\"");
}

std::vector<ServiceReport> Supervisor::Report() {
  std::vector<ServiceReport> reports;
  for (const Service& service : Services()) reports.push_back(Ask(service));
  return reports;
}

absl::StatusOr<FaultPlan> Supervisor::Faults() const { return FaultFile::Read(paths_.Faults()); }

absl::Status Supervisor::SetFaults(const FaultPlan& plan) {
  if (!topology().development()) return Refuse(Reason::kNotDevelopment, "faults");
  const bool first = !FileExists(paths_.Faults());
  RETURN_IF_ERROR(FaultFile::Write(paths_.Faults(), plan));
  bool runs = false;
  for (const Service& service : Services()) runs |= ProcessOf(service).Running().has_value();
  if (first && runs) {
    RETURN_IF_ERROR(Stop());
    RETURN_IF_ERROR(Start());
  }
  for (const Service& service : Services()) {
    RETURN_IF_ERROR(AwaitFaults(service, FormatFaults(plan)));
  }
  return absl::OkStatus();
}

absl::Status Supervisor::AwaitFaults(const Service& service, const std::string& text) const {
  const std::string path = paths_.FaultsInEffect(service.region.name(), service.info->kind);
  const Steady::time_point end = Steady::now() + kClockPatience;
  while (ProcessOf(service).Running().has_value()) {
    const absl::StatusOr<std::string> taken = ReadFile(path);
    if (taken.ok() && *taken == text) break;
    if (Steady::now() > end) {
      return Refuse(Reason::kStateNotReady, "the " + service.Title() + " does not take the faults");
    }
    std::this_thread::sleep_for(kLookInterval);
  }
  return absl::OkStatus();
}

absl::Status Supervisor::AdvanceClock(int64_t delta_ms) {
  if (!FileExists(paths_.Clock())) return Refuse(Reason::kNotDevelopment, "no test clock");
  RETURN_IF_ERROR(FileClock::Advance(paths_.Clock(), delta_ms));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileClock> clock, FileClock::Open(paths_.Clock()));
  const UnixMillis target = clock->Now();
  for (const Service& service : Services()) {
    if (!ProcessOf(service).Running().has_value()) continue;
    const Steady::time_point end = Steady::now() + kClockPatience;
    while (true) {
      const absl::StatusOr<Status> status = AskState(*session_, service.region, service.info->kind);
      if (status.ok() && status->time_ms() >= target) break;
      if (Steady::now() > end) {
        return Refuse(Reason::kStateNotReady,
                      "the " + service.Title() + " does not show the new time");
      }
      std::this_thread::sleep_for(kLookInterval);
    }
  }
  // Our own view of the clock, which looks at the file now and then only.
  const Steady::time_point end = Steady::now() + kClockPatience;
  while (session_->Now() < target) {
    if (Steady::now() > end) {
      return Refuse(Reason::kStateNotReady, "the clock file does not show the new time any more");
    }
    std::this_thread::sleep_for(kLookInterval);
  }
  return absl::OkStatus();
}

}  // namespace comity
