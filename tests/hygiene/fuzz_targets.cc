#include "tests/hygiene/fuzz_targets.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <string_view>

namespace comity::hygiene {
namespace {

constexpr std::string_view kFolder = "tests/fuzz/";
constexpr std::string_view kEnd = "_fuzz.cc";
constexpr std::string_view kBeginnings[] = {"Parse", "Decode", "From"};

std::string TextOf(const SourceFile& file) {
  std::string text;
  for (const std::string& line : file.lines) text += line + "\n";
  return text;
}

bool IsWordCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool HasWord(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || !IsWordCharacter(text[at - 1])) &&
        (end == text.size() || !IsWordCharacter(text[end]))) {
      return true;
    }
  }
  return false;
}

// Lines of the file of exemptions.
struct Exemption {
  const SourceFile* file = nullptr;
  size_t line = 0;
  bool used = false;
};
using Exemptions = std::map<std::string, Exemption>;  // by "<header> <name>"

Exemptions ReadExemptions(const SourceFile& file, std::vector<std::string>& findings) {
  Exemptions exemptions;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    if (line.empty() || line.starts_with('#')) continue;
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) {
      findings.push_back(Finding(file, i + 1, "is not \"<header> <name>: <why>\""));
      continue;
    }
    exemptions[line.substr(0, colon)] = {&file, i + 1};
  }
  return exemptions;
}

}  // namespace

std::vector<Decoder> FindDecoders(const SourceFile& header) {
  if (!IsProduct(header.path) || !header.path.ends_with(".h")) return {};
  // A type stands before the name, or nothing when the line was broken there; a call has something
  // else.
  static const std::regex* const kDeclaration =
      new std::regex(R"(^\s*(?:(?:static|inline|explicit|constexpr)\s+)*[\w:<>,*&\s]*?)"
                     R"(\b((?:Parse|Decode|From)(?:[A-Z]\w*)?)\((.*)$)");
  static const std::regex* const kCall = new std::regex(R"(\b(?:return|co_return|throw|using)\b)");
  static const std::regex* const kParameter = new std::regex(R"((\w+)>*&)");
  std::vector<Decoder> decoders;
  for (size_t i = 0; i < header.lines.size(); ++i) {
    // The expressions are slow, and few lines can match.
    if (std::ranges::none_of(kBeginnings, [&](std::string_view word) {
          return header.lines[i].find(word) != std::string::npos;
        })) {
      continue;
    }
    std::smatch match;
    if (!std::regex_match(header.lines[i], match, *kDeclaration) ||
        std::regex_search(header.lines[i], *kCall)) {
      continue;
    }
    std::string parameters = match[2];
    if (parameters.empty() && i + 1 < header.lines.size()) parameters = header.lines[i + 1];
    std::smatch type;
    std::regex_search(parameters, type, *kParameter);
    decoders.push_back({header.path, i + 1, match[1], type.empty() ? "" : type[1].str()});
  }
  std::map<std::string, std::set<std::string>> overloads;
  for (const Decoder& decoder : decoders) overloads[decoder.name].insert(decoder.message);
  for (Decoder& decoder : decoders) {
    if (overloads[decoder.name].size() == 1) decoder.message.clear();
  }
  return decoders;
}

std::vector<std::string> CheckFuzzTargets(const std::vector<SourceFile>& files) {
  std::vector<std::string> findings;
  std::vector<const SourceFile*> targets;
  std::string declared;
  Exemptions exemptions;
  for (const SourceFile& file : files) {
    if (!file.path.starts_with(kFolder)) continue;
    if (file.path.ends_with(kEnd)) targets.push_back(&file);
    if (file.path == std::string(kFolder) + "CMakeLists.txt") declared = TextOf(file);
    if (file.path == std::string(kFolder) + "exempt.txt") {
      exemptions = ReadExemptions(file, findings);
    }
  }
  std::map<const SourceFile*, std::string> texts;
  for (const SourceFile* target : targets) {
    texts[target] = TextOf(*target);
    const std::string name =
        target->path.substr(kFolder.size(), target->path.rfind('.') - kFolder.size());
    if (!HasWord(declared, "comity_fuzz(" + name)) {
      findings.push_back(Finding(*target, 1, "no comity_fuzz() declares this target"));
    }
  }
  for (const SourceFile& file : files) {
    for (const Decoder& decoder : FindDecoders(file)) {
      if (const auto it = exemptions.find(decoder.header + " " + decoder.name);
          it != exemptions.end()) {
        it->second.used = true;
        continue;
      }
      const bool fuzzed = std::ranges::any_of(texts, [&](const auto& target) {
        const std::string& text = target.second;
        return text.find("#include \"" + decoder.header + "\"") != std::string::npos &&
               HasWord(text, decoder.name) &&
               (decoder.message.empty() || HasWord(text, decoder.message));
      });
      if (!fuzzed) {
        findings.push_back(Finding(
            file, decoder.line,
            "no fuzz target calls " + decoder.name + "(" + decoder.message + "): docs/testing.md"));
      }
    }
  }
  for (const auto& [name, exemption] : exemptions) {
    if (!exemption.used) {
      findings.push_back(Finding(*exemption.file, exemption.line, "exempts nothing: " + name));
    }
  }
  return findings;
}

}  // namespace comity::hygiene
