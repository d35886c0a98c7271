#include "tests/testing/root_needles.h"

#include <string>
#include <string_view>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/encoding/canonical.h"

namespace comity::custody {

void AddRootNeedles(const SecretBytes& root, const RegionId& region, MemoryNeedles& needles) {
  constexpr std::string_view kSalt = "comity custody root v1";
  const std::string_view bytes = root.RevealView(RevealKey::ForTest());
  needles.Add("root key", bytes);
  // What HKDF makes of it first.
  std::string extracted = HmacSha256(SecretBytes::CopyOf(kSalt), bytes);
  needles.Add("extracted root", extracted);
  WipeString(extracted);
  for (const char* purpose :
       {"account-key", "metadata-key", "review-record", "root-ring", "device-chain"}) {
    CanonicalWriter info(1);
    info.Bytes(16, purpose).Bytes(17, region.name());
    const SecretBytes key = HkdfSha256(root, kSalt, std::move(info).Finish(), 32);
    needles.Add(purpose, key.RevealView(RevealKey::ForTest()));
  }
}

}  // namespace comity::custody
