#include "client/deployment/templates.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>
#include <vector>

#include "client/deployment/maker.h"
#include "client/deployment/programs.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/topology.h"

namespace comity {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ShareFolders() {
  if (const char* named = std::getenv("COMITY_SHARE_DIR"); named != nullptr && *named != '\0') {
    return {named};
  }
  std::vector<std::string> folders;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  // <tree>/build/<preset>/bin/comity
  for (fs::path up = program.parent_path(); up.has_relative_path(); up = up.parent_path()) {
    if (fs::is_directory(up / "deploy" / "topologies", error)) {
      folders.push_back((up / "deploy").string());
      break;
    }
  }
  // <prefix>/bin, where everything was installed
  const fs::path installed = fs::path(ProgramFolder()).parent_path() / "share" / "comity";
  if (fs::is_directory(installed / "topologies", error)) folders.push_back(installed.string());
  return folders;
}

}  // namespace

absl::StatusOr<std::string> FindShipped(std::string_view kind, const std::string& name,
                                        std::string_view suffix) {
  std::error_code error;
  if (fs::is_regular_file(name, error)) return name;
  std::string searched;
  if (name.find('/') == std::string::npos) {
    for (const std::string& folder : ShareFolders()) {
      const std::string path = folder + "/" + std::string(kind) + "/" + name + std::string(suffix);
      if (FileExists(path)) return path;
      searched += ", nor is " + path;
    }
  }
  return Refuse(Reason::kStoreUnavailable,
                "there is no file " + name + searched +
                    "; give its path, or set COMITY_SHARE_DIR to the folder with " +
                    std::string(kind));
}

std::vector<std::string> ListShipped(std::string_view kind) {
  std::vector<std::string> names;
  for (const std::string& folder : ShareFolders()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder + "/" + std::string(kind), error)) {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

absl::StatusOr<std::string> FindTemplate(const std::string& name) {
  return FindShipped("topologies", name, ".txtpb");
}

absl::Status MakeFromTemplate(const std::string& name, const std::string& directory,
                              std::function<void(const std::string&)> progress) {
  const std::string kept = directory + "/template.txtpb";
  if (!FileExists(kept)) {
    ASSIGN_OR_RETURN(const std::string file, FindTemplate(name));
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    RETURN_IF_ERROR(Topology::Parse(text, /*as_template=*/true).status());
    RETURN_IF_ERROR(MakePrivateFolders(directory));
    RETURN_IF_ERROR(WriteFileDurably(kept, text, FileMode::kPublic));
  }
  MakeOptions options;
  ASSIGN_OR_RETURN(options.template_text, ReadFile(kept));
  options.directory = directory;
  options.progress = std::move(progress);
  return MakeDeployment(options);
}

}  // namespace comity
