#include "services/storage/peer_storage_client.h"

#include <chrono>
#include <string>
#include <utility>

#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/codec.h"

namespace comity::storage {
namespace {

constexpr std::chrono::milliseconds kTimeout{10'000};
// Custody ends a fence after 30 s: nothing inside it may take longer.
constexpr std::chrono::milliseconds kFencedTimeout{30'000};
constexpr std::chrono::hours kCopyTimeout{72};
constexpr size_t kMaxAnswered = 64;

// A CopyObjects call. The sides never send both: first the other one, then this one, then one
// answer.
class GrpcCopyStream final : public CopyStream {
 public:
  GrpcCopyStream(Peers* peers, const RegionId& region, const AccountId& account, AccountEpoch epoch,
                 std::chrono::milliseconds timeout)
      : peers_(peers),
        region_(region),
        stub_(peers->StubTo<pb::StorageService>(region, ServiceKind::kStorage)) {
    peers_->Prepare(context_, timeout);
    stream_ = stub_->CopyObjects(&context_);
    pb::CopyObjectsRequest request;
    request.mutable_start()->set_account_id(std::string(account.bytes()));
    request.mutable_start()->set_account_epoch(epoch);
    stream_->Write(request);  // a failure shows at the first read
  }

  ~GrpcCopyStream() override {
    if (finished_) return;
    context_.TryCancel();
    stream_->Finish();
  }

  absl::StatusOr<std::optional<HeldVersion>> NextHeld() override {
    if (next_held_ == response_.held().versions_size()) {
      next_held_ = 0;
      if (!stream_->Read(&response_)) return Broken();
      if (response_.has_ready()) return std::optional<HeldVersion>();
      if (response_.held().versions().empty()) return OutOfTurn();
    }
    ASSIGN_OR_RETURN(const HeldVersion held, Decode(response_.held().versions(next_held_++)));
    return std::optional<HeldVersion>(held);
  }

  absl::Status Send(const ObjectRecord& record, std::string_view first) override {
    pb::CopyObjectsRequest request;
    Encode(record, *request.mutable_object()->mutable_object());
    request.mutable_object()->set_chunk(first.data(), first.size());
    ++sent_;
    return Write(request);
  }

  absl::Status SendChunk(std::string_view chunk) override {
    pb::CopyObjectsRequest request;
    request.set_chunk(chunk.data(), chunk.size());
    return Write(request);
  }

  absl::Status SendDeletion(const ObjectId& object) override {
    pb::CopyObjectsRequest request;
    request.set_deleted_object_id(std::string(object.bytes()));
    ++sent_;
    return Write(request);
  }

  absl::Status Finish() override {
    stream_->WritesDone();
    if (!stream_->Read(&response_)) return Broken();
    if (!response_.has_done()) return OutOfTurn();
    const bool all = response_.done().changes() == sent_;
    RETURN_IF_ERROR(End());
    return all ? absl::OkStatus() : Refuse(Reason::kInternal, "the peer confirmed too little");
  }

 private:
  absl::Status Write(const pb::CopyObjectsRequest& request) {
    return stream_->Write(request) ? absl::OkStatus() : Broken();
  }

  static absl::Status OutOfTurn() {
    return Refuse(Reason::kInternal, "the peer answers out of turn");
  }

  // The stream ended early: why?
  absl::Status Broken() {
    RETURN_IF_ERROR(End());
    return Refuse(Reason::kPeerUnavailable, "the peer ended the stream early");
  }

  absl::Status End() {
    if (finished_) return Refuse(Reason::kPeerUnavailable, "the stream has ended");
    finished_ = true;
    const grpc::Status status = stream_->Finish();
    return peers_->Outcome(status, context_, region_, ServiceKind::kStorage);
  }

  Peers* const peers_;
  const RegionId region_;
  const std::unique_ptr<pb::StorageService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<pb::CopyObjectsRequest, pb::CopyObjectsResponse>>
      stream_;
  pb::CopyObjectsResponse response_;
  int next_held_ = 0;  // of the versions in response_
  uint64_t sent_ = 0;
  bool finished_ = false;
};

}  // namespace

absl::Status PeerStorageClient::CheckRegion(const RegionId& region) const {
  return peers_->topology().FindRegion(region) == nullptr
             ? Refuse(Reason::kPeerUnavailable, "the topology has no such region")
             : absl::OkStatus();
}

absl::Status PeerStorageClient::Prepare(const RegionId& region, const PrepareCommand& command) {
  RETURN_IF_ERROR(CheckRegion(region));
  pb::PrepareMoveRequest request;
  request.set_account_id(std::string(command.account.bytes()));
  request.set_account_epoch(command.epoch);
  for (const Statement& entry : command.chain) *request.add_chain() = ToProto(entry);
  for (const Statement& statement : command.statements) {
    *request.add_statements() = ToProto(statement);
  }
  if (command.consent.has_value()) *request.mutable_consent() = ToProto(*command.consent);
  const auto stub = peers_->StubTo<pb::StorageService>(region, ServiceKind::kStorage);
  grpc::ClientContext context;
  peers_->Prepare(context, kTimeout);
  pb::PrepareMoveResponse response;
  const grpc::Status status = stub->PrepareMove(&context, request, &response);
  return peers_->Outcome(status, context, region, ServiceKind::kStorage);
}

absl::StatusOr<std::unique_ptr<CopyStream>> PeerStorageClient::Copy(const RegionId& region,
                                                                    const AccountId& account,
                                                                    AccountEpoch epoch,
                                                                    bool urgent) {
  RETURN_IF_ERROR(CheckRegion(region));
  const std::chrono::milliseconds timeout = urgent ? kFencedTimeout : kCopyTimeout;
  return std::unique_ptr<CopyStream>(
      std::make_unique<GrpcCopyStream>(peers_, region, account, epoch, timeout));
}

absl::StatusOr<ConfirmedManifest> PeerStorageClient::Confirm(const RegionId& region,
                                                             const AccountId& account,
                                                             AccountEpoch epoch,
                                                             const Statement& manifest,
                                                             const Statement& endorsement) {
  RETURN_IF_ERROR(CheckRegion(region));
  pb::ConfirmManifestRequest request;
  request.set_account_id(std::string(account.bytes()));
  request.set_account_epoch(epoch);
  *request.mutable_manifest() = ToProto(manifest);
  *request.mutable_endorsement() = ToProto(endorsement);
  const auto stub = peers_->StubTo<pb::StorageService>(region, ServiceKind::kStorage);
  grpc::ClientContext context;
  peers_->Prepare(context, kFencedTimeout);
  pb::ConfirmManifestResponse response;
  const grpc::Status status = stub->ConfirmManifest(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region, ServiceKind::kStorage));
  return Decode(response);
}

absl::StatusOr<std::vector<Statement>> PeerStorageClient::Deliver(
    const RegionId& region, const AccountId& account, const std::vector<Statement>& statements) {
  RETURN_IF_ERROR(CheckRegion(region));
  pb::DeliverStatementRequest request;
  request.set_account_id(std::string(account.bytes()));
  for (const Statement& statement : statements) *request.add_statements() = ToProto(statement);
  const auto stub = peers_->StubTo<pb::StorageService>(region, ServiceKind::kStorage);
  grpc::ClientContext context;
  peers_->Prepare(context, kTimeout);
  pb::DeliverStatementResponse response;
  const grpc::Status status = stub->DeliverStatement(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region, ServiceKind::kStorage));
  return FromProto(response.statements(), kMaxAnswered);
}

}  // namespace comity::storage
