#include "tests/hygiene/layering.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <sstream>

#include <fnmatch.h>

namespace comity::hygiene {
namespace {

bool Matches(const std::string& pattern, const std::string& text) {
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& text) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return Matches(pattern, text); });
}

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

struct Include {
  std::string name;
  bool quoted = false;
};

std::optional<Include> ParseInclude(std::string_view line) {
  const size_t hash = line.find_first_not_of(" \t");
  if (hash == std::string_view::npos || line[hash] != '#') return std::nullopt;
  line.remove_prefix(hash + 1);
  const size_t word = line.find_first_not_of(" \t");
  if (word == std::string_view::npos || !line.substr(word).starts_with("include")) {
    return std::nullopt;
  }
  const size_t open = line.find_first_of("<\"");
  if (open == std::string_view::npos) return std::nullopt;
  const char closing = line[open] == '<' ? '>' : '"';
  const size_t close = line.find(closing, open + 1);
  if (close == std::string_view::npos) return std::nullopt;
  return Include{.name = std::string(line.substr(open + 1, close - open - 1)),
                 .quoted = closing == '"'};
}

// Every folder reachable from `start` over edges between named folders.
bool ReachesItself(const IncludeRules& rules, const std::string& start) {
  std::set<std::string> seen;
  std::function<bool(const std::string&)> visit = [&](const std::string& from) {
    const auto found = rules.allow.find(from);
    if (found == rules.allow.end()) return false;
    for (const std::string& pattern : found->second) {
      for (const auto& [to, unused] : rules.allow) {
        if (to == from || !Matches(pattern, to)) continue;
        if (to == start) return true;
        if (seen.insert(to).second && visit(to)) return true;
      }
    }
    return false;
  };
  return visit(start);
}

}  // namespace

IncludeRules ParseIncludeRules(const SourceFile& text) {
  IncludeRules rules;
  for (size_t i = 0; i < text.lines.size(); ++i) {
    const std::string& line = text.lines[i];
    if (line.empty() || line.front() == '#') continue;
    const size_t colon = line.find(':');
    const std::vector<std::string> left = Words(line.substr(0, colon));
    if (colon == std::string::npos || left.size() != 2) {
      rules.errors.push_back(Finding(text, i + 1, "not a rule: " + line));
      continue;
    }
    std::vector<std::string> right = Words(line.substr(colon + 1));
    if (left[0] == "allow") {
      if (!rules.allow.emplace(left[1], std::move(right)).second) {
        rules.errors.push_back(Finding(text, i + 1, "a second rule for " + left[1]));
      }
    } else if (left[0] == "only") {
      rules.only.push_back({.include = left[1], .files = std::move(right)});
    } else {
      rules.errors.push_back(Finding(text, i + 1, "not a rule: " + line));
    }
  }
  for (const auto& [folder, unused] : rules.allow) {
    if (folder.starts_with("services/common/") && folder != "services/common/server" &&
        ReachesItself(rules, folder)) {
      rules.errors.push_back(text.path + ": " + folder + " reaches itself");
    }
  }
  return rules;
}

std::string FolderOf(std::string_view path) {
  if (path.starts_with("comity/")) return "proto";
  for (const std::string_view top : {"client", "tests"}) {
    if (path.starts_with(std::string(top) + "/")) return std::string(top);
  }
  if (!path.starts_with("services/")) return {};
  const size_t depth = path.starts_with("services/common/") ? 16 : 9;
  return std::string(path.substr(0, path.find('/', depth)));
}

std::vector<std::string> CheckIncludes(const IncludeRules& rules, const SourceFile& file,
                                       bool has_own_header) {
  std::vector<std::string> findings;
  const std::string folder = FolderOf(file.path);
  const auto allowed = rules.allow.find(folder);
  if (allowed == rules.allow.end()) {
    return {Finding(file, 1, "folder " + folder + " has no line in allowed_includes.txt")};
  }
  bool first = true;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::optional<Include> include = ParseInclude(file.lines[i]);
    if (!include) continue;
    const std::string target = FolderOf(include->name);
    if (first && has_own_header &&
        include->name != file.path.substr(0, file.path.size() - 2) + "h") {
      findings.push_back(Finding(file, i + 1, "the first include must be the file's own header"));
    }
    first = false;
    if (!target.empty() && target != folder && !MatchesAny(allowed->second, target)) {
      findings.push_back(Finding(file, i + 1, folder + " may not include " + include->name));
    }
    if (include->quoted && include->name.find('/') == std::string::npos) {
      findings.push_back(
          Finding(file, i + 1, include->name + " must be included by its path from the root"));
    }
    for (const IncludeRules::Only& rule : rules.only) {
      if (Matches(rule.include, include->name) && !MatchesAny(rule.files, file.path)) {
        findings.push_back(Finding(file, i + 1, include->name + " may not be included here"));
      }
    }
  }
  return findings;
}

}  // namespace comity::hygiene
