#ifndef COMITY_CLIENT_DEPLOYMENT_PROCESS_H_
#define COMITY_CLIENT_DEPLOYMENT_PROCESS_H_

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "absl/status/status.h"

namespace comity {

// A program that runs on without whoever started it, found again by a file that holds its process
// id and start time: an id that the kernel has given to another process since is not taken for it.
class DetachedProcess final {
 public:
  explicit DetachedProcess(std::string pid_file) : pid_file_(std::move(pid_file)) {}

  // The id, if it runs.
  std::optional<pid_t> Running() const;

  // Starts `arguments` (the first is the program's path) in a session of its own, with nothing open
  // but standard output and error, both appended to `log_file` (0600). STORE_UNAVAILABLE with path
  // and cause. The caller has seen that it is not running.
  absl::Status Start(const std::vector<std::string>& arguments, const std::string& log_file) const;

  // Sends `signal` if it runs.
  void Signal(int signal) const;
  // Removes the file once the process is gone.
  void Forget() const;

 private:
  std::string pid_file_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_PROCESS_H_
