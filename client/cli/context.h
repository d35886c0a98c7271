#ifndef COMITY_CLIENT_CLI_CONTEXT_H_
#define COMITY_CLIENT_CLI_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "client/person/person.h"
#include "client/profile/profile.h"
#include "client/session/session.h"

namespace comity::cli {

// Exit codes of the `comity` command (docs/cli.md).
enum ExitCode : int {
  kOk = 0,
  kFailed = 1,   // refused or failed: stderr says why and what to do next
  kUsage = 2,    // the command line is wrong
  kPromise = 3,  // it ran, and something that it checks does not hold
};

// As one line, whatever bytes its texts hold: what is no UTF-8 is replaced. For json and
// ordered_json.
template <typename Json>
std::string OneLine(const Json& value) {
  return value.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

// What all commands share: global options, where things are, how results are printed. One per
// process.
class Context final {
 public:
  // Global options, set by main.cc.
  bool json = false;
  std::string deployment;  // --deployment; empty: $COMITY_DEPLOYMENT, else the one `up` remembered
  std::string profile = "default";
  std::string as;  // --as <region>/<name>

  // The command that was chosen; its result is the exit code's and stderr's source.
  std::function<absl::Status()> command;
  int exit_code = kOk;  // may be set to kPromise by a command that returns OK

  // STATE_NOT_READY with what to run when there is none.
  absl::StatusOr<std::string> DeploymentFolder() const;
  absl::Status RememberDeployment(const std::string& folder) const;
  absl::StatusOr<std::string> ProfileFolder(const std::string& name) const;

  // A device: profile and a session that presents its certificate.
  struct Device {
    std::unique_ptr<Profile> profile;
    std::unique_ptr<Session> session;
  };
  absl::StatusOr<Device> OpenDevice() const;

  // A person: --as.
  struct Actor {
    std::unique_ptr<Person> person;
    std::unique_ptr<Session> session;
  };
  absl::StatusOr<Actor> OpenActor() const;

  // The result: with --json the value alone on one line, else the text.
  void Print(const std::string& text, const nlohmann::json& value) const;
  // To stderr, never with --json.
  void Note(const std::string& text) const;
  // A progress line on a terminal's stderr, rewritten in place; nothing when it is no terminal.
  void Progress(const std::string& text) const;
  void EndProgress() const;
};

// "12.3 MiB"
std::string HumanBytes(uint64_t bytes);

// Runs the chosen command; prints an error as: what happened, why, what to do next.
int Run(Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_CONTEXT_H_
