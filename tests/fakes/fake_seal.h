#ifndef COMITY_TESTS_FAKES_FAKE_SEAL_H_
#define COMITY_TESTS_FAKES_FAKE_SEAL_H_

#include <string>

#include "services/custody/root_key.h"
#include "services/custody/seal.h"

namespace comity::custody {

// A root key that is the same after every restart.
class FakeSeal final : public Seal {
 public:
  explicit FakeSeal(char fill = 'r') : root_(kRootKeySize, fill) {}
  absl::StatusOr<SecretBytes> OpenRoot() override {
    return SecretBytes::CopyOf(std::string_view(root_));
  }
  std::string description() const override { return "keyfile (development seal)"; }

 private:
  const std::string root_;
};

}  // namespace comity::custody

#endif  // COMITY_TESTS_FAKES_FAKE_SEAL_H_
