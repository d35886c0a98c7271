#include "tests/testing/golden.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "services/common/status/check.h"
#include "tests/testing/hex.h"

namespace comity {
namespace {

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

std::string ReadGoldenText(std::string_view name) {
  std::ifstream file(std::string(COMITY_GOLDEN_DIR) + "/" + std::string(name));
  COMITY_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

GoldenVectors GoldenVectors::Load(std::string_view name) {
  GoldenVectors vectors;
  std::istringstream lines(ReadGoldenText(name));
  std::string line;
  while (std::getline(lines, line)) {
    const std::string_view text = Trim(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) {
      continue;
    }
    const size_t equals = text.find('=');
    COMITY_CHECK(equals != std::string_view::npos);
    const bool added =
        vectors.values_
            .emplace(Trim(text.substr(0, equals)), FromHex(Trim(text.substr(equals + 1))))
            .second;
    COMITY_CHECK(added);
  }
  return vectors;
}

const std::string& GoldenVectors::at(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) {
    std::fprintf(stderr, "no golden value %.*s\n", static_cast<int>(name.size()), name.data());
    std::abort();
  }
  return found->second;
}

}  // namespace comity
