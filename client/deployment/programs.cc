#include "client/deployment/programs.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>

namespace comity {
namespace {

namespace fs = std::filesystem;

bool HasPrograms(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / "comity-storage", error);
}

}  // namespace

std::string ProgramFolder() {
  if (const char* named = std::getenv("COMITY_BIN_DIR"); named != nullptr && *named != '\0') {
    return named;
  }
  std::error_code error;
  const fs::path beside = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (HasPrograms(beside)) return beside.string();
  // Somebody else's program, and the packages of the services.
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (!folder.empty() && HasPrograms(folder)) return folder;
  }
  return beside.string();
}

}  // namespace comity
