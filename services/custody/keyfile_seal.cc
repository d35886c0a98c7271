#include "services/custody/keyfile_seal.h"

#include <algorithm>
#include <span>

#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

constexpr size_t kRootLine = 2 * kRootKeySize + 1;
constexpr std::string_view kDigits = "0123456789abcdef";

// -1 for anything that is not a lower-case hex digit.
int HexValue(uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The bytes of one line of digits and its LF.
absl::StatusOr<SecretBytes> ParseLine(std::span<const uint8_t> line) {
  SecretBytes bytes(line.size() / 2);
  const std::span<uint8_t> out = bytes.RevealMutable(RevealKey::ForCrypto());
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = HexValue(line[2 * i]);
    const int low = HexValue(line[2 * i + 1]);
    if (high < 0 || low < 0) return Refuse(Reason::kSealed, "not hex digits");
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  if (line.size() % 2 != 1 || line.back() != '\n')
    return Refuse(Reason::kSealed, "not whole lines");
  return bytes;
}

void AppendLine(std::span<const uint8_t> bytes, std::span<uint8_t> out) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = static_cast<uint8_t>(kDigits[bytes[i] >> 4]);
    out[2 * i + 1] = static_cast<uint8_t>(kDigits[bytes[i] & 15U]);
  }
  out[2 * bytes.size()] = '\n';
}

}  // namespace

struct KeyfileSeal::Content {
  SecretBytes root;
  std::string ring;
};

absl::StatusOr<KeyfileSeal::Content> KeyfileSeal::Read() const {
  absl::StatusOr<SecretBytes> text = ReadPrivateFile(path_);
  if (!text.ok()) {
    return Refuse(Reason::kSealed, CauseOf(text.status()));
  }
  const std::span<const uint8_t> digits = text->Reveal(RevealKey::ForCrypto());
  const std::string wrong = path_ + ": not 64 hex digits and a line end, and a line of the ring";
  if (digits.size() < kRootLine) return Refuse(Reason::kSealed, wrong);
  absl::StatusOr<SecretBytes> root = ParseLine(digits.first(kRootLine));
  if (!root.ok()) return Refuse(Reason::kSealed, wrong);
  Content content{*std::move(root), {}};
  if (digits.size() > kRootLine) {
    const absl::StatusOr<SecretBytes> ring = ParseLine(digits.subspan(kRootLine));
    if (!ring.ok() || ring->empty()) return Refuse(Reason::kSealed, wrong);
    content.ring = std::string(ring->RevealView(RevealKey::ForCrypto()));
  }
  return content;
}

absl::StatusOr<SecretBytes> KeyfileSeal::OpenRoot() {
  ASSIGN_OR_RETURN(Content content, Read());
  return std::move(content.root);
}

absl::StatusOr<std::string> KeyfileSeal::ring() const {
  ASSIGN_OR_RETURN(Content content, Read());
  return std::move(content.ring);
}

absl::Status KeyfileSeal::KeepRing(const std::string& ring) {
  ASSIGN_OR_RETURN(const Content content, Read());
  return Replace(content.root, ring);
}

// One file, so that there is never a root without what it brings along.
absl::Status KeyfileSeal::Replace(const SecretBytes& root, const std::string& ring) {
  SecretBytes text(kRootLine + (ring.empty() ? 0 : 2 * ring.size() + 1));
  const std::span<uint8_t> out = text.RevealMutable(RevealKey::ForKeyFile());
  AppendLine(root.Reveal(RevealKey::ForKeyFile()), out);
  if (!ring.empty()) {
    AppendLine({reinterpret_cast<const uint8_t*>(ring.data()), ring.size()},
               out.subspan(kRootLine));
  }
  return WritePrivateFile(path_, text);
}

}  // namespace comity::custody
