#ifndef COMITY_CLIENT_CLI_COUNTED_H_
#define COMITY_CLIENT_CLI_COUNTED_H_

#include <cstdint>
#include <string>

namespace comity::cli {

// "1 key", "2 keys": for nouns whose plural has an s.
inline std::string Counted(uint64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_COUNTED_H_
