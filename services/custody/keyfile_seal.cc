#include "services/custody/keyfile_seal.h"

#include "services/common/files/files.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

// -1 for anything that is not a lower-case hex digit.
int HexValue(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

absl::StatusOr<SecretBytes> KeyfileSeal::OpenRoot() {
  absl::StatusOr<SecretBytes> text = ReadPrivateFile(path_);
  if (!text.ok()) {
    return Refuse(Reason::kSealed, CauseOf(text.status()));
  }
  const std::span<const uint8_t> digits = text->Reveal(RevealKey::ForCrypto());
  if (digits.size() != 2 * kRootKeySize + 1 || digits.back() != '\n') {
    return Refuse(Reason::kSealed, path_ + ": not 64 hex digits and a line end");
  }
  SecretBytes root(kRootKeySize);
  const std::span<uint8_t> out = root.RevealMutable(RevealKey::ForCrypto());
  for (size_t i = 0; i < kRootKeySize; ++i) {
    const int high = HexValue(digits[2 * i]);
    const int low = HexValue(digits[2 * i + 1]);
    if (high < 0 || low < 0) {
      return Refuse(Reason::kSealed, path_ + ": not 64 hex digits and a line end");
    }
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return root;
}

}  // namespace comity::custody
