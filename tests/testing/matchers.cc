#include "tests/testing/matchers.h"

namespace comity {

std::string DescribeStatus(const absl::Status& status) {
  if (status.ok()) {
    return "OK";
  }
  std::string text = absl::StatusCodeToString(status.code()) + " " +
                     std::string(Describe(ReasonOf(status)).name) + " \"" +
                     std::string(status.message()) + "\"";
  if (const std::string cause = CauseOf(status); !cause.empty()) {
    text += " (cause: " + cause + ")";
  }
  return text;
}

}  // namespace comity
