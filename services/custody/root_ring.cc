#include "services/custody/root_ring.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "services/common/crypto/aead.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"
#include "services/custody/root_key.h"

namespace comity::custody {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kGenerationSize = 4;
constexpr size_t kHeadSize = 1 + kGenerationSize;
constexpr size_t kShortSize = kHeadSize + kAeadKeySize;
constexpr size_t kLongSize = kShortSize + kRootKeySize;

}  // namespace

SecretBytes EncodeRing(const RootRing& ring) {
  COMITY_CHECK(ring.record_key.size() == kAeadKeySize);
  COMITY_CHECK(ring.previous.empty() || ring.previous.size() == kRootKeySize);
  SecretBytes bytes(ring.previous.empty() ? kShortSize : kLongSize);
  const std::span<uint8_t> out = bytes.RevealMutable(RevealKey::ForCrypto());
  out[0] = kFormat;
  for (size_t i = 0; i < kGenerationSize; ++i) {
    out[1 + i] = static_cast<uint8_t>(ring.generation >> (8 * (kGenerationSize - 1 - i)));
  }
  std::ranges::copy(ring.record_key.Reveal(RevealKey::ForCrypto()), out.begin() + kHeadSize);
  std::ranges::copy(ring.previous.Reveal(RevealKey::ForCrypto()), out.begin() + kShortSize);
  return bytes;
}

absl::StatusOr<RootRing> DecodeRing(const SecretBytes& bytes) {
  const std::span<const uint8_t> in = bytes.Reveal(RevealKey::ForCrypto());
  if ((in.size() != kShortSize && in.size() != kLongSize) || in[0] != kFormat) {
    return Refuse(Reason::kDataCorrupt, "what goes with the root key is of an unknown format");
  }
  RootRing ring;
  ring.generation = 0;
  for (size_t i = 0; i < kGenerationSize; ++i) {
    ring.generation = ring.generation << 8 | in[1 + i];
  }
  if (ring.generation < 2) {
    return Refuse(Reason::kDataCorrupt, "a first root key has followed none");
  }
  ring.record_key = SecretBytes::CopyOf(in.subspan(kHeadSize, kAeadKeySize));
  if (in.size() == kLongSize) ring.previous = SecretBytes::CopyOf(in.subspan(kShortSize));
  return ring;
}

}  // namespace comity::custody
