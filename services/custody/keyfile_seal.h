#ifndef COMITY_CUSTODY_KEYFILE_SEAL_H_
#define COMITY_CUSTODY_KEYFILE_SEAL_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "services/custody/root_key.h"
#include "services/custody/seal.h"

namespace comity::custody {

// The root key in a file: 64 lower-case hex digits and LF, readable by its owner only; after a
// rotation a second line, the sealed ring in hex. Whoever copies the file has the root, so only
// development deployments may use it.
class KeyfileSeal final : public Seal {
 public:
  explicit KeyfileSeal(std::string path) : path_(std::move(path)) {}
  absl::StatusOr<SecretBytes> OpenRoot() override;
  std::string description() const override { return "keyfile (development seal)"; }
  // SEALED when the file cannot be read.
  absl::StatusOr<std::string> ring() const override;
  absl::Status KeepRing(const std::string& ring) override;
  absl::StatusOr<std::optional<SecretBytes>> EnterToRotate(std::string_view person,
                                                           const SecretBytes& share,
                                                           UnixMillis now) override {
    return Enter(person, share, now);
  }
  absl::Status Replace(const SecretBytes& root, const std::string& ring) override;

 private:
  struct Content;
  absl::StatusOr<Content> Read() const;

  const std::string path_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEYFILE_SEAL_H_
