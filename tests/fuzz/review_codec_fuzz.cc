#include <cstdint>
#include <string>
#include <string_view>

#include "services/review/codec.h"
#include "services/review/request_check.h"
#include "tests/fuzz/decode_message.h"

// What callers send to review, and what storage answers it. New messages are added at the end:
// corpora count.
namespace comity::review {
namespace {

template <typename Message>
void Try(std::string_view bytes) {
  fuzz::DecodeMessage<Message>(bytes, [](const Message& message) { return Decode(message); });
}
void TryTexts(std::string_view bytes) {
  (void)DecodeAccountId(std::string(bytes));
  (void)DecodeCaseId(std::string(bytes));
  COMITY_CHECK(ParseTarget(std::string(bytes)).text == bytes);
}

constexpr void (*kDecoders[])(std::string_view) = {
    Try<pb::SubmitRequestRequest>,
    Try<pb::DecideCaseRequest>,
    Try<pb::ApproveCaseRequest>,
    Try<pb::AnswerCaseRequest>,
    Try<pb::ExecuteCaseRequest>,
    Try<pb::ListCasesRequest>,
    Try<pb::ListNoticesRequest>,
    Try<pb::DeliverStatementRequest>,
    Try<comity::storage::v1::GetScopeResponse>,
    Try<comity::storage::v1::ExecuteAuthorisationResponse>,
    Try<pb::AssignCaseRequest>,
    TryTexts,
};

}  // namespace
}  // namespace comity::review

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  comity::fuzz::Choose(data, size, comity::review::kDecoders);
  return 0;
}
