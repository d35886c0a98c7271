#ifndef COMITY_TESTS_TESTING_NUMBERED_REQUEST_H_
#define COMITY_TESTS_TESTING_NUMBERED_REQUEST_H_

#include <cstdint>
#include <string>

#include "services/common/ids/ids.h"

namespace comity {

// The request id of number `n`: distinct for distinct numbers, never zero.
inline RequestId NumberedRequest(uint64_t n) {
  std::string bytes(RequestId::kSize, '\0');
  bytes[0] = 'r';
  for (int i = 0; i < 8; ++i) bytes[bytes.size() - 1 - i] = static_cast<char>(n >> (8 * i));
  return RequestId::FromBytes(bytes).value();
}

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_NUMBERED_REQUEST_H_
