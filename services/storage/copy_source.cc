#include "services/storage/copy_source.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"

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

// Objects whose bytes are read while those before them are sent.
constexpr size_t kAhead = 4;

// An object to send: if it is one segment, with its bytes.
struct Fetched {
  std::optional<StoredObject> object;  // none: deleted since
  std::string bytes;
};
using Fetching = Task<absl::StatusOr<Fetched>>;

absl::StatusOr<Fetched> Fetch(ObjectStore& objects, BlobStore& blobs, const AccountId& account,
                              const ObjectId& id) {
  Fetched fetched;
  ASSIGN_OR_RETURN(BucketView view, objects.Read(account, id, std::nullopt));
  fetched.object = std::move(view.object);
  if (fetched.object.has_value() && fetched.object->record.size <= kSegmentBytes) {
    ContentReader reader(&blobs, account, fetched.object->tree, fetched.object->record.size);
    ASSIGN_OR_RETURN(fetched.bytes, reader.Next());
  }
  return fetched;
}

absl::Status SendObject(BlobStore& blobs, const AccountId& account, const Fetched& fetched,
                        TaskPool* tasks, CopyStream& stream) {
  const StoredObject& object = *fetched.object;
  std::string_view rest = fetched.bytes;
  RETURN_IF_ERROR(stream.Send(object.record, rest.substr(0, kWireChunk)));
  rest.remove_prefix(std::min(kWireChunk, rest.size()));
  const auto send = [&stream](std::string_view bytes) -> absl::Status {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kWireChunk, bytes.size()))) {
      RETURN_IF_ERROR(stream.SendChunk(bytes.substr(0, kWireChunk)));
    }
    return absl::OkStatus();
  };
  if (!fetched.bytes.empty()) return send(rest);
  ContentReader reader(&blobs, account, object.tree, object.record.size, tasks);
  for (;;) {
    ASSIGN_OR_RETURN(const std::string segment, reader.Next());
    if (segment.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(send(segment));
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
  std::deque<std::shared_ptr<Fetching>> ahead;
  // They use what the caller gave.
  const absl::Cleanup wait = [&ahead] {
    for (const auto& fetching : ahead) fetching->Wait();
  };
  auto next = difference.to_send.begin();
  for (size_t left = difference.to_send.size(); left > 0; --left) {
    RETURN_IF_ERROR(go_on());
    while (next != difference.to_send.end() && ahead.size() < (tasks == nullptr ? 1 : kAhead)) {
      ahead.push_back(Fetching::Start(
          tasks, [&, id = *next++] { return Fetch(objects, blobs, account.account, id); }));
    }
    const std::shared_ptr<Fetching> first = std::move(ahead.front());
    ahead.pop_front();
    ASSIGN_OR_RETURN(const Fetched fetched, std::move(first->Wait()));
    if (!fetched.object.has_value()) continue;  // the next pass sees it
    RETURN_IF_ERROR(SendObject(blobs, account.account, fetched, tasks, stream));
    result.objects += 1;
    result.bytes += fetched.object->record.size;
  }
  RETURN_IF_ERROR(stream.Finish());
  return result;
}

}  // namespace comity::storage
