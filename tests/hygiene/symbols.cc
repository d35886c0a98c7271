#include "tests/hygiene/symbols.h"

#include <algorithm>
#include <cstdio>

#include <gtest/gtest.h>

namespace comity::hygiene {

std::set<std::string> ParseNm(std::string_view output) {
  std::set<std::string> names;
  while (!output.empty()) {
    const size_t end = output.find('\n');
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(end == std::string_view::npos ? output.size() : end + 1);
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;  // a file name or nothing
    names.emplace(line.substr(0, std::min(space, line.find('@'))));
  }
  return names;
}

std::set<std::string> Nm(const std::string& options, const std::string& file) {
  const std::string command = COMITY_NM " --format=posix " + options + " '" + file + "' 2>&1";
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << command;
    return {};
  }
  std::string output;
  char buffer[1 << 16];
  for (size_t n = 0; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    output.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << output.substr(0, 500);
  return ParseNm(output);
}

std::vector<std::string> CheckProgram(const std::set<std::string>& exported,
                                      const std::set<std::string>& imported,
                                      const std::set<std::string>& boringssl,
                                      std::string_view prefix) {
  std::vector<std::string> findings;
  for (const std::string& name : exported) {
    if (boringssl.contains(name) || name.starts_with(prefix)) {
      findings.push_back("exports " + name);
    }
  }
  for (const std::string& name : imported) {
    if (name.starts_with(prefix)) findings.push_back("imports " + name);
  }
  return findings;
}

}  // namespace comity::hygiene
