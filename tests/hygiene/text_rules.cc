#include "tests/hygiene/text_rules.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>

namespace comity::hygiene {
namespace {

constexpr size_t kMaxLines = 600;
constexpr size_t kMaxColumns = 100;

// Split, so that this file does not find itself.
const char* const kWordsAnywhere =
    "\\b(TO"
    "DO|FIX"
    "ME|XX"
    "X|[Pp]lace"
    "holder|[Dd]um"
    "my|[Hh]ard-?co"
    "ded|[Ff]or n"
    "ow|[Ii]n a re"
    "al)\\b";
const char* const kWordsInProse =
    "\\bstu"
    "bs?\\b";

bool IsCode(const std::string& path) { return IsCpp(path) || path.ends_with(".proto"); }

// Characters, not bytes: a comment may hold letters outside ASCII.
size_t Columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
  }));
}

std::string ProseOf(const SourceFile& file, const std::string& line) {
  if (!IsCode(file.path)) return line;
  const size_t comment = line.find("//");
  return comment == std::string::npos ? std::string() : line.substr(comment);
}

}  // namespace

std::vector<std::string> CheckLength(const SourceFile& file) {
  std::vector<std::string> findings;
  if (!IsCode(file.path)) return findings;
  if (file.lines.size() > kMaxLines) {
    findings.push_back(Finding(file, kMaxLines + 1, "longer than 600 lines: look for a seam"));
  }
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    // An include cannot be broken.
    if (Columns(line) > kMaxColumns && !line.starts_with("#include")) {
      findings.push_back(Finding(file, i + 1, "longer than 100 columns"));
    }
  }
  return findings;
}

std::vector<std::string> CheckWords(const SourceFile& file) {
  static const std::regex* const kAnywhere = new std::regex(kWordsAnywhere);
  static const std::regex* const kProse = new std::regex(kWordsInProse);
  std::vector<std::string> findings;
  if (file.path == "LICENSE") return findings;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    std::smatch match;
    const std::string prose = ProseOf(file, file.lines[i]);
    if (std::regex_search(file.lines[i], match, *kAnywhere) ||
        std::regex_search(prose, match, *kProse)) {
      findings.push_back(Finding(file, i + 1, "\"" + match.str() + "\""));
    }
  }
  return findings;
}

std::vector<std::string> CheckTokens(const SourceFile& file) {
  static const std::regex* const kBanned =
      new std::regex("\\b(Short|Utf8|Unredacted)?DebugString\\b|\\bPrintDebugString\\b");
  std::vector<std::string> findings;
  if (!IsProduct(file.path) || !IsCpp(file.path)) return findings;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    if (std::regex_search(file.lines[i], *kBanned)) {
      findings.push_back(Finding(file, i + 1, "prints a whole message, secrets included"));
    }
  }
  return findings;
}

std::vector<std::string> CheckGuard(const SourceFile& file) {
  if (!file.path.ends_with(".h")) return {};
  std::string path = file.path;
  if (path.starts_with("services/")) path.erase(0, 9);
  std::string guard = "COMITY_";
  for (const char c : path) {
    guard += std::isalnum(static_cast<unsigned char>(c)) != 0
                 ? static_cast<char>(std::toupper(static_cast<unsigned char>(c)))
                 : '_';
  }
  guard += '_';
  const auto has = [&](const std::string& line) {
    return std::find(file.lines.begin(), file.lines.end(), line) != file.lines.end();
  };
  if (has("#ifndef " + guard) && has("#define " + guard) && has("#endif  // " + guard)) return {};
  return {Finding(file, 1, "the include guard must be " + guard)};
}

std::vector<std::string> CheckRuleCitations(const std::vector<SourceFile>& files) {
  static const std::regex* const kCitation = new std::regex("Rule: ([A-Z0-9]+(?:-[A-Z0-9]+)+)");
  std::map<std::string, std::string> product;
  std::map<std::string, std::string> tests;
  for (const SourceFile& file : files) {
    // The samples of this checker's own tests cite nothing.
    if (!IsCode(file.path) || file.path.starts_with("tests/hygiene/")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      for (std::sregex_iterator it(line.begin(), line.end(), *kCitation), end; it != end; ++it) {
        (IsTest(file.path) ? tests : product)
            .emplace((*it)[1], Finding(file, i + 1, (*it)[1].str()));
      }
    }
  }
  std::vector<std::string> findings;
  for (const auto& [rule, where] : product) {
    if (!tests.contains(rule)) findings.push_back(where + " is cited by no test");
  }
  for (const auto& [rule, where] : tests) {
    if (!product.contains(rule)) findings.push_back(where + " is cited by no product code");
  }
  return findings;
}

}  // namespace comity::hygiene
