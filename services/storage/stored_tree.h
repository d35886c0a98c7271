#ifndef COMITY_STORAGE_STORED_TREE_H_
#define COMITY_STORAGE_STORED_TREE_H_

#include "absl/status/statusor.h"

#include "services/storage/content_tree.h"

namespace comity::storage {

namespace store::v1 {
class ContentTree;
}

// A content tree inside an on-disk record. DATA_CORRUPT for what was not written here.
void WriteTree(const ContentTree& tree, store::v1::ContentTree& message);
absl::StatusOr<ContentTree> ReadTree(const store::v1::ContentTree& message);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_TREE_H_
