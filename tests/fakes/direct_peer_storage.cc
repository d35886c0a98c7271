#include "tests/fakes/direct_peer_storage.h"

#include <optional>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

class DirectCopyStream final : public CopyStream {
 public:
  DirectCopyStream(DirectPeerStorage* line, std::unique_ptr<CopyReceiver> receiver)
      : line_(line), receiver_(std::move(receiver)) {}

  absl::StatusOr<std::optional<HeldVersion>> NextHeld() override { return receiver_->NextHeld(); }

  absl::Status Send(const ObjectRecord& record, std::string_view first) override {
    RETURN_IF_ERROR(End());
    RETURN_IF_ERROR(receiver_->Begin(record));
    return first.empty() ? absl::OkStatus() : SendChunk(first);
  }
  absl::Status SendChunk(std::string_view chunk) override {
    if (line_->Loses()) return Refuse(Reason::kPeerUnavailable, "the stream broke");
    return receiver_->Write(chunk);
  }
  absl::Status SendDeletion(const ObjectId& object) override {
    RETURN_IF_ERROR(End());
    return receiver_->Delete(object);
  }
  absl::Status Finish() override {
    RETURN_IF_ERROR(End());
    return receiver_->Finish().status();
  }

 private:
  absl::Status End() { return receiver_->receiving() ? receiver_->End() : absl::OkStatus(); }

  DirectPeerStorage* const line_;
  const std::unique_ptr<CopyReceiver> receiver_;
};

}  // namespace

bool DirectPeerStorage::Loses() {
  return percent_ > 0 && static_cast<int>(random_() % 100) < percent_;
}

template <typename Result, typename Call>
Result DirectPeerStorage::Send(std::string_view name, const Call& call) {
  if (hook_ != nullptr) hook_(name);
  StorageNode* const node = node_();
  if (cut_ || node == nullptr) return Refuse(Reason::kPeerUnavailable, "cut");
  if (Loses()) return Refuse(Reason::kPeerUnavailable, "the request is lost");
  Result result = call(*node);
  if (Loses()) result = call(*node);  // delivered twice
  if (Loses()) return Refuse(Reason::kPeerUnavailable, "the answer is lost");
  return result;
}

absl::Status DirectPeerStorage::Prepare(const RegionId& /*region*/, const PrepareCommand& command) {
  return Send<absl::Status>(
      "Prepare", [&](StorageNode& node) { return node.incoming().Prepare(caller_, command); });
}

absl::StatusOr<std::unique_ptr<CopyStream>> DirectPeerStorage::Copy(const RegionId& /*region*/,
                                                                    const AccountId& account,
                                                                    AccountEpoch epoch,
                                                                    bool /*urgent*/) {
  using Stream = absl::StatusOr<std::unique_ptr<CopyStream>>;
  return Send<Stream>("Copy", [&](StorageNode& node) -> Stream {
    ASSIGN_OR_RETURN(std::unique_ptr<CopyReceiver> receiver,
                     node.incoming().BeginCopy(caller_, account, epoch));
    return std::unique_ptr<CopyStream>(
        std::make_unique<DirectCopyStream>(this, std::move(receiver)));
  });
}

absl::StatusOr<ConfirmedManifest> DirectPeerStorage::Confirm(const RegionId& /*region*/,
                                                             const AccountId& account,
                                                             AccountEpoch epoch,
                                                             const Statement& manifest,
                                                             const Statement& endorsement) {
  return Send<absl::StatusOr<ConfirmedManifest>>("Confirm", [&](StorageNode& node) {
    return node.incoming().Confirm(caller_, account, epoch, manifest, endorsement);
  });
}

absl::StatusOr<std::vector<Statement>> DirectPeerStorage::Deliver(
    const RegionId& /*region*/, const AccountId& account,
    const std::vector<Statement>& statements) {
  return Send<absl::StatusOr<std::vector<Statement>>>("Deliver", [&](StorageNode& node) {
    return node.deliveries().Deliver(caller_, account, statements);
  });
}

}  // namespace comity::storage
