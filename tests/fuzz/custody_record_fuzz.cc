#include <cstdint>
#include <string_view>

#include "services/custody/stored_codec.h"
#include "tests/fuzz/decode_message.h"

// Records of custody as somebody may have left them on its disk: they are DATA_CORRUPT, or are
// written again as something that reads the same.
namespace comity::custody {
namespace {

void CheckRefusal(const absl::Status& status) {
  COMITY_CHECK(status.ok() || ReasonOf(status) == Reason::kDataCorrupt);
}

void TryRecord(std::string_view bytes) {
  Account account;
  const absl::Status read = DecodeAccountRecord(bytes, account);
  CheckRefusal(read);
  if (!read.ok()) return;
  const std::string once = EncodeAccountRecord(account);
  Account again;
  COMITY_CHECK(DecodeAccountRecord(once, again).ok());
  // Maps are written in any order.
  COMITY_CHECK(EncodeAccountRecord(again).size() == once.size());
}

void TryHistory(std::string_view bytes) {
  Account account;
  const absl::Status read = DecodeAccountHistory(bytes, nullptr, account);
  CheckRefusal(read);
  if (!read.ok()) return;
  const std::string once = EncodeAccountHistory(account);
  Account again;
  COMITY_CHECK(DecodeAccountHistory(once, nullptr, again).ok());
  COMITY_CHECK(EncodeAccountHistory(again) == once);
}

void TryUse(std::string_view bytes) {
  const absl::StatusOr<LegalUse> use = DecodeLegalUse(Digest(), bytes);
  CheckRefusal(use.status());
  if (use.ok()) COMITY_CHECK(DecodeLegalUse(Digest(), EncodeLegalUse(*use)).ok());
}

void TryGrant(std::string_view bytes) {
  const absl::StatusOr<GrantRecord> grant =
      DecodeGrant(*GrantId::FromBytes(std::string(GrantId::kSize, 'g')), bytes);
  CheckRefusal(grant.status());
  if (!grant.ok()) return;
  const std::string once = EncodeGrant(*grant);
  const absl::StatusOr<GrantRecord> again = DecodeGrant(grant->body.grant, once);
  COMITY_CHECK(again.ok());
  COMITY_CHECK(EncodeGrant(*again) == once);
}

constexpr void (*kDecoders[])(std::string_view) = {TryRecord, TryHistory, TryUse, TryGrant};

}  // namespace
}  // namespace comity::custody

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::custody::kDecoders);
  return 0;
}
