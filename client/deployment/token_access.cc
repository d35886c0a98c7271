#include "client/deployment/token_access.h"

#include <filesystem>
#include <fstream>

#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {

absl::Status KeepTokenAccess(const DeploymentPaths& paths, const Topology& topology,
                             const std::string& module, const std::string& pin_file) {
  const auto absolute = [](const std::string& path) {
    return std::filesystem::absolute(path).lexically_normal().string() + "\n";
  };
  bool any = false;
  for (const auto& [id, region] : topology.regions()) {
    if (!region.service(ServiceKind::kCustody).pkcs11_seal.has_value()) continue;
    any = true;
    RETURN_IF_ERROR(WriteFileDurably(paths.TokenAccess(id.name(), ServiceKind::kCustody),
                                     absolute(module) + absolute(pin_file), FileMode::kPrivate));
  }
  return any ? absl::OkStatus()
             : Refuse(Reason::kFieldInvalid,
                      "no custody of this deployment has its root key guarded by a token");
}

std::vector<std::string> TokenFlags(const DeploymentPaths& paths, const RegionId& region) {
  std::ifstream in(paths.TokenAccess(region.name(), ServiceKind::kCustody));
  std::string module;
  std::string pin_file;
  if (!std::getline(in, module) || !std::getline(in, pin_file)) return {};
  return {"--pkcs11-module", module, "--pkcs11-pin-file", pin_file};
}

}  // namespace comity
