#include "services/common/statement/proto_codec.h"

#include <algorithm>

#include "services/common/status/macros.h"

namespace comity {
namespace {

namespace pb = comity::common::v1;

constexpr size_t kSignatureSize = 64;
constexpr int kMaxApprovals = 8;
constexpr size_t kMaxLeafAndReceipt = 65'535;

absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kFieldInvalid, cause); }

absl::StatusOr<SignatureAlgorithm> FromProto(pb::SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case pb::SIGNATURE_ALGORITHM_ED25519:
      return SignatureAlgorithm::kEd25519;
    case pb::SIGNATURE_ALGORITHM_ECDSA_P256:
      return SignatureAlgorithm::kEcdsaP256;
    default:
      return Invalid("signature.algorithm: no such algorithm");
  }
}

pb::SignatureAlgorithm ToProto(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEd25519:
      return pb::SIGNATURE_ALGORITHM_ED25519;
    case SignatureAlgorithm::kEcdsaP256:
      return pb::SIGNATURE_ALGORITHM_ECDSA_P256;
  }
  return pb::SIGNATURE_ALGORITHM_UNSPECIFIED;
}

}  // namespace

pb::Statement ToProto(const Statement& statement) {
  pb::Statement message;
  message.set_body(statement.body);
  for (const StatementSignature& s : statement.signatures) {
    pb::Signature* signature = message.add_signatures();
    signature->set_key_id(std::string(s.key_id.bytes()));
    signature->set_algorithm(ToProto(s.algorithm));
    signature->set_signature(s.signature);
  }
  return message;
}

absl::StatusOr<Statement> FromProto(const pb::Statement& message) {
  if (message.body().empty() || message.body().size() > kMaxStatementBody) {
    return Invalid("statement.body: 1 to 65535 bytes");
  }
  if (message.signatures().empty() ||
      static_cast<size_t>(message.signatures_size()) > kMaxStatementSignatures) {
    return Invalid("statement.signatures: 1 to 16");
  }
  Statement statement{message.body(), {}};
  for (const pb::Signature& s : message.signatures()) {
    const absl::StatusOr<SigningKeyId> key_id = SigningKeyId::FromBytes(s.key_id());
    if (!key_id.ok()) return Invalid("signature.key_id: 32 bytes");
    ASSIGN_OR_RETURN(const SignatureAlgorithm algorithm, FromProto(s.algorithm()));
    if (s.signature().size() != kSignatureSize) return Invalid("signature.signature: 64 bytes");
    if (std::ranges::find(statement.signatures, *key_id, &StatementSignature::key_id) !=
        statement.signatures.end()) {
      return Refuse(Reason::kStatementMalformed, "one key signs twice");
    }
    statement.signatures.push_back({*key_id, algorithm, s.signature()});
  }
  return statement;
}

absl::StatusOr<std::vector<Statement>> FromProto(
    const google::protobuf::RepeatedPtrField<pb::Statement>& messages, size_t max) {
  if (static_cast<size_t>(messages.size()) > max) {
    return Invalid("statements: at most " + std::to_string(max));
  }
  std::vector<Statement> statements;
  statements.reserve(static_cast<size_t>(messages.size()));
  for (const pb::Statement& message : messages) {
    ASSIGN_OR_RETURN(Statement statement, FromProto(message));
    statements.push_back(std::move(statement));
  }
  return statements;
}

pb::Authorisation ToProto(const Authorisation& authorisation) {
  pb::Authorisation message;
  message.set_core(authorisation.core);
  *message.mutable_request() = ToProto(authorisation.request);
  for (const Statement& approval : authorisation.approvals) {
    *message.add_approvals() = ToProto(approval);
  }
  *message.mutable_grant() = ToProto(authorisation.grant);
  *message.mutable_endorsement() = ToProto(authorisation.endorsement);
  message.set_grant_leaf(authorisation.grant_leaf);
  message.set_grant_receipt(authorisation.grant_receipt);
  return message;
}

absl::StatusOr<Authorisation> FromProto(const pb::Authorisation& message) {
  if (message.core().empty() || message.core().size() > kMaxAuthorisationCore) {
    return Invalid("authorisation.core: 1 byte to 128 KiB");
  }
  if (!message.has_request() || !message.has_grant() || !message.has_endorsement()) {
    return Invalid("authorisation: request, grant and endorsement are required");
  }
  if (message.grant_leaf().empty() || message.grant_leaf().size() > kMaxLeafAndReceipt) {
    return Invalid("authorisation.grant_leaf: 1 to 65535 bytes");
  }
  if (message.grant_receipt().empty() || message.grant_receipt().size() > kMaxLeafAndReceipt) {
    return Invalid("authorisation.grant_receipt: 1 to 65535 bytes");
  }
  Authorisation authorisation;
  authorisation.core = message.core();
  ASSIGN_OR_RETURN(authorisation.request, FromProto(message.request()));
  // How many approvals there must be is for the verifier to say, with its own reason.
  ASSIGN_OR_RETURN(authorisation.approvals, FromProto(message.approvals(), kMaxApprovals));
  ASSIGN_OR_RETURN(authorisation.grant, FromProto(message.grant()));
  ASSIGN_OR_RETURN(authorisation.endorsement, FromProto(message.endorsement()));
  authorisation.grant_leaf = message.grant_leaf();
  authorisation.grant_receipt = message.grant_receipt();
  return authorisation;
}

}  // namespace comity
