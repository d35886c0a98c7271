#ifndef COMITY_TESTS_TESTING_MEMORY_SCAN_H_
#define COMITY_TESTS_TESTING_MEMORY_SCAN_H_

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "absl/status/statusor.h"

namespace comity {

// Secrets to look for in the memory of a process. They are kept masked, so that a process which
// scans itself finds what the product left and not what the test knows.
class MemoryNeedles final {
 public:
  // At least 16 bytes, of which every 16 that begin at a multiple of 16 are looked for, as they are
  // and as hashes lay them out for themselves: with the bytes of each 32-bit word turned round, and
  // with the pads of HMAC.
  // What has fewer than 8 different bytes is refused (COMITY_CHECK): it would be found everywhere.
  void Add(std::string name, std::string_view secret);

  // Names of those that lie in memory of the process which it can read itself, with where: the name
  // of the mapping. STATE_NOT_READY when the system does not let this process look.
  absl::StatusOr<std::set<std::string>> FindIn(pid_t process) const;

 private:
  static constexpr size_t kPieceSize = 16;
  struct Piece {
    std::string name;
    std::array<uint64_t, 2> masked;
  };
  void AddPiece(std::string name, std::array<uint64_t, 2> masked);
  void Look(std::string_view bytes, const std::string& where, std::set<std::string>& found) const;

  std::vector<Piece> pieces_;
  std::vector<bool> beginnings_ = std::vector<bool>(1 << 16);  // of masked pieces
};

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_MEMORY_SCAN_H_
