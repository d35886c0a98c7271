#ifndef COMITY_COMMON_STORE_PRIVATE_DIRECTORY_H_
#define COMITY_COMMON_STORE_PRIVATE_DIRECTORY_H_

#include <string>

#include "absl/status/status.h"

namespace comity {

// Makes `path` and the folders above it where they are missing, with mode 0700, durably.
// STORE_UNAVAILABLE when that fails or something else has the name.
absl::Status MakePrivateDirectory(const std::string& path);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_PRIVATE_DIRECTORY_H_
