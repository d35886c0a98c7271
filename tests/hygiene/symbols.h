#ifndef COMITY_TESTS_HYGIENE_SYMBOLS_H_
#define COMITY_TESTS_HYGIENE_SYMBOLS_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace comity::hygiene {

// Names in the output of `nm --format=posix`, versions (@GLIBC_2.2) cut off.
std::set<std::string> ParseNm(std::string_view output);

// Runs nm on a file and parses what it prints. Fails the test when nm does.
std::set<std::string> Nm(const std::string& options, const std::string& file);

// Findings for one program: symbols of `boringssl` (as they were before prefixing) or with
// `prefix` that the program exports, and prefixed ones that it would take from elsewhere.
std::vector<std::string> CheckProgram(const std::set<std::string>& exported,
                                      const std::set<std::string>& imported,
                                      const std::set<std::string>& boringssl,
                                      std::string_view prefix);

}  // namespace comity::hygiene

#endif  // COMITY_TESTS_HYGIENE_SYMBOLS_H_
