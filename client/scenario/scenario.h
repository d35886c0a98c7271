#ifndef COMITY_CLIENT_SCENARIO_SCENARIO_H_
#define COMITY_CLIENT_SCENARIO_SCENARIO_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

// A scenario file: what people and authorities do in a deployment, step by step, and what must come
// of it. JSON with comments; docs/deployment.md lists the verbs. Read whole and checked strictly
// before anything is done: an unknown verb or field, a missing one, or one of another type is an
// error that names the line.
namespace comity::scenario {

enum class FieldKind : uint8_t {
  kText,
  kTexts,   // a list of texts
  kNumber,  // not negative
  kFlag,
  kTextMap,    // text -> text
  kNumberMap,  // text -> number
};
struct FieldSpec {
  std::string_view name;
  FieldKind kind = FieldKind::kText;
  bool required = true;
};
struct VerbSpec {
  std::string_view name;
  std::vector<FieldSpec> fields;
};
// All verbs there are.
std::span<const VerbSpec> Verbs();

// The fields of one step. Getters give an empty value for an optional field that is absent; asking
// for a field of another kind than the verb declares is a programming error.
class Fields final {
 public:
  using TextMap = std::vector<std::pair<std::string, std::string>>;  // as written
  bool Has(std::string_view name) const;
  std::string Text(std::string_view name) const;
  std::vector<std::string> Texts(std::string_view name) const;
  uint64_t Number(std::string_view name) const;
  bool Flag(std::string_view name) const;
  TextMap TextPairs(std::string_view name) const;
  std::map<std::string, uint64_t> Numbers(std::string_view name) const;

 private:
  friend class Reader;
  std::map<std::string, std::string, std::less<>> texts_;
  std::map<std::string, std::vector<std::string>, std::less<>> lists_;
  std::map<std::string, uint64_t, std::less<>> numbers_;
  std::map<std::string, bool, std::less<>> flags_;
  std::map<std::string, TextMap, std::less<>> text_maps_;
  std::map<std::string, std::map<std::string, uint64_t>, std::less<>> number_maps_;
};

struct Step {
  int line = 0;
  std::string verb;
  std::string check;    // its name among the results; empty for a heading
  std::string refused;  // the reason with which it must be refused; empty: it must succeed
  Fields fields;
};

struct Scenario {
  std::string title;
  std::string topology;  // template
  std::vector<Step> steps;
};

// FIELD_INVALID with "line N: what is wrong".
absl::StatusOr<Scenario> ParseScenario(const std::string& text);

}  // namespace comity::scenario

#endif  // COMITY_CLIENT_SCENARIO_SCENARIO_H_
