#include <cstdint>
#include <string_view>

#include "services/common/seal/seal_record.h"
#include "services/common/seal/seal_share.h"
#include "services/common/status/check.h"

// What people type and what callers send as a share; what is read as a seal record.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const SecretBytes bytes = SecretBytes::CopyOf(input);
  if (const absl::StatusOr<SealShare> share = DecodeSealShare(bytes); share.ok()) {
    COMITY_CHECK(EncodeSealShare(*share).ConstantTimeEquals(bytes));
    COMITY_CHECK(ParseSealShare(FormatSealShare(*share)).ok());
  }
  if (const absl::StatusOr<SealShare> share = ParseSealShare(bytes); share.ok()) {
    // What was typed, without the white space around it.
    const SecretBytes line = FormatSealShare(*share);
    std::string_view text = line.RevealView(RevealKey::ForTest());
    text.remove_suffix(1);
    COMITY_CHECK(input.find(text) != std::string_view::npos);
  }
  if (const absl::StatusOr<SealRecord> record = DecodeSealRecord(input); record.ok()) {
    COMITY_CHECK(EncodeSealRecord(*record) == input);
    COMITY_CHECK(record->Find(record->holders.front().person) != nullptr);
  }
  return 0;
}
