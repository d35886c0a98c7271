#ifndef COMITY_TESTS_TESTING_KILLED_PROCESS_H_
#define COMITY_TESTS_TESTING_KILLED_PROCESS_H_

#include <string>
#include <vector>

#include <sys/types.h>

namespace comity {

// A program that reports line by line on standard output until it is killed.
class KilledProcess final {
 public:
  // Ends the test program when `program` cannot be started.
  KilledProcess(const std::string& program, const std::vector<std::string>& arguments);
  KilledProcess(const KilledProcess&) = delete;
  KilledProcess& operator=(const KilledProcess&) = delete;
  ~KilledProcess();

  // kill -9 once it has reported `lines` whole lines; then gives all whole lines that it reported.
  // To be called once. Ends the test program when the other one ended by itself.
  std::vector<std::string> KillAfter(size_t lines);

 private:
  pid_t pid_ = 0;
  int out_ = -1;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_KILLED_PROCESS_H_
