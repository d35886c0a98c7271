#include <cstdint>
#include <string_view>

#include "services/common/crypto/signing.h"
#include "services/common/log/checkpoint.h"
#include "services/common/status/check.h"

// Whatever is accepted as a checkpoint body is written back to the same bytes, and nothing is taken
// for a checkpoint that a fresh key signed.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const key =
      new comity::PrivateKey(comity::PrivateKey::Generate(comity::SignatureAlgorithm::kEd25519));
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto checkpoint = comity::ParseCheckpointBody(input);
  if (checkpoint.ok()) {
    COMITY_CHECK(comity::FormatCheckpointBody(*checkpoint) == input);
  }
  COMITY_CHECK(
      !comity::VerifyCheckpoint(input, "example.comity/us/custody", key->public_key()).ok());
  return 0;
}
