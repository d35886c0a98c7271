#include "client/scenario/scenario.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "services/common/status/check.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::scenario {
namespace {

using json = nlohmann::ordered_json;

absl::Status Wrong(int line, const std::string& what) {
  return Refuse(Reason::kFieldInvalid, "line " + std::to_string(line) + ": " + what);
}

// The line on which each object of the list "steps" begins: the JSON library does not tell. These
// are the objects two brackets deep, there being no other list of objects at the top.
std::vector<int> StepLines(const std::string& text) {
  std::vector<int> lines;
  int line = 1;
  int depth = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (c == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\') ++i;
      }
    } else if (c == '/' && i + 1 < text.size() && text[i + 1] == '/') {
      while (i + 1 < text.size() && text[i + 1] != '\n') ++i;
    } else if (c == '/' && i + 1 < text.size() && text[i + 1] == '*') {
      for (i += 2; i + 1 < text.size() && !(text[i] == '*' && text[i + 1] == '/'); ++i) {
        if (text[i] == '\n') ++line;
      }
    } else if (c == '{' || c == '[') {
      if (c == '{' && depth == 2) lines.push_back(line);
      ++depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return lines;
}

const VerbSpec* FindVerb(const std::string& name) {
  for (const VerbSpec& verb : Verbs()) {
    if (verb.name == name) return &verb;
  }
  return nullptr;
}

std::string KnownVerbs() {
  std::string text;
  for (const VerbSpec& verb : Verbs()) text += (text.empty() ? "" : ", ") + std::string(verb.name);
  return text;
}

bool AllTexts(const json& value) {
  return std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); });
}

std::string_view Describe(FieldKind kind) {
  switch (kind) {
    case FieldKind::kText:
      return "a text";
    case FieldKind::kTexts:
      return "a list of texts";
    case FieldKind::kNumber:
      return "a number that is not negative";
    case FieldKind::kFlag:
      return "true or false";
    case FieldKind::kTextMap:
      return "an object of texts";
    case FieldKind::kNumberMap:
      return "an object of numbers that are not negative";
  }
  return "";
}

template <typename Map>
typename Map::mapped_type ValueOr(const Map& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? typename Map::mapped_type() : found->second;
}

}  // namespace

bool Fields::Has(std::string_view name) const {
  return texts_.contains(name) || lists_.contains(name) || numbers_.contains(name) ||
         flags_.contains(name) || text_maps_.contains(name) || number_maps_.contains(name);
}
std::string Fields::Text(std::string_view name) const { return ValueOr(texts_, name); }
std::vector<std::string> Fields::Texts(std::string_view name) const {
  return ValueOr(lists_, name);
}
uint64_t Fields::Number(std::string_view name) const { return ValueOr(numbers_, name); }
bool Fields::Flag(std::string_view name) const { return ValueOr(flags_, name); }
Fields::TextMap Fields::TextPairs(std::string_view name) const { return ValueOr(text_maps_, name); }
std::map<std::string, uint64_t> Fields::Numbers(std::string_view name) const {
  return ValueOr(number_maps_, name);
}

// Fills a step's fields as its verb declares them.
class Reader final {
 public:
  static bool Read(const FieldSpec& spec, const json& value, Fields& out) {
    const std::string name(spec.name);
    switch (spec.kind) {
      case FieldKind::kText:
        if (!value.is_string() || value.get<std::string>().empty()) return false;
        out.texts_[name] = value.get<std::string>();
        return true;
      case FieldKind::kTexts:
        if (!value.is_array() || !AllTexts(value)) return false;
        out.lists_[name] = value.get<std::vector<std::string>>();
        return true;
      case FieldKind::kNumber:
        if (!value.is_number_unsigned()) return false;
        out.numbers_[name] = value.get<uint64_t>();
        return true;
      case FieldKind::kFlag:
        if (!value.is_boolean()) return false;
        out.flags_[name] = value.get<bool>();
        return true;
      case FieldKind::kTextMap:
        if (!value.is_object() || !AllTexts(value)) return false;
        for (const auto& [key, item] : value.items()) {
          out.text_maps_[name].emplace_back(key, item.get<std::string>());
        }
        return true;
      case FieldKind::kNumberMap:
        if (!value.is_object()) return false;
        for (const auto& [key, item] : value.items()) {
          if (!item.is_number_unsigned()) return false;
          out.number_maps_[name][key] = item.get<uint64_t>();
        }
        return true;
    }
    return false;
  }
};

