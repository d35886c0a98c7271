#ifndef COMITY_CUSTODY_KEYFILE_SEAL_H_
#define COMITY_CUSTODY_KEYFILE_SEAL_H_

#include <string>
#include <utility>

#include "services/custody/root_key.h"
#include "services/custody/seal.h"

namespace comity::custody {

// The root key in a file: 64 lower-case hex digits and LF, readable by its owner only. Whoever
// copies the file has the root, so only development deployments may use it.
class KeyfileSeal final : public Seal {
 public:
  explicit KeyfileSeal(std::string path) : path_(std::move(path)) {}
  absl::StatusOr<SecretBytes> OpenRoot() override;
  std::string_view description() const override { return "keyfile (development seal)"; }

 private:
  const std::string path_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEYFILE_SEAL_H_
