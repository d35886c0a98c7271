#include "client/deployment/backups.h"

#include <filesystem>
#include <fstream>

#include "services/common/files/files.h"

namespace comity {

absl::Status KeepBackups(const DeploymentPaths& paths, const std::string& folder) {
  const std::string absolute = std::filesystem::absolute(folder).lexically_normal().string();
  return WriteFileDurably(paths.Backups(), absolute + "\n", FileMode::kPrivate);
}

std::string BackupFolder(const DeploymentPaths& paths, const RegionId& region) {
  std::ifstream in(paths.Backups());
  std::string folder;
  if (!std::getline(in, folder)) return {};
  return folder + "/" + region.name();
}

}  // namespace comity
