#ifndef COMITY_CLIENT_PERSON_PERSON_H_
#define COMITY_CLIENT_PERSON_PERSON_H_

#include <string>

#include "absl/status/statusor.h"

#include "services/common/crypto/signing.h"
#include "services/common/server/credentials.h"

namespace comity {

// A person of a region's roster (agent, reviewer, approver, operator person), as a private folder
// with person.crt and person.key. Move-only.
struct Person {
  std::string region;
  std::string name;
  std::string folder;
  PrivateKey key;
  std::string certificate;  // PEM
  TlsIdentity Tls() const;
};

// `who` is "<region>/<name>" below the deployment's `people`, or the path of such a folder.
// STORE_UNAVAILABLE with what was looked for.
absl::StatusOr<Person> LoadPerson(const std::string& deployment_directory, const std::string& who);

}  // namespace comity

#endif  // COMITY_CLIENT_PERSON_PERSON_H_
