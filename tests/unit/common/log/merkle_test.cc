#include "services/common/log/merkle.h"

#include <bit>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity::merkle {
namespace {

constexpr uint64_t kMaxSize = 300;

// RFC 6962 section 2.1 word by word: the definitions that the efficient code must agree with.
class NaiveTree final : public NodeSource {
 public:
  NaiveTree() {
    for (uint64_t i = 0; i < kMaxSize; ++i) {
      leaf_hashes_.push_back(Sha256Digest(std::string(1, '\0') + "leaf " + std::to_string(i)));
    }
  }

  const Digest& Leaf(uint64_t index) const { return leaf_hashes_[index]; }

  Digest Hash(uint64_t begin, uint64_t end) {
    if (begin == end) {
      return Sha256Digest("");
    }
    if (end - begin == 1) {
      return leaf_hashes_[begin];
    }
    const std::pair<uint64_t, uint64_t> range(begin, end);
    if (const auto it = hashes_.find(range); it != hashes_.end()) {
      return it->second;
    }
    const uint64_t split = begin + Split(end - begin);
    const std::string left(Hash(begin, split).bytes());
    const std::string right(Hash(split, end).bytes());
    return hashes_[range] = Sha256Digest("\x01" + left + right);
  }

  std::vector<Digest> Path(uint64_t index, uint64_t begin, uint64_t end) {
    if (end - begin == 1) {
      return {};
    }
    const uint64_t split = begin + Split(end - begin);
    std::vector<Digest> path;
    if (index < split) {
      path = Path(index, begin, split);
      path.push_back(Hash(split, end));
    } else {
      path = Path(index, split, end);
      path.push_back(Hash(begin, split));
    }
    return path;
  }

  // SUBPROOF(m, D[begin:end], whole), with m counted from 0.
  std::vector<Digest> Subproof(uint64_t m, uint64_t begin, uint64_t end, bool whole) {
    if (m == end) {
      return whole ? std::vector<Digest>() : std::vector<Digest>{Hash(begin, end)};
    }
    const uint64_t split = begin + Split(end - begin);
    std::vector<Digest> proof;
    if (m <= split) {
      proof = Subproof(m, begin, split, whole);
      proof.push_back(Hash(split, end));
    } else {
      proof = Subproof(m, split, end, false);
      proof.push_back(Hash(begin, split));
    }
    return proof;
  }

  absl::StatusOr<Digest> Node(int level, uint64_t index) override {
    if ((index + 1) << level > size_) {
      return Refuse(Reason::kInternal, "asked for a subtree that is not complete");
    }
    return Hash(index << level, (index + 1) << level);
  }
  void SetSize(uint64_t size) { size_ = size; }

 private:
  static uint64_t Split(uint64_t width) {
    uint64_t split = 1;
    while (split * 2 < width) {
      split *= 2;
    }
    return split;
  }

  std::vector<Digest> leaf_hashes_;
  std::map<std::pair<uint64_t, uint64_t>, Digest> hashes_;
  uint64_t size_ = 0;
};

// A source that fails when asked for the node number `fails_at`.
class FailingSource final : public NodeSource {
 public:
  explicit FailingSource(int fails_at) : fails_at_(fails_at) {}
  absl::StatusOr<Digest> Node(int, uint64_t) override {
    if (asked_++ == fails_at_) {
      return Refuse(Reason::kStoreUnavailable);
    }
    return Digest();
  }
  int asked() const { return asked_; }

