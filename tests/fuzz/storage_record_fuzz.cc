#include <cstdint>
#include <string_view>

#include "services/storage/content_tree.h"
#include "services/storage/stored_codec.h"
#include "tests/fuzz/decode_message.h"

// Records of storage as somebody may have left them on its disk: they are DATA_CORRUPT, or are
// written again as something that reads the same.
namespace comity::storage {
namespace {

template <auto kDecode, auto kEncode>
void Try(std::string_view bytes) {
  const auto value = kDecode(bytes);
  COMITY_CHECK(value.ok() || ReasonOf(value.status()) == Reason::kDataCorrupt);
  if (!value.ok()) return;
  const std::string once = kEncode(*value);
  const auto again = kDecode(once);
  COMITY_CHECK(again.ok());
  COMITY_CHECK(kEncode(*again) == once);
}

void TryGone(std::string_view bytes) {
  const absl::StatusOr<GoneUpload> gone = DecodeGone(UploadId::Random(), bytes);
  COMITY_CHECK(gone.ok() || ReasonOf(gone.status()) == Reason::kDataCorrupt);
}

constexpr void (*kDecoders[])(std::string_view) = {
    Try<DecodeInfo, EncodeInfo>,         Try<DecodeChain, EncodeChain>,
    Try<DecodeFence, EncodeFence>,       Try<DecodeMove, EncodeMove>,
    Try<DecodeIncoming, EncodeIncoming>, Try<DecodeObject, EncodeObject>,
    Try<DecodeGate, EncodeGate>,         Try<DecodeSum, EncodeSum>,
    Try<DecodeMemo, EncodeMemo>,         TryGone,
    Try<DecodePage, EncodePage>,
};

}  // namespace
}  // namespace comity::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::storage::kDecoders);
  return 0;
}
