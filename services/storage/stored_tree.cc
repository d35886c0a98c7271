#include "services/storage/stored_tree.h"

#include <utility>

#include "comity/storage/store/v1/store.pb.h"
#include "services/common/status/reason.h"

namespace comity::storage {

void WriteTree(const ContentTree& tree, store::v1::ContentTree& message) {
  message.set_upload(tree.extent.upload.text);
  message.set_segments(tree.extent.segments);
  message.set_depth(tree.extent.depth);
  for (const BlobRef& ref : tree.top) {
    store::v1::BlobRef& out = *message.add_top();
    out.set_size(ref.size);
    out.set_digest(std::string(ref.digest.bytes()));
  }
}

absl::StatusOr<ContentTree> ReadTree(const store::v1::ContentTree& message) {
  ContentTree tree;
  tree.extent = {{message.upload()}, message.segments(), static_cast<uint8_t>(message.depth())};
  if (message.upload().empty() || message.depth() > 8) {
    return Refuse(Reason::kDataCorrupt, "a content tree is not what was written");
  }
  for (const store::v1::BlobRef& ref : message.top()) {
    absl::StatusOr<Digest> digest = Digest::FromBytes(ref.digest());
    if (!digest.ok()) {
      return Refuse(Reason::kDataCorrupt, "a content tree is not what was written");
    }
    tree.top.push_back({ref.size(), *digest});
  }
  return tree;
}

}  // namespace comity::storage
