#include "services/storage/peer_custody_client.h"

#include <chrono>
#include <string>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"

namespace comity::storage {
namespace {

// A delivery may make custody move keys across a border before it answers.
constexpr std::chrono::milliseconds kTimeout{20'000};
constexpr size_t kMaxAnswered = 64;

}  // namespace

absl::StatusOr<std::vector<Statement>> PeerCustodyClient::Deliver(
    const AccountId& account, const std::vector<Statement>& statements) {
  comity::custody::v1::DeliverStatementRequest request;
  request.set_account_id(std::string(account.bytes()));
  for (const Statement& statement : statements) *request.add_statements() = ToProto(statement);
  const auto stub =
      peers_->StubTo<comity::custody::v1::CustodyService>(region_, ServiceKind::kCustody);
  grpc::ClientContext context;
  peers_->Prepare(context, kTimeout);
  comity::custody::v1::DeliverStatementResponse response;
  const grpc::Status status = stub->DeliverStatement(&context, request, &response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region_, ServiceKind::kCustody));
  return FromProto(response.statements(), kMaxAnswered);
}

}  // namespace comity::storage
