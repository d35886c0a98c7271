#include "tests/hygiene/text_rules.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <span>
#include <string_view>

namespace comity::hygiene {
namespace {

constexpr size_t kMaxLines = 600;
constexpr size_t kMaxColumns = 100;

// Split, so that this file does not find itself.
constexpr std::string_view kWordsAnywhere[] = {
    "TO"
    "DO",
    "FIX"
    "ME",
    "XX"
    "X",
    "place"
    "holder",
    "Place"
    "holder",
    "dum"
    "my",
    "Dum"
    "my",
    "hard-"
    "coded",
    "Hard-"
    "coded",
    "hard"
    "coded",
    "for n"
    "ow",
    "For n"
    "ow",
    "in a re"
    "al"};
constexpr std::string_view kWordsInProse[] = {
    "stu"
    "b",
    "stu"
    "bs"};
constexpr std::string_view kPrinters[] = {"DebugString", "ShortDebugString", "Utf8DebugString",
                                          "UnredactedDebugString", "PrintDebugString"};

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The first of `words` that stands in `text` as a whole word; empty if none does.
std::string_view FindWord(std::string_view text, std::span<const std::string_view> words) {
  for (const std::string_view word : words) {
    for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
      const size_t end = at + word.size();
      if ((at == 0 || !IsWordCharacter(text[at - 1])) &&
          (end == text.size() || !IsWordCharacter(text[end]))) {
        return word;
      }
    }
  }
  return {};
}

bool IsCode(const std::string& path) { return IsCpp(path) || path.ends_with(".proto"); }

// Characters, not bytes: a comment may hold letters outside ASCII.
size_t Columns(const std::string& line) {
  return static_cast<size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
  }));
}

std::string_view ProseOf(const SourceFile& file, std::string_view line) {
  if (!IsCode(file.path)) return line;
  const size_t comment = line.find("//");
  return comment == std::string_view::npos ? std::string_view() : line.substr(comment);
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
  std::vector<std::string> findings;
  if (file.path == "LICENSE") return findings;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    std::string_view word = FindWord(file.lines[i], kWordsAnywhere);
    if (word.empty()) word = FindWord(ProseOf(file, file.lines[i]), kWordsInProse);
    if (!word.empty()) findings.push_back(Finding(file, i + 1, "says " + std::string(word)));
  }
  return findings;
}

std::vector<std::string> CheckTokens(const SourceFile& file) {
  std::vector<std::string> findings;
  if (!IsProduct(file.path) || !IsCpp(file.path)) return findings;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    if (!FindWord(file.lines[i], kPrinters).empty()) {
      findings.push_back(Finding(file, i + 1, "prints a whole message, secrets included"));
    }
  }
  return findings;
}

std::vector<std::string> CheckMain(const SourceFile& file) {
  if (!IsProduct(file.path) || !IsCpp(file.path)) return {};
  const auto find = [&](const std::string& text) {
    return std::find_if(file.lines.begin(), file.lines.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  const auto main = find("int main(");
  if (main == file.lines.end() || find("EndProcess(") != file.lines.end()) return {};
  return {Finding(file, static_cast<size_t>(main - file.lines.begin()) + 1,
                  "main() ends without EndProcess()")};
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
      if (line.find("Rule: ") == std::string::npos) continue;
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
