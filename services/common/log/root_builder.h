#ifndef COMITY_COMMON_LOG_ROOT_BUILDER_H_
#define COMITY_COMMON_LOG_ROOT_BUILDER_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "services/common/ids/ids.h"
#include "services/common/log/merkle.h"

namespace comity::merkle {

// The RFC 6962 root of leaves that arrive one by one and are not kept: memory grows with the
// logarithm of their number. Copyable value, not thread-safe.
class RootBuilder final {
 public:
  void Add(const Digest& leaf_hash) {
    Digest hash = leaf_hash;
    // A complete subtree for each bit of the size: adding one carries as in binary addition.
    for (uint64_t bit = size_; (bit & 1) != 0; bit >>= 1) {
      hash = NodeHash(subtrees_.back(), hash);
      subtrees_.pop_back();
    }
    subtrees_.push_back(hash);
    ++size_;
  }

  uint64_t size() const { return size_; }

  Digest Root() const {
    if (subtrees_.empty()) return EmptyRoot();
    Digest root = subtrees_.back();
    for (size_t i = subtrees_.size() - 1; i > 0; --i) root = NodeHash(subtrees_[i - 1], root);
    return root;
  }

 private:
  std::vector<Digest> subtrees_;  // largest first
  uint64_t size_ = 0;
};

}  // namespace comity::merkle

#endif  // COMITY_COMMON_LOG_ROOT_BUILDER_H_
