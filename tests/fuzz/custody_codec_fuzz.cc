#include <cstdint>
#include <string>
#include <string_view>

#include "services/custody/codec.h"
#include "tests/fuzz/decode_message.h"

// What callers send to custody. New messages are added at the end: corpora count.
namespace comity::custody {
namespace {

template <typename Message>
void Try(std::string_view bytes) {
  fuzz::DecodeMessage<Message>(bytes, [](const Message& message) { return Decode(message); });
}
void TryRecordKey(std::string_view bytes) {
  fuzz::DecodeMessage<pb::OpenRecordKeyRequest>(
      bytes, [](const pb::OpenRecordKeyRequest& message) { return Check(message); });
}
void TryAccount(std::string_view bytes) { (void)DecodeAccountId(std::string(bytes)); }

constexpr void (*kDecoders[])(std::string_view) = {
    Try<pb::CreateAccountRequest>,
    Try<pb::GetKeyLocationRequest>,
    Try<pb::RotateAccountKeyRequest>,
    Try<pb::GenerateDataKeyRequest>,
    Try<pb::BatchGenerateDataKeysRequest>,
    Try<pb::WrapDataKeyRequest>,
    Try<pb::BatchWrapDataKeysRequest>,
    Try<pb::UnwrapDataKeyRequest>,
    Try<pb::BatchUnwrapDataKeysRequest>,
    Try<pb::DeliverStatementRequest>,
    Try<pb::GetTransportKeyRequest>,
    Try<pb::ImportKeysRequest>,
    Try<pb::ExecuteAuthorisationRequest>,
    TryRecordKey,
    Try<pb::EnterShareRequest>,
    TryAccount,
};

}  // namespace
}  // namespace comity::custody

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::custody::kDecoders);
  return 0;
}
