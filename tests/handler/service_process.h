#ifndef COMITY_TESTS_HANDLER_SERVICE_PROCESS_H_
#define COMITY_TESTS_HANDLER_SERVICE_PROCESS_H_

#include <string>
#include <vector>

#include <sys/types.h>

#include "tests/testing/temp_dir.h"

namespace comity {

// A port of the loopback interface that was free a moment ago: "127.0.0.1:1234".
std::string FreeAddress();

// A service that runs as a process of its own, observed as a service manager observes it.
class ServiceProcess final {
 public:
  ServiceProcess(const std::string& program, std::vector<std::string> arguments);
  ServiceProcess(const ServiceProcess&) = delete;
  ServiceProcess& operator=(const ServiceProcess&) = delete;
  ~ServiceProcess();  // kills it if it still runs

  pid_t pid() const { return pid_; }
  // What it tells the service manager next ("READY=1"); empty if nothing for a minute, or if it
  // ended without a word.
  std::string NextNotification();
  void Signal(int signal) const;
  // Its exit code, once it has ended; -1 if a signal ended it.
  int Wait();
  // All that it wrote, standard output and standard error, once it has ended.
  std::string Output() const;

 private:
  TempDir directory_;
  pid_t pid_ = -1;
  int notifications_ = -1;
};

}  // namespace comity

#endif  // COMITY_TESTS_HANDLER_SERVICE_PROCESS_H_
