#ifndef COMITY_TESTS_FUZZ_DECODE_MESSAGE_H_
#define COMITY_TESTS_FUZZ_DECODE_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// The first byte of an input says which message the rest is.
namespace comity::fuzz {

inline absl::Status StatusOf(const absl::Status& status) { return status; }
template <typename T>
absl::Status StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// Gives a message that parses to `decode`, which accepts it or says whose fault it is: a decoder
// that blames us has not understood what it read.
template <typename Message, typename Decode>
void DecodeMessage(std::string_view bytes, const Decode& decode) {
  Message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  const absl::Status status = StatusOf(decode(message));
  COMITY_CHECK(status.ok() || ReasonOf(status) != Reason::kInternal);
}

// Calls the decoder with the number that the input begins with.
template <size_t kCount>
void Choose(const uint8_t* data, size_t size, void (*const (&decoders)[kCount])(std::string_view)) {
  if (size == 0) return;
  decoders[data[0] % kCount](std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
}

}  // namespace comity::fuzz

#endif  // COMITY_TESTS_FUZZ_DECODE_MESSAGE_H_
