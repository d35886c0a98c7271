#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "services/review/case_id.h"
#include "services/review/stored_codec.h"
#include "services/review/stored_records.h"
#include "tests/fuzz/decode_message.h"

// Records of review as somebody may have left them on its disk (they are sealed there, so only
// custody's key makes them reach the decoder), and case ids as anybody may write them.
namespace comity::review {
namespace {

void CheckRefusal(const absl::Status& status) {
  COMITY_CHECK(status.ok() || ReasonOf(status) == Reason::kDataCorrupt);
}

void TryCase(std::string_view bytes) {
  const absl::StatusOr<Case> value = DecodeCase("case", bytes);
  CheckRefusal(value.status());
  if (!value.ok()) return;
  const std::string once = EncodeCase(*value);
  const absl::StatusOr<Case> again = DecodeCase("case", once);
  COMITY_CHECK(again.ok());
  COMITY_CHECK(EncodeCase(*again) == once);
}
void TryClaim(std::string_view bytes) { CheckRefusal(DecodeClaim(bytes).status()); }
void TryNotice(std::string_view bytes) { CheckRefusal(DecodeNotice(bytes).status()); }
void TryResult(std::string_view bytes) {
  const absl::StatusOr<AccountResult> value = DecodeResult(bytes);
  CheckRefusal(value.status());
  if (value.ok()) COMITY_CHECK(DecodeResult(EncodeResult(*value)).ok());
}
// Ids become names of partitions: only what a review itself may have written.
void TryCaseId(std::string_view bytes) {
  const std::optional<CasePlace> place = ParseCaseId(*RegionId::Create("cn"), bytes);
  if (!place.has_value()) return;
  COMITY_CHECK(bytes.starts_with("cn-" + place->month + "-" + place->bucket + "-"));
  COMITY_CHECK(bytes.find_first_of("/.\n") == std::string_view::npos);
}
void TryNumber(std::string_view bytes) {
  const std::optional<uint64_t> number = ParseHexNumber(bytes);
  if (number.has_value()) COMITY_CHECK(HexNumber(*number) == bytes);
}

constexpr void (*kDecoders[])(std::string_view) = {TryCase,   TryClaim,  TryNotice,
                                                   TryResult, TryCaseId, TryNumber};

}  // namespace
}  // namespace comity::review

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::review::kDecoders);
  return 0;
}
