#include <cstdint>
#include <string_view>

#include "services/common/log/transparency_log.h"
#include "services/common/status/check.h"

// Whatever is accepted as a receipt is written back to the same bytes, and none of a fresh key
// verifies.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto* const key =
      new comity::PrivateKey(comity::PrivateKey::Generate(comity::SignatureAlgorithm::kEd25519));
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto receipt = comity::ParseReceipt(input);
  if (receipt.ok()) {
    COMITY_CHECK(comity::FormatReceipt(*receipt) == input);
    COMITY_CHECK(
        !comity::VerifyReceipt(*receipt, "leaf", "example.comity/us/custody", key->public_key())
             .ok());
  }
  return 0;
}
