#include <cstdint>
#include <string>
#include <string_view>

#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>

#include "services/common/status/check.h"
#include "services/custody/codec.h"
#include "services/custody/codec_audit.h"
#include "services/custody/custody_service_messages.h"
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
// As they come off the wire: in one piece, and in two. What is read may not depend on that.
void TryPieces(std::string_view bytes) {
  using Messages = SecretMessages<pb::BatchWrapDataKeysRequest, pb::BatchWrapDataKeysResponse>;
  const size_t middle = bytes.size() / 2;
  const grpc::Slice whole(bytes.data(), bytes.size());
  const grpc::Slice halves[] = {{bytes.data(), middle},
                                {bytes.data() + middle, bytes.size() - middle}};
  Messages one;
  Messages two;
  const bool read = one.Read(grpc::ByteBuffer(&whole, 1)).ok();
  COMITY_CHECK(two.Read(grpc::ByteBuffer(halves, 2)).ok() == read);
  COMITY_CHECK(google::protobuf::util::MessageDifferencer::Equals(one.request(), two.request()));
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
    TryPieces,
    Try<pb::ChangeAccountKeyRequest>,
    Try<pb::RewrapDataKeyRequest>,
    Try<pb::BatchRewrapDataKeysRequest>,
    Try<pb::ListAuditRecordsRequest>,
    Try<pb::ChangeKeyGrantsRequest>,
    Try<pb::RotateRootRequest>,
};

}  // namespace
}  // namespace comity::custody

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::custody::kDecoders);
  return 0;
}
