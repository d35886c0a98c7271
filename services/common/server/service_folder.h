#ifndef COMITY_COMMON_SERVER_SERVICE_FOLDER_H_
#define COMITY_COMMON_SERVER_SERVICE_FOLDER_H_

#include <string>

#include "absl/status/statusor.h"

#include "services/common/crypto/signing.h"
#include "services/common/server/credentials.h"
#include "services/common/statement/statement.h"

namespace comity {

// What a service is given at its birth: `<directory>/identity/`, each file for one purpose.
struct ServiceIdentity {
  TlsIdentity tls;           // tls.crt, tls.key
  PrivateKey statement_key;  // statement.key, Ed25519
  PrivateKey log_key;        // log.key, Ed25519
  Statement endorsement;     // endorsement: operator.endorsement of the statement key
  Statement roster;          // roster: operator.roster of the region
};

// STORE_UNAVAILABLE for a missing file, STATE_NOT_READY for a key file that is not private (0600),
// DATA_CORRUPT or STATEMENT_MALFORMED for content that cannot be read; the cause names the file.
// Nothing is verified.
absl::StatusOr<ServiceIdentity> LoadServiceIdentity(const std::string& directory);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_SERVICE_FOLDER_H_
