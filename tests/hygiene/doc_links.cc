#include "tests/hygiene/doc_links.h"

#include <filesystem>

namespace comity::hygiene {
namespace {

// The line with what stands between backticks blanked.
std::string WithoutCode(const std::string& line) {
  std::string out;
  bool code = false;
  for (const char c : line) {
    if (c == '`') code = !code;
    out += code ? ' ' : c;
  }
  return out;
}

bool LeadsOutside(std::string_view target) {
  return target.empty() || target.front() == '#' || target.find("://") != std::string_view::npos;
}

}  // namespace

std::vector<std::string> CheckLinks(const SourceFile& file,
                                    const std::function<bool(const std::string&)>& exists) {
  std::vector<std::string> findings;
  if (!file.path.ends_with(".md")) return findings;
  const std::filesystem::path folder = std::filesystem::path(file.path).parent_path();
  bool fenced = false;
  for (size_t i = 0; i < file.lines.size(); ++i) {
    if (file.lines[i].starts_with("```")) fenced = !fenced;
    if (fenced) continue;
    const std::string line = WithoutCode(file.lines[i]);
    for (size_t at = line.find("]("); at != std::string::npos; at = line.find("](", at + 2)) {
      std::string target = line.substr(at + 2, line.find(')', at) - at - 2);
      target = target.substr(0, target.find('#', target.empty() ? 0 : 1));
      if (LeadsOutside(target)) continue;
      const std::string path = (folder / target).lexically_normal().string();
      if (!exists(path)) findings.push_back(Finding(file, i + 1, "leads nowhere: " + target));
    }
  }
  return findings;
}

}  // namespace comity::hygiene
