#include "services/common/log/merkle.h"

#include <bit>
#include <string>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::merkle {
namespace {

// Hash of the leaves [begin, end), begin < end. `begin` is a multiple of the largest power of two
// that is smaller than the width, so every left half is a complete subtree.
absl::StatusOr<Digest> RangeHash(NodeSource& source, uint64_t begin, uint64_t end) {
  const uint64_t width = end - begin;
  if (std::has_single_bit(width)) {
    const int level = std::countr_zero(width);
    return source.Node(level, begin >> level);
  }
  const uint64_t split = begin + std::bit_floor(width);
  ASSIGN_OR_RETURN(const Digest left, RangeHash(source, begin, split));
  ASSIGN_OR_RETURN(const Digest right, RangeHash(source, split, end));
  return NodeHash(left, right);
}

// Where the left subtree of a tree over `width` >= 2 leaves ends.
uint64_t SplitOf(uint64_t width) { return std::bit_floor(width - 1); }

absl::Status BadProof(std::string_view cause) { return Refuse(Reason::kSignatureInvalid, cause); }

// Hands out a proof's hashes in order and knows whether all were used.
class ProofCursor final {
 public:
  explicit ProofCursor(const std::vector<Digest>& proof) : proof_(proof) {}
  const Digest* Next() { return next_ < proof_.size() ? &proof_[next_++] : nullptr; }
  bool done() const { return next_ == proof_.size(); }

 private:
  const std::vector<Digest>& proof_;
  size_t next_ = 0;
};

}  // namespace

Digest LeafHash(std::string_view leaf) {
  Sha256Hasher hasher;
  hasher.Update(std::string_view("\x00", 1));
  hasher.Update(leaf);
  return std::move(hasher).Finish();
}

Digest NodeHash(const Digest& left, const Digest& right) {
  std::string input;
  input.reserve(1 + 2 * Digest::kSize);
  input.push_back('\x01');
  input.append(left.bytes());
  input.append(right.bytes());
  return Sha256Digest(input);
}

Digest EmptyRoot() { return Sha256Digest({}); }

absl::StatusOr<Digest> RootFromInclusion(const Digest& leaf_hash, uint64_t index, uint64_t size,
                                         const std::vector<Digest>& proof) {
  if (index >= size) {
    return BadProof("the leaf's index lies outside the tree");
  }
  ProofCursor cursor(proof);
  Digest hash = leaf_hash;
  uint64_t node = index;     // position of `hash` in its level
  uint64_t last = size - 1;  // position of the level's last node
  while (last > 0) {
    // A last node without a sibling rises unchanged: its level contributes no hash.
    if (node % 2 == 1 || node < last) {
      const Digest* sibling = cursor.Next();
      if (sibling == nullptr) {
        return BadProof("the inclusion proof is too short");
      }
      hash = node % 2 == 1 ? NodeHash(*sibling, hash) : NodeHash(hash, *sibling);
    }
    node >>= 1;
    last >>= 1;
  }
  if (!cursor.done()) {
    return BadProof("the inclusion proof is too long");
  }
  return hash;
}

absl::Status VerifyConsistency(uint64_t size1, const Digest& root1, uint64_t size2,
                               const Digest& root2, const std::vector<Digest>& proof) {
  if (size1 == 0 || size1 > size2) {
    return BadProof("a consistency proof needs 0 < size1 <= size2");
  }
  if (size1 == size2) {
    if (!proof.empty()) {
      return BadProof("trees of one size need an empty consistency proof");
    }
    return root1 == root2 ? absl::OkStatus() : BadProof("two roots for one tree size");
  }
  // Start at the largest complete subtree that ends where tree 1 ends. When it is all of tree 1,
  // the verifier knows its hash and the proof does not repeat it.
  const int level = std::countr_zero(size1);
  uint64_t node = (size1 - 1) >> level;
  uint64_t last = (size2 - 1) >> level;
  ProofCursor cursor(proof);
  Digest old_hash = root1;
  if (node != 0) {
    const Digest* start = cursor.Next();
    if (start == nullptr) {
      return BadProof("the consistency proof is too short");
    }
    old_hash = *start;
  }
  Digest new_hash = old_hash;
  while (last > 0) {
    if (node % 2 == 1 || node < last) {
      const Digest* sibling = cursor.Next();
      if (sibling == nullptr) {
        return BadProof("the consistency proof is too short");
      }
      if (node % 2 == 1) {
        old_hash = NodeHash(*sibling, old_hash);
        new_hash = NodeHash(*sibling, new_hash);
      } else {
        new_hash = NodeHash(new_hash, *sibling);
      }
    }
    node >>= 1;
    last >>= 1;
  }
  if (!cursor.done()) {
    return BadProof("the consistency proof is too long");
  }
  if (old_hash != root1 || new_hash != root2) {
    return BadProof("the larger tree does not extend the smaller one");
  }
  return absl::OkStatus();
}

absl::StatusOr<Digest> Root(NodeSource& source, uint64_t size) {
  if (size == 0) {
    return EmptyRoot();
  }
  return RangeHash(source, 0, size);
}

absl::StatusOr<std::vector<Digest>> InclusionProof(NodeSource& source, uint64_t index,
                                                   uint64_t size) {
  if (index >= size) {
    return Refuse(Reason::kFieldInvalid, "the leaf's index lies outside the tree");
  }
  // Walks down from the root, noting the sibling of each step; the proof runs the other way.
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = size;
  while (end - begin > 1) {
    const uint64_t split = begin + SplitOf(end - begin);
    if (index < split) {
      ASSIGN_OR_RETURN(Digest right, RangeHash(source, split, end));
      proof.push_back(right);
      end = split;
    } else {
      ASSIGN_OR_RETURN(Digest left, RangeHash(source, begin, split));
      proof.push_back(left);
      begin = split;
    }
  }
  return std::vector<Digest>(proof.rbegin(), proof.rend());
}

absl::StatusOr<std::vector<Digest>> ConsistencyProof(NodeSource& source, uint64_t size1,
                                                     uint64_t size2) {
  if (size1 == 0 || size1 > size2) {
    return Refuse(Reason::kFieldInvalid, "a consistency proof needs 0 < size1 <= size2");
  }
  std::vector<Digest> proof;
  uint64_t begin = 0;
  uint64_t end = size2;
  // Down to the subtree that ends exactly where tree 1 ends.
  while (end != size1) {
    const uint64_t split = begin + SplitOf(end - begin);
    if (size1 <= split) {
      ASSIGN_OR_RETURN(Digest right, RangeHash(source, split, end));
      proof.push_back(right);
      end = split;
    } else {
      ASSIGN_OR_RETURN(Digest left, RangeHash(source, begin, split));
      proof.push_back(left);
      begin = split;
    }
  }
  if (begin != 0) {
    ASSIGN_OR_RETURN(Digest start, RangeHash(source, begin, end));
    proof.push_back(start);
  }
  return std::vector<Digest>(proof.rbegin(), proof.rend());
}

}  // namespace comity::merkle
