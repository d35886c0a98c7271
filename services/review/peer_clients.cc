#include "services/review/peer_clients.h"

#include <chrono>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/review/codec.h"

namespace comity::review {
namespace {

namespace cpb = comity::custody::v1;
namespace spb = comity::storage::v1;

constexpr std::chrono::milliseconds kShort{5'000};
constexpr std::chrono::milliseconds kLong{25'000};
constexpr std::chrono::hours kStream{1};

// Whatever is wrong with an answer is the peer's fault, not the caller's.
template <typename Decoded>
absl::StatusOr<Decoded> FromPeer(absl::StatusOr<Decoded> decoded) {
  if (decoded.ok()) return decoded;
  return Refuse(Reason::kDataCorrupt, "an answer of a peer: " + CauseOf(decoded.status()));
}

}  // namespace

absl::StatusOr<AccountScope> PeerStorageClient::GetScope(std::string_view case_id,
                                                         const AccountId& account, UnixMillis begin,
                                                         UnixMillis end) {
  spb::GetScopeRequest request;
  request.set_case_id(std::string(case_id));
  request.set_account_id(std::string(account.bytes()));
  request.set_begin_time_ms(begin);
  request.set_end_time_ms(end);
  const auto stub = peers_->StubTo<spb::StorageService>(region_, ServiceKind::kStorage);
  grpc::ClientContext context;
  peers_->Prepare(context, kShort);
  spb::GetScopeResponse response;
  const grpc::Status status = stub->GetScope(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region_, ServiceKind::kStorage));
  return FromPeer(Decode(response));
}

absl::StatusOr<StorageAnswer> PeerStorageClient::Execute(const Authorisation& authorisation) {
  spb::ExecuteAuthorisationRequest request;
  *request.mutable_authorisation() = ToProto(authorisation);
  const auto stub = peers_->StubTo<spb::StorageService>(region_, ServiceKind::kStorage);
  grpc::ClientContext context;
  peers_->Prepare(context, kLong);
  spb::ExecuteAuthorisationResponse response;
  const grpc::Status status = stub->ExecuteAuthorisation(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region_, ServiceKind::kStorage));
  return FromPeer(Decode(response));
}

absl::Status PeerStorageClient::ReadContent(const Digest& authorisation, const AccountId& account,
                                            const ContentId& content,
                                            const std::function<absl::Status(std::string)>& take) {
  spb::ReadAuthorisedContentRequest request;
  request.set_authorisation_digest(std::string(authorisation.bytes()));
  request.set_account_id(std::string(account.bytes()));
  request.set_content_id(std::string(content.bytes()));
  const auto stub = peers_->StubTo<spb::StorageService>(region_, ServiceKind::kStorage);
  grpc::ClientContext context;
  peers_->Prepare(context, kStream);
  const auto reader = stub->ReadAuthorisedContent(&context, request);
  spb::ReadAuthorisedContentResponse message;
  absl::Status taken;
  while (taken.ok() && reader->Read(&message)) taken = take(std::move(*message.mutable_chunk()));
  if (!taken.ok()) context.TryCancel();
  const grpc::Status status = reader->Finish();
  RETURN_IF_ERROR(taken);
  return peers_->Outcome(status, context, region_, ServiceKind::kStorage);
}

absl::StatusOr<OpenedRecordKey> PeerCustodyClient::OpenRecordKey(const std::string& wrapped) {
  cpb::OpenRecordKeyRequest request;
  request.set_wrapped(wrapped);
  const auto stub = peers_->StubTo<cpb::CustodyService>(region_, ServiceKind::kCustody);
  grpc::ClientContext context;
  peers_->Prepare(context, kShort);
  cpb::OpenRecordKeyResponse response;
  const grpc::Status status = stub->OpenRecordKey(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region_, ServiceKind::kCustody));
  return OpenedRecordKey{SecretBytes::TakeFrom(*response.mutable_plaintext()), response.wrapped()};
}

absl::StatusOr<CustodyAnswer> PeerCustodyClient::Execute(const Authorisation& authorisation,
                                                         const std::vector<AuthorisedWrap>& wraps) {
  const cpb::ExecuteAuthorisationRequest request = Encode(authorisation, wraps);
  const auto stub = peers_->StubTo<cpb::CustodyService>(region_, ServiceKind::kCustody);
  grpc::ClientContext context;
  peers_->Prepare(context, kLong);
  cpb::ExecuteAuthorisationResponse response;
  const grpc::Status status = stub->ExecuteAuthorisation(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region_, ServiceKind::kCustody));
  return CustodyAnswer{response.sealed_answer(), response.leaf(), response.receipt()};
}

}  // namespace comity::review
