#ifndef COMITY_COMMON_STATEMENT_LEAF_H_
#define COMITY_COMMON_STATEMENT_LEAF_H_

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"

// Log leaves: what is public of a change of state. Clear fields hold only what the transparency
// report prints; everything else is a hiding commitment, whose salt lives with the case or account.
namespace comity {

struct Leaf {
  std::string type;    // "key.release"
  UnixMillis day = 0;  // rounded down to the UTC day
  RegionId region;
  std::map<std::string, std::string> clear;        // names and values, ASCII
  std::map<std::string, std::string> commitments;  // names -> 32 bytes
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.type), io(17, b.day), io(18, b.region), io(19, b.clear), io(20, b.commitments);
  }
};

std::string EncodeLeaf(const Leaf& leaf);
absl::StatusOr<Leaf> DecodeLeaf(std::string_view bytes);

// SHA-256(salt32 || u32 len || domain || u32 len || value); domain = "<leaf type>/<field>".
std::string Commit(std::string_view salt, std::string_view domain, std::string_view value);

}  // namespace comity

#endif  // COMITY_COMMON_STATEMENT_LEAF_H_
