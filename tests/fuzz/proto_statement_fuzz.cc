#include <cstdint>
#include <string_view>

#include "services/common/statement/proto_codec.h"
#include "tests/fuzz/decode_message.h"

// Statements and authorisations as the wire carries them: what is accepted is sent on as it came.
namespace comity {
namespace {

namespace wire = comity::common::v1;

template <typename Message>
void Try(std::string_view bytes) {
  fuzz::DecodeMessage<Message>(bytes, [](const Message& message) {
    const auto value = FromProto(message);
    if (value.ok()) {
      const auto again = FromProto(ToProto(*value));
      COMITY_CHECK(again.ok());
      COMITY_CHECK(ToProto(*again).SerializeAsString() == ToProto(*value).SerializeAsString());
    }
    return value.status();
  });
}

constexpr void (*kDecoders[])(std::string_view) = {Try<wire::Statement>, Try<wire::Authorisation>};

}  // namespace
}  // namespace comity

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::kDecoders);
  return 0;
}
