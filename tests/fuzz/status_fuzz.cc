#include <cstdint>
#include <string>
#include <string_view>

#include "services/common/server/status_codec.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// How a call to another service ended, as that service tells it: its code, its text, and its reason
// in metadata. Whatever it says becomes one of our refusals, and breaks no line of a log.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  if (size < 2) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string_view info = input.substr(0, data[1]);
  const auto code = static_cast<grpc::StatusCode>(data[0] % 20);
  const grpc::Status status(code, std::string(input.substr(info.size())));
  for (const absl::Status& refusal :
       {FromGrpcStatus(status, info), FromGrpcStatus(status, std::nullopt)}) {
    COMITY_CHECK(refusal.ok() == status.ok());
    if (refusal.ok()) continue;
    COMITY_CHECK(Describe(ReasonOf(refusal)).code == refusal.code());
    for (const char c : CauseOf(refusal)) COMITY_CHECK(static_cast<uint8_t>(c) >= 0x20);
    const grpc::Status sent_on = ToGrpcStatus(refusal, nullptr);
    COMITY_CHECK(ReasonOf(FromGrpcStatus(sent_on, info)) != Reason::kUnspecified);
  }
  return 0;
}
