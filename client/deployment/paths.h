#ifndef COMITY_CLIENT_DEPLOYMENT_PATHS_H_
#define COMITY_CLIENT_DEPLOYMENT_PATHS_H_

#include <string>
#include <string_view>

#include "services/common/statement/operator.h"

namespace comity {

// In the folder of a person who holds a share of a custody's root key.
inline constexpr char kSealShareFile[] = "custody-share";
// The one of a root key that is not in force yet.
inline constexpr char kNextSealShareFile[] = "custody-share.next";

// Where things lie in a deployment's folder: one private folder per holder (docs/deployment.md).
class DeploymentPaths final {
 public:
  explicit DeploymentPaths(std::string directory) : directory_(std::move(directory)) {}
  const std::string& directory() const { return directory_; }

  std::string Topology() const { return directory_ + "/topology.txtpb"; }
  std::string TopologySignature() const { return Topology() + ".sig"; }
  std::string Bundle() const { return directory_ + "/bundle"; }
  std::string Clock() const { return directory_ + "/clock"; }
  std::string Faults() const { return directory_ + "/faults"; }
  std::string Root(std::string_view region) const { return Join({"roots", region}); }
  std::string Operator(std::string_view name) const { return Join({"operators", name}); }
  std::string Person(std::string_view region, std::string_view name) const {
    return Join({"people", region, name});
  }
  std::string SealShare(std::string_view region, std::string_view person) const {
    return Person(region, person) + "/" + kSealShareFile;
  }
  std::string Service(std::string_view region, ServiceKind kind) const {
    return Join({region, Name(kind)});
  }
  // What of Faults() a running service has taken.
  std::string FaultsInEffect(std::string_view region, ServiceKind kind) const {
    return Service(region, kind) + "/faults-in-effect";
  }
  // Where its metrics are, "127.0.0.1:port".
  std::string Metrics(std::string_view region, ServiceKind kind) const {
    return Service(region, kind) + "/metrics";
  }
  // Limits that its operator has set, each as --limit takes it, one a line; custody only.
  std::string Limits(std::string_view region, ServiceKind kind) const {
    return Service(region, kind) + "/limits";
  }
  // How it reaches the token that guards its root key: the module's path and that of the file with
  // the PIN, each on a line; custody only.
  std::string TokenAccess(std::string_view region, ServiceKind kind) const {
    return Service(region, kind) + "/pkcs11";
  }
  // Where its custodies keep their backups: the path of a folder, on a line.
  std::string Backups() const { return directory_ + "/backups"; }
  std::string Identity(std::string_view region, ServiceKind kind) const {
    return Service(region, kind) + "/identity";
  }

 private:
  std::string Join(std::initializer_list<std::string_view> parts) const {
    std::string path = directory_;
    for (std::string_view part : parts) path.append("/").append(part);
    return path;
  }
  std::string directory_;
};

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_PATHS_H_
