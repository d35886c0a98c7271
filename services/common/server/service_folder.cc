#include "services/common/server/service_folder.h"

#include <utility>

#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

absl::Status InFile(const absl::Status& status, const std::string& path) {
  return Refuse(ReasonOf(status), path + ": " + CauseOf(status));
}

absl::StatusOr<PrivateKey> LoadKey(const std::string& path) {
  ASSIGN_OR_RETURN(const SecretBytes pem, ReadPrivateFile(path));
  absl::StatusOr<PrivateKey> key = PrivateKey::FromPem(pem);
  if (!key.ok()) {
    return InFile(key.status(), path);
  }
  if (key->public_key().algorithm() != SignatureAlgorithm::kEd25519) {
    return Refuse(Reason::kDataCorrupt, path + ": not an Ed25519 key");
  }
  return key;
}

absl::StatusOr<Statement> LoadStatement(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  absl::StatusOr<Statement> statement = DecodeStatement(bytes);
  return statement.ok() ? statement : InFile(statement.status(), path);
}

}  // namespace

absl::StatusOr<ServiceIdentity> LoadServiceIdentity(const std::string& directory) {
  const std::string folder = directory + "/identity/";
  TlsIdentity tls;
  ASSIGN_OR_RETURN(tls.certificate, ReadFile(folder + "tls.crt"));
  ASSIGN_OR_RETURN(tls.private_key, ReadPrivateFile(folder + "tls.key"));
  ASSIGN_OR_RETURN(PrivateKey statement_key, LoadKey(folder + "statement.key"));
  ASSIGN_OR_RETURN(PrivateKey log_key, LoadKey(folder + "log.key"));
  ASSIGN_OR_RETURN(Statement endorsement, LoadStatement(folder + "endorsement"));
  ASSIGN_OR_RETURN(Statement roster, LoadStatement(folder + "roster"));
  return ServiceIdentity{.tls = std::move(tls),
                         .statement_key = std::move(statement_key),
                         .log_key = std::move(log_key),
                         .endorsement = std::move(endorsement),
                         .roster = std::move(roster)};
}

}  // namespace comity
