#ifndef COMITY_CUSTODY_CODEC_H_
#define COMITY_CUSTODY_CODEC_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "comity/custody/v1/custody.pb.h"
#include "services/common/statement/legal.h"
#include "services/custody/custodian.h"
#include "services/custody/data_keys.h"
#include "services/custody/key_grants.h"
#include "services/custody/key_versions.h"
#include "services/custody/legal_use.h"
#include "services/custody/peer_custody.h"
#include "services/custody/record_key.h"
#include "services/custody/vault.h"

// Between the wire and the domain: every check of a request's form is here. FIELD_INVALID names the
// field; CONTEXT_INVALID, REASON_UNSPECIFIED, STATEMENT_MALFORMED where they say more.
namespace comity::custody {

namespace pb = comity::custody::v1;

struct CreateCommand {
  std::vector<Statement> chain;
  Statement record;
};
absl::StatusOr<CreateCommand> Decode(const pb::CreateAccountRequest& request);

struct LocationCommand {
  AccountId account;
  std::string nonce;
};
absl::StatusOr<LocationCommand> Decode(const pb::GetKeyLocationRequest& request);

struct RotateCommand {
  AccountId account;
  RequestId request;
};
absl::StatusOr<RotateCommand> Decode(const pb::RotateAccountKeyRequest& request);
absl::StatusOr<ChangeCommand> Decode(const pb::ChangeAccountKeyRequest& request);

// What a device has signed about a grant; of which type is the domain's to say.
struct GrantCommand {
  AccountId account;
  Statement statement;
};
absl::StatusOr<GrantCommand> Decode(const pb::ChangeKeyGrantsRequest& request);

absl::StatusOr<AccountId> DecodeAccountId(const std::string& bytes);

template <typename Item>
struct KeysCommand {
  AccountId account;
  UseReason reason = UseReason::kAccess;
  NamedGrant grant;  // there is one if the reason is kGrant, and only then
  std::vector<Item> items;
};
struct GenerateCommand : KeysCommand<KeyContext> {
  DataKeyForm form = DataKeyForm::kPlaintextAndWrap;
};
absl::StatusOr<GenerateCommand> Decode(const pb::GenerateDataKeyRequest& request);
absl::StatusOr<GenerateCommand> Decode(const pb::BatchGenerateDataKeysRequest& request);
absl::StatusOr<KeysCommand<PlainKey>> Decode(const pb::WrapDataKeyRequest& request);
absl::StatusOr<KeysCommand<PlainKey>> Decode(const pb::BatchWrapDataKeysRequest& request);
absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::UnwrapDataKeyRequest& request);
absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::BatchUnwrapDataKeysRequest& request);
absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::RewrapDataKeyRequest& request);
absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::BatchRewrapDataKeysRequest& request);

struct DeliverCommand {
  AccountId account;
  std::vector<Statement> statements;
};
absl::StatusOr<DeliverCommand> Decode(const pb::DeliverStatementRequest& request);

struct TransportCommand {
  AccountId account;
  AccountEpoch epoch = 0;
};
absl::StatusOr<TransportCommand> Decode(const pb::GetTransportKeyRequest& request);
absl::StatusOr<ImportCommand> Decode(const pb::ImportKeysRequest& request);

struct ExecuteCommand {
  Authorisation authorisation;
  std::vector<WrappedKey> wraps;
};
absl::StatusOr<ExecuteCommand> Decode(const pb::ExecuteAuthorisationRequest& request);
absl::Status Check(const pb::OpenRecordKeyRequest& request);

void Encode(const std::vector<Statement>& statements,
            google::protobuf::RepeatedPtrField<comity::common::v1::Statement>& out);
void Encode(const AccountKeyView& view, pb::GetAccountKeyResponse& response);
void Encode(const std::vector<GrantView>& views, pb::GetKeyGrantsResponse& response);
void Encode(const DataKeys::Rewrapped& results, pb::BatchRewrapDataKeysResponse& response);
// `rotation` is what KeyVersions::Rotate returned.
absl::Status Encode(const Statement& rotation, pb::RotateAccountKeyResponse& response);
// A plain key, to its owner.
void EncodePlaintext(const SecretBytes& key, std::string& out);
void Encode(const GeneratedKey& key, pb::GenerateDataKeyResponse& response);
void Encode(LegalUse use, pb::ExecuteAuthorisationResponse& response);
void Encode(const RecordKey& key, pb::OpenRecordKeyResponse& response);

// Nothing but a wrong size is refused: what is no share has to be counted as a wrong one.
absl::StatusOr<SecretBytes> Decode(const pb::EnterShareRequest& request);
absl::StatusOr<SecretBytes> Decode(const pb::RotateRootRequest& request);
// `accounts`: that there are.
void Encode(const SealState& state, uint64_t accounts, pb::SealState& out);
void EncodeShare(const SecretBytes& share, pb::TakeShareResponse& response);

// Overwrites what a message holds of plain keys. The server calls it when a call is over.
template <typename Message>
void WipeSecrets(Message&) {}
void WipeSecrets(pb::GenerateDataKeyResponse& message);
void WipeSecrets(pb::BatchGenerateDataKeysResponse& message);
void WipeSecrets(pb::WrapDataKeyRequest& message);
void WipeSecrets(pb::EnterShareRequest& message);
void WipeSecrets(pb::RotateRootRequest& message);
void WipeSecrets(pb::TakeShareResponse& message);
void WipeSecrets(pb::BatchWrapDataKeysRequest& message);
void WipeSecrets(pb::UnwrapDataKeyResponse& message);
void WipeSecrets(pb::BatchUnwrapDataKeysResponse& message);
void WipeSecrets(pb::OpenRecordKeyResponse& message);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CODEC_H_
