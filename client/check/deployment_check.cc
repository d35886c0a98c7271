#include "client/check/deployment_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/check/cross_check.h"
#include "client/deployment/process.h"
#include "client/deployment/programs.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

extern char** environ;

namespace comity {
namespace {

constexpr ServiceKind kKinds[] = {ServiceKind::kCustody, ServiceKind::kStorage,
                                  ServiceKind::kReview};
// Of --check-store (services/common/server/service_main.h).
constexpr int kFoundNothing = 0;
constexpr int kFoundViolations = 3;

// What a child prints, kept in memory: it never waits for its reader.
class Capture final {
 public:
  Capture() : fd_(memfd_create("comity-check", MFD_CLOEXEC)) {}
  ~Capture() {
    if (fd_ >= 0) close(fd_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  int fd() const { return fd_; }

  std::string Text() const {
    std::string text;
    char buffer[1 << 16];
    off_t at = 0;
    for (ssize_t n; (n = pread(fd_, buffer, sizeof(buffer), at)) > 0; at += n) {
      text.append(buffer, static_cast<size_t>(n));
    }
    return text;
  }

 private:
  const int fd_;
};

// One service's --check-store, under way.
class StoreCheckRun final {
 public:
  StoreCheckRun(std::string title, std::vector<std::string> arguments)
      : title_(std::move(title)), arguments_(std::move(arguments)) {}

  absl::Status Start() {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_.fd(), STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_.fd(), STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& argument : arguments_) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const int error = posix_spawn(&pid_, argv.front(), &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error == 0) return absl::OkStatus();
    pid_ = 0;
    return Refuse(Reason::kStoreUnavailable, "the program " + arguments_.front() +
                                                 " cannot be run; build it, or set COMITY_BIN_DIR");
  }

  absl::StatusOr<ServiceFacts> Finish() {
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code != kFoundNothing && code != kFoundViolations) {
      return Refuse(Reason::kStoreUnavailable, title_ + " cannot check its store: " + err_.Text());
    }
    absl::StatusOr<ServiceFacts> facts = ParseFacts(out_.Text());
    if (facts.ok()) return facts;
    return Refuse(ReasonOf(facts.status()), title_ + ": " + CauseOf(facts.status()));
  }

 private:
  const std::string title_;
  std::vector<std::string> arguments_;
  const Capture out_;
  const Capture err_;
  pid_t pid_ = 0;
};

absl::Status ExpectStopped(const DeploymentPaths& paths, const Topology& topology) {
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind : kKinds) {
      const DetachedProcess process(paths.Service(id.name(), kind) + "/pid");
      if (!process.Running().has_value()) continue;
      return Refuse(Reason::kStateNotReady,
                    "the " + std::string(Name(kind)) + " of region " + id.name() +
                        " runs; a store is checked while nobody changes it: stop the deployment "
                        "with `comity down`, or let `comity check --restart` do it");
    }
  }
  return absl::OkStatus();
}

std::vector<std::string> ArgumentsFor(const DeploymentPaths& paths, const std::string& region,
                                      ServiceKind kind) {
  std::vector<std::string> arguments = {ProgramFolder() + "/comity-" + std::string(Name(kind)),
                                        "--topology",
                                        paths.Topology(),
                                        "--region",
                                        region,
                                        "--dir",
                                        paths.Service(region, kind),
                                        "--check-store"};
  if (FileExists(paths.Clock())) {
    arguments.insert(arguments.end(), {"--test-clock", paths.Clock()});
  }
  return arguments;
}

void Count(const std::vector<ServiceFacts>& services, DeploymentCheck& check) {
  std::set<std::string> accounts;
  for (const ServiceFacts& service : services) {
    check.log_entries += service.log_entries;
    check.cases += service.cases.size();
    for (const auto& [id, fact] : service.custody) accounts.insert(id);
    for (const auto& [id, fact] : service.storage) {
      accounts.insert(id);
      if (fact.state == "active") check.objects += fact.objects.size();
    }
  }
  check.services = services.size();
  check.accounts = accounts.size();
}

}  // namespace

DeploymentCheck Judge(const std::vector<ServiceFacts>& services, const CheckOptions& options) {
  DeploymentCheck check;
  Count(services, check);
  for (const ServiceFacts& service : services) {
    check.findings.insert(check.findings.end(), service.findings.begin(), service.findings.end());
  }
  std::vector<Finding> more = CrossCheck(services);
  for (Finding& finding : more) {
    if (options.settled && finding.rule == "under-way") {
      finding.violation = true;
      finding.rule = "half-done";
    }
  }
  check.findings.insert(check.findings.end(), more.begin(), more.end());
  more = CheckActs(options.acts, services);
  check.findings.insert(check.findings.end(), more.begin(), more.end());
  check.acts = options.acts.size();
  std::stable_partition(check.findings.begin(), check.findings.end(),
                        [](const Finding& finding) { return finding.violation; });
  check.violations =
      static_cast<size_t>(std::ranges::count_if(check.findings, &Finding::violation));
  return check;
}

absl::StatusOr<DeploymentCheck> CheckDeployment(const Supervisor& supervisor,
                                                const CheckOptions& options) {
  const DeploymentPaths& paths = supervisor.paths();
  const Topology& topology = supervisor.topology();
  RETURN_IF_ERROR(ExpectStopped(paths, topology));
  std::vector<ServiceFacts> services;
  for (const auto& [id, region] : topology.regions()) {
    // A region at a time: its three side by side, and never all processes of a large deployment.
    std::vector<std::unique_ptr<StoreCheckRun>> runs;
    absl::Status started;
    for (const ServiceKind kind : kKinds) {
      auto run = std::make_unique<StoreCheckRun>(id.name() + "/" + std::string(Name(kind)),
                                                 ArgumentsFor(paths, id.name(), kind));
      started = run->Start();
      if (!started.ok()) break;
      runs.push_back(std::move(run));
    }
    absl::Status failed = started;
    for (const std::unique_ptr<StoreCheckRun>& run : runs) {
      absl::StatusOr<ServiceFacts> facts = run->Finish();
      if (facts.ok()) {
        services.push_back(*std::move(facts));
      } else if (failed.ok()) {
        failed = facts.status();
      }
    }
    RETURN_IF_ERROR(failed);
  }
  return Judge(services, options);
}

}  // namespace comity
