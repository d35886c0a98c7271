#include "services/custody/peer_custody_client.h"

#include <chrono>
#include <string>
#include <utility>

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

namespace pb = comity::custody::v1;

// Well under the 30 s in which a move must be decided.
constexpr std::chrono::milliseconds kTimeout{5'000};
constexpr size_t kMaxAnswered = 64;

absl::StatusOr<Endorsed> ToEndorsed(const comity::common::v1::Statement& statement,
                                    const comity::common::v1::Statement& endorsement) {
  Endorsed endorsed;
  ASSIGN_OR_RETURN(endorsed.statement, FromProto(statement));
  ASSIGN_OR_RETURN(endorsed.endorsement, FromProto(endorsement));
  return endorsed;
}

}  // namespace

template <typename Response, typename Call>
absl::StatusOr<Response> PeerCustodyClient::Ask(const RegionId& region, const Call& call) {
  if (peers_->topology().FindRegion(region) == nullptr) {
    return Refuse(Reason::kPeerUnavailable, "the topology has no such region");
  }
  const auto stub = peers_->StubTo<pb::CustodyService>(region, ServiceKind::kCustody);
  grpc::ClientContext context;
  peers_->Prepare(context, kTimeout);
  Response response;
  const grpc::Status status = call(*stub, context, response);
  RETURN_IF_ERROR(peers_->Outcome(status, context, region, ServiceKind::kCustody));
  return response;
}

absl::StatusOr<Endorsed> PeerCustodyClient::GetTransportKey(const RegionId& region,
                                                            const AccountId& account,
                                                            AccountEpoch epoch) {
  pb::GetTransportKeyRequest request;
  request.set_account_id(std::string(account.bytes()));
  request.set_account_epoch(epoch);
  ASSIGN_OR_RETURN(const auto response,
                   Ask<pb::GetTransportKeyResponse>(
                       region, [&](auto& stub, grpc::ClientContext& context, auto& out) {
                         return stub.GetTransportKey(&context, request, &out);
                       }));
  return ToEndorsed(response.transport_key(), response.endorsement());
}

absl::StatusOr<Endorsed> PeerCustodyClient::ImportKeys(const RegionId& region,
                                                       const ImportCommand& command) {
  pb::ImportKeysRequest request;
  request.set_account_id(std::string(command.account.bytes()));
  request.set_account_epoch(command.epoch);
  for (const Statement& entry : command.chain) {
    *request.add_chain() = ToProto(entry);
  }
  for (const Statement& statement : command.account_statements) {
    *request.add_account_statements() = ToProto(statement);
  }
  *request.mutable_consent() = ToProto(command.consent);
  *request.mutable_export_statement() = ToProto(command.key_export);
  *request.mutable_endorsement() = ToProto(command.endorsement);
  request.set_sealed_keys(command.sealed_keys);
  ASSIGN_OR_RETURN(
      const auto response,
      Ask<pb::ImportKeysResponse>(region, [&](auto& stub, grpc::ClientContext& context, auto& out) {
        return stub.ImportKeys(&context, request, &out);
      }));
  return ToEndorsed(response.receipt(), response.endorsement());
}

absl::StatusOr<std::vector<Statement>> PeerCustodyClient::DeliverStatement(
    const RegionId& region, const AccountId& account, const std::vector<Statement>& statements) {
  pb::DeliverStatementRequest request;
  request.set_account_id(std::string(account.bytes()));
  for (const Statement& statement : statements) {
    *request.add_statements() = ToProto(statement);
  }
  ASSIGN_OR_RETURN(const auto response,
                   Ask<pb::DeliverStatementResponse>(
                       region, [&](auto& stub, grpc::ClientContext& context, auto& out) {
                         return stub.DeliverStatement(&context, request, &out);
                       }));
  return FromProto(response.statements(), kMaxAnswered);
}

}  // namespace comity::custody
