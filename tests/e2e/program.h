#ifndef COMITY_TESTS_E2E_PROGRAM_H_
#define COMITY_TESTS_E2E_PROGRAM_H_

#include <string>
#include <vector>

namespace comity::testing {

struct ProgramResult {
  int exit_code = -1;
  std::string output;  // standard output
};

// build/<preset>/bin/comity.
std::string ComityProgram();

// Runs a program as a user would, with a comity folder of its own in `home`, and waits for its end.
// Standard error goes to the test's own.
ProgramResult RunProgram(const std::string& home, std::vector<std::string> arguments);
// The same for ComityProgram().
ProgramResult RunComity(const std::string& home, const std::vector<std::string>& arguments);

}  // namespace comity::testing

#endif  // COMITY_TESTS_E2E_PROGRAM_H_
