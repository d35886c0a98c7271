#include "client/cli/context.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>
#include <utility>

#include <unistd.h>

#include "client/objects/object_name.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"

namespace comity::cli {
namespace {

// Where `comity up` remembers the deployment that commands speak to by default.
absl::StatusOr<std::string> RememberedPath() {
  ASSIGN_OR_RETURN(const std::string home, ComityHome());
  return home + "/deployment";
}

std::string TrimmedLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// A cause may quote lines, such as the end of a log: each is indented, so that none of them looks
// like a line of ours, and shows what would move the cursor.
std::string Quoted(const std::string& cause) {
  std::string text;
  std::istringstream lines(cause);
  for (std::string line; std::getline(lines, line);) {
    text += (text.empty() ? "" : "\n            ") + PrintableName(line);
  }
  return text;
}

// Rounded up, so that nobody is told to come too soon.
std::string HumanWait(std::chrono::milliseconds wait) {
  const auto text = [](auto duration, const char* unit) {
    return std::to_string(duration.count()) + unit;
  };
  if (wait < std::chrono::seconds(1)) return text(wait, " ms");
  if (wait < std::chrono::minutes(2))
    return text(std::chrono::ceil<std::chrono::seconds>(wait), " s");
  if (wait < std::chrono::hours(2)) {
    return text(std::chrono::ceil<std::chrono::minutes>(wait), " min");
  }
  return text(std::chrono::ceil<std::chrono::hours>(wait), " h");
}

}  // namespace

absl::StatusOr<std::string> Context::DeploymentFolder() const {
  if (!deployment.empty()) return deployment;
  if (const char* named = std::getenv("COMITY_DEPLOYMENT"); named != nullptr && *named != '\0') {
    return named;
  }
  ASSIGN_OR_RETURN(const std::string path, RememberedPath());
  if (!FileExists(path)) {
    return Refuse(Reason::kStateNotReady,
                  "no deployment is known; run `comity up`, or name one with --deployment DIR");
  }
  ASSIGN_OR_RETURN(std::string folder, ReadFile(path));
  return TrimmedLine(std::move(folder));
}

absl::Status Context::RememberDeployment(const std::string& folder) const {
  ASSIGN_OR_RETURN(const std::string path, RememberedPath());
  ASSIGN_OR_RETURN(const std::string home, ComityHome());
  RETURN_IF_ERROR(MakePrivateFolders(home));
  return WriteFileDurably(path,
                          std::filesystem::absolute(folder).lexically_normal().string() + "\n",
                          FileMode::kPrivate);
}

absl::StatusOr<std::string> Context::ProfileFolder(const std::string& name) const {
  if (name.empty() || name.find('/') != std::string::npos || name.front() == '.') {
    return Refuse(Reason::kFieldInvalid, "profile: a plain name is expected, not \"" + name + "\"");
  }
  ASSIGN_OR_RETURN(const std::string home, ComityHome());
  return home + "/profiles/" + name;
}

absl::StatusOr<Context::Device> Context::OpenDevice() const {
  ASSIGN_OR_RETURN(const std::string folder, ProfileFolder(profile));
  if (!FileExists(folder + "/account.json")) {
    return Refuse(Reason::kStateNotReady,
                  "there is no profile \"" + profile + "\"; make one with `comity account create`");
  }
  ASSIGN_OR_RETURN(const std::string where, DeploymentFolder());
  Device device;
  ASSIGN_OR_RETURN(Profile loaded, Profile::Load(folder));
  device.profile = std::make_unique<Profile>(std::move(loaded));
  ASSIGN_OR_RETURN(TlsIdentity identity, device.profile->Tls());
  ASSIGN_OR_RETURN(device.session, Session::Open(where, std::move(identity)));
  if (device.session->topology().deployment() != device.profile->deployment()) {
    return Refuse(Reason::kStateNotReady, "profile \"" + profile + "\" belongs to deployment " +
                                              device.profile->deployment() + ", not " +
                                              device.session->topology().deployment() +
                                              "; choose another --profile");
  }
  return device;
}

absl::StatusOr<Context::Actor> Context::OpenActor() const {
  if (as.empty()) {
    return Refuse(Reason::kFieldInvalid,
                  "say who acts: --as <region>/<person>, for instance --as cn/agent-lin");
  }
  ASSIGN_OR_RETURN(const std::string where, DeploymentFolder());
  Actor actor;
  ASSIGN_OR_RETURN(Person person, LoadPerson(where, as));
  actor.person = std::make_unique<Person>(std::move(person));
  ASSIGN_OR_RETURN(actor.session, Session::Open(where, actor.person->Tls()));
  return actor;
}

void Context::Print(const std::string& text, const nlohmann::json& value) const {
  if (json) {
    std::cout << OneLine(value) << std::endl;
  } else {
    std::cout << text << std::flush;
  }
}

void Context::Note(const std::string& text) const {
  if (!json) std::cerr << text << std::endl;
}

void Context::Progress(const std::string& text) const {
  if (!json && isatty(STDERR_FILENO) != 0) std::cerr << "\r\033[K" << text << std::flush;
}

void Context::EndProgress() const {
  if (!json && isatty(STDERR_FILENO) != 0) std::cerr << "\r\033[K" << std::flush;
}

std::string HumanBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 1023.95 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f %s", value, kUnits[unit]);
  return text;
}

int Run(Context& context) {
  const absl::Status status = context.command();
  context.EndProgress();
  if (status.ok()) return context.exit_code;
  const Reason reason = ReasonOf(status);
  const ReasonInfo& info = Describe(reason);
  const std::string cause = CauseOf(status);
  const std::chrono::milliseconds wait = RetryAfterOf(status);
  if (context.json) {
    nlohmann::json error = {
        {"reason", info.name}, {"text", info.text}, {"remedy", info.remedy}, {"cause", cause}};
    if (wait.count() > 0) error["retry_after_ms"] = wait.count();
    std::cout << OneLine(nlohmann::json({{"error", std::move(error)}})) << std::endl;
  } else {
    std::cerr << "comity: " << info.text << "\n";
    if (!cause.empty()) std::cerr << "  because:  " << Quoted(cause) << "\n";
    std::cerr << "  reason:   " << info.name << "\n";
    if (!info.remedy.empty()) std::cerr << "  do next:  " << info.remedy << "\n";
    if (wait.count() > 0) std::cerr << "  wait:     " << HumanWait(wait) << "\n";
  }
  return kFailed;
}

}  // namespace comity::cli