namespace {

absl::Status ReadField(const VerbSpec& verb, const std::string& name, const json& value,
                       Step& step) {
  if (name == "do") return absl::OkStatus();
  if (name == "check" || name == "refused") {
    if (!value.is_string()) return Wrong(step.line, "\"" + name + "\" takes a text");
    (name == "check" ? step.check : step.refused) = value.get<std::string>();
    return absl::OkStatus();
  }
  for (const FieldSpec& spec : verb.fields) {
    if (spec.name != name) continue;
    if (Reader::Read(spec, value, step.fields)) return absl::OkStatus();
    return Wrong(step.line, "\"" + name + "\" takes " + std::string(Describe(spec.kind)));
  }
  return Wrong(step.line, "\"" + step.verb + "\" has no field \"" + name + "\"");
}

absl::StatusOr<Step> ReadStep(const json& value, int line) {
  Step step;
  step.line = line;
  if (!value.contains("do") || !value["do"].is_string()) {
    return Wrong(line, "a step says with \"do\" what is done");
  }
  step.verb = value["do"].get<std::string>();
  const VerbSpec* verb = FindVerb(step.verb);
  if (verb == nullptr) {
    return Wrong(line, "there is no verb \"" + step.verb + "\"; there are: " + KnownVerbs());
  }
  for (const auto& [name, field] : value.items()) {
    RETURN_IF_ERROR(ReadField(*verb, name, field, step));
  }
  for (const FieldSpec& spec : verb->fields) {
    if (spec.required && !step.fields.Has(spec.name)) {
      return Wrong(line, "\"" + step.verb + "\" needs \"" + std::string(spec.name) + "\"");
    }
  }
  if (step.verb == "say") {
    if (!step.check.empty() || !step.refused.empty()) {
      return Wrong(line, "\"say\" checks nothing");
    }
  } else if (step.check.empty()) {
    return Wrong(line, "a step needs a \"check\": the name of what it proves");
  }
  const auto reasons = AllReasons();
  if (!step.refused.empty() && std::none_of(reasons.begin(), reasons.end(), [&](const auto& r) {
        return r.name == step.refused;
      })) {
    return Wrong(line, "there is no reason \"" + step.refused + "\"");
  }
  return step;
}

}  // namespace

absl::StatusOr<Scenario> ParseScenario(const std::string& text) {
  json root;
  try {
    root = json::parse(text, nullptr, /*allow_exceptions=*/true, /*ignore_comments=*/true);
  } catch (const json::parse_error& error) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    return Wrong(1 + static_cast<int>(std::count(text.begin(), end, '\n')),
                 "this is not JSON (comments are allowed)");
  }
  if (!root.is_object()) return Wrong(1, "a scenario is one JSON object");
  Scenario scenario;
  for (const auto& [name, value] : root.items()) {
    const bool is_text = name == "title" || name == "topology";
    if (!is_text && name != "steps") return Wrong(1, "a scenario has no field \"" + name + "\"");
    if (is_text ? !value.is_string() : !value.is_array()) {
      return Wrong(1, "\"" + name + "\" takes " + (is_text ? "a text" : "a list of steps"));
    }
  }
  for (const char* name : {"title", "topology", "steps"}) {
    if (!root.contains(name)) return Wrong(1, std::string("a scenario needs \"") + name + "\"");
  }
  scenario.title = root["title"].get<std::string>();
  scenario.topology = root["topology"].get<std::string>();
  const json& steps = root["steps"];
  const std::vector<int> lines = StepLines(text);
  std::set<std::string> checks;
  for (size_t i = 0; i < steps.size(); ++i) {
    const int line = i < lines.size() ? lines[i] : 1;
    if (!steps[i].is_object()) return Wrong(line, "a step is a JSON object");
    ASSIGN_OR_RETURN(Step step, ReadStep(steps[i], line));
    if (!step.check.empty() && !checks.insert(step.check).second) {
      return Wrong(line, "the check \"" + step.check + "\" is there twice");
    }
    scenario.steps.push_back(std::move(step));
  }
  return scenario;
}

}  // namespace comity::scenario
