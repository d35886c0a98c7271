#ifndef COMITY_CLIENT_KEY_ASK_TWICE_H_
#define COMITY_CLIENT_KEY_ASK_TWICE_H_

#include "absl/status/status.h"

namespace comity {

// Once more if the answer was lost: the same request, so that nothing is done twice. `ask` returns
// a StatusOr.
template <typename Ask>
auto AskTwice(const Ask& ask) {
  auto response = ask();
  return absl::IsDeadlineExceeded(response.status()) || absl::IsUnavailable(response.status())
             ? ask()
             : response;
}

}  // namespace comity

#endif  // COMITY_CLIENT_KEY_ASK_TWICE_H_