 private:
  const int fails_at_;
  int asked_ = 0;
};

Digest Flipped(const Digest& digest) {
  std::string bytes(digest.bytes());
  bytes[7] = static_cast<char>(bytes[7] ^ 0x20);
  return *Digest::FromBytes(bytes);
}

TEST(MerkleTest, HashesCarryTheirDomain) {
  EXPECT_EQ(EmptyRoot(), Sha256Digest(""));
  EXPECT_EQ(LeafHash("x"), Sha256Digest(std::string("\0x", 2)));
  EXPECT_EQ(LeafHash(""), Sha256Digest(std::string("\0", 1)));
  const Digest a = LeafHash("a");
  const Digest b = LeafHash("b");
  EXPECT_EQ(NodeHash(a, b), Sha256Digest("\x01" + std::string(a.bytes()) + std::string(b.bytes())));
}

TEST(MerkleTest, RootsAgreeWithTheDefinitionForEverySize) {
  NaiveTree tree;
  for (uint64_t n = 0; n <= kMaxSize; ++n) {
    tree.SetSize(n);
    EXPECT_THAT(Root(tree, n), IsOkAndHolds(tree.Hash(0, n))) << n;
  }
}

TEST(MerkleTest, InclusionProofsAgreeWithTheDefinitionAndVerifyForEveryIndexAndSize) {
  NaiveTree tree;
  for (uint64_t n = 1; n <= kMaxSize; ++n) {
    tree.SetSize(n);
    const Digest root = tree.Hash(0, n);
    for (uint64_t i = 0; i < n; ++i) {
      ASSERT_OK_AND_ASSIGN(const std::vector<Digest> proof, InclusionProof(tree, i, n));
      ASSERT_EQ(proof, tree.Path(i, 0, n)) << i << " of " << n;
      ASSERT_THAT(RootFromInclusion(tree.Leaf(i), i, n, proof), IsOkAndHolds(root))
          << i << " of " << n;
    }
  }
}

TEST(MerkleTest, InclusionFailsForEveryMalformedProofOfEveryIndexAndSize) {
  NaiveTree tree;
  for (uint64_t n = 1; n <= kMaxSize; ++n) {
    const Digest root = tree.Hash(0, n);
    for (uint64_t i = 0; i < n; ++i) {
      const std::vector<Digest> proof = tree.Path(i, 0, n);
      std::vector<Digest> longer = proof;
      longer.push_back(tree.Leaf(0));
      ASSERT_THAT(RootFromInclusion(tree.Leaf(i), i, n, longer),
                  RefusedWith(Reason::kSignatureInvalid));
      ASSERT_NE(RootFromInclusion(Flipped(tree.Leaf(i)), i, n, proof).value(), root);
      if (proof.empty()) {
        continue;
      }
      const std::vector<Digest> headless(proof.begin() + 1, proof.end());
      ASSERT_THAT(RootFromInclusion(tree.Leaf(i), i, n, headless),
                  RefusedWith(Reason::kSignatureInvalid));
      ASSERT_THAT(RootFromInclusion(tree.Leaf(i), i, n, {}),
                  RefusedWith(Reason::kSignatureInvalid));
      // One hash of the proof, which one depends on the case, is not what it should be.
      std::vector<Digest> flipped = proof;
      Digest& victim = flipped[(i + n) % flipped.size()];
      victim = Flipped(victim);
      ASSERT_NE(RootFromInclusion(tree.Leaf(i), i, n, flipped).value(), root) << i << " of " << n;
      // The same proof for the neighbouring place.
      const absl::StatusOr<Digest> moved = RootFromInclusion(tree.Leaf(i), i ^ 1, n, proof);
      ASSERT_TRUE(!moved.ok() || *moved != root) << i << " of " << n;
    }
    ASSERT_THAT(RootFromInclusion(tree.Leaf(0), n, n, {}), RefusedWith(Reason::kSignatureInvalid));
  }
}

TEST(MerkleTest, InclusionFailsWhenTheIndexLiesOutside) {
  EXPECT_THAT(RootFromInclusion(LeafHash("a"), 0, 0, {}), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(RootFromInclusion(LeafHash("a"), 1, 1, {}), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(RootFromInclusion(LeafHash("a"), UINT64_MAX, UINT64_MAX, {}),
              RefusedWith(Reason::kSignatureInvalid));
  NaiveTree tree;
  tree.SetSize(5);
  EXPECT_THAT(InclusionProof(tree, 5, 5), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(InclusionProof(tree, 0, 0), RefusedWith(Reason::kFieldInvalid));
}

TEST(MerkleTest, InclusionNeedsALengthThatFitsTheLargestTree) {
  const Digest leaf = LeafHash("a");
  const std::vector<Digest> proof(64, leaf);
  EXPECT_THAT(RootFromInclusion(leaf, 0, UINT64_MAX, proof), IsOk());
  EXPECT_THAT(RootFromInclusion(leaf, 0, UINT64_MAX, std::vector<Digest>(63, leaf)),
              RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(RootFromInclusion(leaf, 0, UINT64_MAX, std::vector<Digest>(65, leaf)),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST(MerkleTest, ConsistencyProofsAgreeWithTheDefinitionAndVerifyForEveryPairOfSizes) {
  NaiveTree tree;
  for (uint64_t n = 1; n <= kMaxSize; ++n) {
    tree.SetSize(n);
    for (uint64_t m = 1; m <= n; ++m) {
      ASSERT_OK_AND_ASSIGN(const std::vector<Digest> proof, ConsistencyProof(tree, m, n));
      ASSERT_EQ(proof, tree.Subproof(m, 0, n, true)) << m << " to " << n;
      ASSERT_THAT(VerifyConsistency(m, tree.Hash(0, m), n, tree.Hash(0, n), proof), IsOk())
          << m << " to " << n;
    }
  }
}

TEST(MerkleTest, ConsistencyFailsForEveryMalformedProofOfEveryPairOfSizes) {
  NaiveTree tree;
  for (uint64_t n = 1; n <= kMaxSize; ++n) {
    const Digest root2 = tree.Hash(0, n);
    for (uint64_t m = 1; m <= n; ++m) {
      const Digest root1 = tree.Hash(0, m);
      const std::vector<Digest> proof = tree.Subproof(m, 0, n, true);
      const auto refused = [&](const Digest& old_root, const Digest& new_root,
                               const std::vector<Digest>& bad) {
        return ReasonOf(VerifyConsistency(m, old_root, n, new_root, bad)) ==
               Reason::kSignatureInvalid;
      };
      std::vector<Digest> longer = proof;
      longer.push_back(root1);
      ASSERT_TRUE(refused(root1, root2, longer)) << m << " to " << n;
      ASSERT_TRUE(refused(Flipped(root1), root2, proof)) << m << " to " << n;
      ASSERT_TRUE(refused(root1, Flipped(root2), proof)) << m << " to " << n;
      if (proof.empty()) {
        continue;
      }
      const std::vector<Digest> shorter(proof.begin(), proof.end() - 1);
      ASSERT_TRUE(refused(root1, root2, shorter)) << m << " to " << n;
      ASSERT_TRUE(refused(root1, root2, {})) << m << " to " << n;
      std::vector<Digest> flipped = proof;
      Digest& victim = flipped[(m + n) % flipped.size()];
      victim = Flipped(victim);
      ASSERT_TRUE(refused(root1, root2, flipped)) << m << " to " << n;
    }
  }
}

TEST(MerkleTest, ConsistencyFailsWhenTheSizesAreOutOfOrder) {
  const Digest root = EmptyRoot();
  EXPECT_THAT(VerifyConsistency(0, root, 0, root, {}), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(VerifyConsistency(0, root, 3, root, {}), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(VerifyConsistency(4, root, 3, root, {}), RefusedWith(Reason::kSignatureInvalid));
  NaiveTree tree;
  tree.SetSize(5);
  EXPECT_THAT(ConsistencyProof(tree, 0, 5), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ConsistencyProof(tree, 6, 5), RefusedWith(Reason::kFieldInvalid));
}

TEST(MerkleTest, ProofsFailWithTheErrorOfTheirSourceWhereverItComes) {
  const auto each_failure_is_reported = [](const auto& call) {
    FailingSource never(-1);
    ASSERT_THAT(call(never), IsOk());
    for (int n = 0; n < never.asked(); ++n) {
      FailingSource source(n);
      EXPECT_THAT(call(source), RefusedWith(Reason::kStoreUnavailable)) << n;
    }
  };
  each_failure_is_reported([](NodeSource& source) { return Root(source, 7).status(); });
  each_failure_is_reported(
      [](NodeSource& source) { return InclusionProof(source, 5, 7).status(); });
  each_failure_is_reported(
      [](NodeSource& source) { return ConsistencyProof(source, 6, 7).status(); });
}

}  // namespace
}  // namespace comity::merkle
