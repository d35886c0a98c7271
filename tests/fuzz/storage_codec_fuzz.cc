#include <cstdint>
#include <string>
#include <string_view>

#include "services/storage/codec.h"
#include "tests/fuzz/decode_message.h"

// What callers send to storage, and what another storage answers. New messages are added at the
// end: corpora count.
namespace comity::storage {
namespace {

template <typename Message>
void Try(std::string_view bytes) {
  fuzz::DecodeMessage<Message>(bytes, [](const Message& message) { return Decode(message); });
}
void TryIds(std::string_view bytes) {
  (void)DecodeAccountId(std::string(bytes));
  (void)DecodeObjectId(std::string(bytes));
}

constexpr void (*kDecoders[])(std::string_view) = {
    Try<pb::CreateAccountRequest>,
    Try<pb::PutObjectHeader>,
    Try<pb::GetObjectRequest>,
    Try<pb::ListObjectsRequest>,
    Try<pb::DeleteObjectRequest>,
    Try<pb::DeliverStatementRequest>,
    Try<pb::PlanMigrationRequest>,
    Try<pb::StartMigrationRequest>,
    Try<pb::GetMigrationRequest>,
    Try<pb::PrepareMoveRequest>,
    Try<pb::CopyStart>,
    Try<pb::ObjectVersion>,
    Try<pb::CopiedVersion>,
    Try<pb::ConfirmManifestRequest>,
    Try<pb::ConfirmManifestResponse>,
    Try<pb::GetScopeRequest>,
    Try<pb::ExecuteAuthorisationRequest>,
    Try<pb::ReadAuthorisedContentRequest>,
    TryIds,
    Try<pb::ReplaceWrappedKeysRequest>,
};

}  // namespace
}  // namespace comity::storage

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::storage::kDecoders);
  return 0;
}
