#ifndef COMITY_TESTS_BENCH_BARE_PROCESS_H_
#define COMITY_TESTS_BENCH_BARE_PROCESS_H_

#include <memory>
#include <string>

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace comity::bench {

// bench_bare_server (bare_server.cc) as a process of its own, which ends with this object.
class BareProcess final {
 public:
  // `service_folder` of a deployment, whose certificate it presents; copies are written to
  // `copies`, which exists. STORE_UNAVAILABLE when the program does not start.
  static absl::StatusOr<std::unique_ptr<BareProcess>> Start(const std::string& service_folder,
                                                            const std::string& copies);
  ~BareProcess();
  BareProcess(const BareProcess&) = delete;
  BareProcess& operator=(const BareProcess&) = delete;

  const std::string& address() const { return address_; }
  pid_t pid() const { return pid_; }

 private:
  BareProcess(pid_t pid, int input) : pid_(pid), input_(input) {}
  const pid_t pid_;
  const int input_;
  std::string address_;
};

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_BARE_PROCESS_H_
