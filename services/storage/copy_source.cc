#include "services/storage/copy_source.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/content_reader.h"
#include "services/storage/object_walk.h"

namespace comity::storage {
namespace {

constexpr size_t kWireChunk = 1 << 20;

struct Difference {
  std::vector<ObjectId> to_send;
  std::vector<ObjectId> to_delete;
};

absl::StatusOr<Difference> Compare(ObjectStore& objects, const AccountSnapshot& account,
                                   CopyStream& stream) {
  Difference difference;
  ObjectWalk walk(&objects, account);
  ASSIGN_OR_RETURN(std::optional<StoredObject> here, walk.Next());
  ASSIGN_OR_RETURN(std::optional<HeldVersion> there, stream.NextHeld());
  // Both come in order of id.
  while (here.has_value() || there.has_value()) {
    const bool only_there =
        !here.has_value() || (there.has_value() && there->object < here->record.object);
    const bool only_here =
        !there.has_value() || (here.has_value() && here->record.object < there->object);
    if (only_there) {
      difference.to_delete.push_back(there->object);
    } else if (only_here || ObjectRecordDigest(here->record) != there->record) {
      difference.to_send.push_back(here->record.object);
    }
    if (!only_there) {
      ASSIGN_OR_RETURN(here, walk.Next());
    }
    if (!only_here) {
      ASSIGN_OR_RETURN(there, stream.NextHeld());
    }
  }
  return difference;
}

absl::Status SendObject(BlobStore& blobs, const AccountId& account, const StoredObject& object,
                        TaskPool* tasks, CopyStream& stream) {
  RETURN_IF_ERROR(stream.Send(object.record));
  ContentReader reader(&blobs, account, object.tree, object.record.size, tasks);
  for (;;) {
    ASSIGN_OR_RETURN(const std::string segment, reader.Next());
    if (segment.empty()) return absl::OkStatus();
    for (std::string_view rest = segment; !rest.empty();
         rest.remove_prefix(std::min(kWireChunk, rest.size()))) {
      RETURN_IF_ERROR(stream.SendChunk(rest.substr(0, kWireChunk)));
    }
  }
}

}  // namespace

absl::StatusOr<PassResult> CopyPass(ObjectStore& objects, BlobStore& blobs,
                                    const AccountSnapshot& account, CopyStream& stream,
                                    const std::function<absl::Status()>& go_on, TaskPool* tasks) {
  PassResult result;
  ASSIGN_OR_RETURN(const Difference difference, Compare(objects, account, stream));
  for (const ObjectId& id : difference.to_delete) {
    RETURN_IF_ERROR(stream.SendDeletion(id));
    result.deletions += 1;
  }
  for (const ObjectId& id : difference.to_send) {
    RETURN_IF_ERROR(go_on());
    ASSIGN_OR_RETURN(const BucketView view, objects.Read(account.account, id, std::nullopt));
    if (!view.object.has_value()) continue;  // deleted since: the next pass sees it
    RETURN_IF_ERROR(SendObject(blobs, account.account, *view.object, tasks, stream));
    result.objects += 1;
    result.bytes += view.object->record.size;
  }
  RETURN_IF_ERROR(stream.Finish());
  return result;
}

}  // namespace comity::storage
