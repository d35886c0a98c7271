#ifndef COMITY_TESTS_TESTING_GOLDEN_H_
#define COMITY_TESTS_TESTING_GOLDEN_H_

#include <map>
#include <string>
#include <string_view>

namespace comity {

// The whole text of tests/golden/<name>; ends the test program when it cannot be read.
std::string ReadGoldenText(std::string_view name);

// A golden file of "name = hex" lines ('#' begins a comment, a value may be empty).
class GoldenVectors final {
 public:
  static GoldenVectors Load(std::string_view name);
  // The bytes under `name`; ends the test program when the file does not have it.
  const std::string& at(std::string_view name) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_GOLDEN_H_
