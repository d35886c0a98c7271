#include "client/person/person.h"

#include <filesystem>

#include "client/deployment/paths.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {

TlsIdentity Person::Tls() const { return {certificate, key.ToPem()}; }

absl::StatusOr<Person> LoadPerson(const std::string& deployment_directory, const std::string& who) {
  std::string folder = who;
  if (!FileExists(folder + "/person.key")) {
    const size_t slash = who.find('/');
    if (slash == std::string::npos) {
      return Refuse(Reason::kFieldInvalid,
                    "say who acts as <region>/<name>, for instance cn/agent-lin");
    }
    folder =
        DeploymentPaths(deployment_directory).Person(who.substr(0, slash), who.substr(slash + 1));
  }
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  ASSIGN_OR_RETURN(const SecretBytes pem, ReadPrivateFile(folder + "/person.key"));
  ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(pem));
  ASSIGN_OR_RETURN(std::string certificate, ReadFile(folder + "/person.crt"));
  const std::filesystem::path path = std::filesystem::path(folder).lexically_normal();
  return Person{path.parent_path().filename().string(), path.filename().string(), folder,
                std::move(key), std::move(certificate)};
}

}  // namespace comity
