#include "tests/hygiene/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace comity::hygiene {
namespace {

namespace fs = std::filesystem;

bool IsSkippedFolder(const fs::path& folder) {
  const std::string name = folder.filename().string();
  return name == "build" || name == "__pycache__" ||
         (name.size() > 1 && name.front() == '.' && name != ".ci");
}

std::string ReadAll(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return std::move(text).str();
}

}  // namespace

SourceFile MakeFile(std::string path, std::string_view text) {
  SourceFile file{.path = std::move(path), .lines = {}};
  while (!text.empty()) {
    const size_t end = text.find('\n');
    file.lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return file;
}

std::vector<SourceFile> ReadTree(const std::string& root) {
  std::vector<SourceFile> files;
  for (auto entry = fs::recursive_directory_iterator(root); entry != fs::end(entry); ++entry) {
    if (entry->is_directory() && IsSkippedFolder(entry->path())) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file() || entry->is_symlink()) continue;
    const std::string text = ReadAll(entry->path());
    if (text.find('\0') != std::string::npos) continue;
    files.push_back(MakeFile(fs::relative(entry->path(), root).generic_string(), text));
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

const std::vector<SourceFile>& Repository() {
  static const auto* const kFiles = new std::vector<SourceFile>(ReadTree(COMITY_SOURCE_DIR));
  return *kFiles;
}

bool IsCpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cc"); }

bool IsTest(std::string_view path) { return path.starts_with("tests/"); }

bool IsProduct(std::string_view path) {
  return path.starts_with("services/") || path.starts_with("client/");
}

std::string Finding(const SourceFile& file, size_t line, std::string_view message) {
  return file.path + ":" + std::to_string(line) + ": " + std::string(message);
}

std::string Listing(const std::vector<std::string>& findings) {
  std::string text;
  for (const std::string& finding : findings) text += "\n  " + finding;
  return text;
}

}  // namespace comity::hygiene
