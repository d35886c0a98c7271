#ifndef COMITY_COMMON_LOG_MERKLE_H_
#define COMITY_COMMON_LOG_MERKLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"

// RFC 6962 section 2.1 tree hashing and proofs, as pure functions.
namespace comity::merkle {

Digest LeafHash(std::string_view leaf);                    // SHA-256(0x00 || leaf)
Digest NodeHash(const Digest& left, const Digest& right);  // SHA-256(0x01 || left || right)
Digest EmptyRoot();                                        // SHA-256("")

// The root that `proof` implies for `leaf_hash` at `index` of `size`. SIGNATURE_INVALID unless
// index < size and the proof has exactly the right length.
absl::StatusOr<Digest> RootFromInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                                         const std::vector<Digest>& proof);

// Checks that the tree (size2, root2) extends (size1, root1); 0 < size1 <= size2.
absl::Status VerifyConsistency(uint64_t size1, const Digest& root1, uint64_t size2,
                               const Digest& root2, const std::vector<Digest>& proof);

// Proofs from hashes. `node(level, index)` gives the hash of a complete subtree: level 0 are leaf
// hashes. It is only asked for subtrees that are complete in a tree of `size`.
class NodeSource {
 public:
  virtual ~NodeSource() = default;
  virtual absl::StatusOr<Digest> Node(int level, uint64_t index) = 0;
};
absl::StatusOr<Digest> Root(NodeSource& source, uint64_t size);
absl::StatusOr<std::vector<Digest>> InclusionProof(NodeSource& source, uint64_t index,
                                                   uint64_t size);
absl::StatusOr<std::vector<Digest>> ConsistencyProof(NodeSource& source, uint64_t size1,
                                                     uint64_t size2);

}  // namespace comity::merkle

#endif  // COMITY_COMMON_LOG_MERKLE_H_
