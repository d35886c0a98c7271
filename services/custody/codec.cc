#include "services/custody/codec.h"

#include <map>
#include <string>
#include <utility>

#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/key_export.h"
#include "services/custody/wrapped_key.h"

namespace comity::custody {
namespace {

constexpr size_t kMaxChain = 256;
constexpr size_t kMaxDelivered = 64;
constexpr size_t kMinNonce = 16;
constexpr size_t kMaxNonce = 64;
constexpr size_t kMaxWrapped = 256;
constexpr size_t kMaxShareBytes = 64;

absl::Status Invalid(std::string_view what) { return Refuse(Reason::kFieldInvalid, what); }

template <typename Id>
absl::StatusOr<Id> DecodeId(const std::string& bytes, const char* field) {
  absl::StatusOr<Id> id = Id::FromBytes(bytes);
  return id.ok() ? id : Invalid(std::string(field) + " has a wrong length");
}

static_assert(static_cast<int>(UseReason::kAccess) == pb::USE_REASON_OWNER_ACCESS);
static_assert(static_cast<int>(UseReason::kExport) == pb::USE_REASON_OWNER_EXPORT);
static_assert(static_cast<int>(UseReason::kVerify) == pb::USE_REASON_OWNER_VERIFY);
static_assert(static_cast<int>(UseReason::kRewrap) == pb::USE_REASON_OWNER_REWRAP);
static_assert(static_cast<int>(UseReason::kGrant) == pb::USE_REASON_GRANT);
static_assert(kUseReasons == pb::UseReason_MAX);

absl::StatusOr<UseReason> DecodeReason(pb::UseReason reason) {
  if (!pb::UseReason_IsValid(reason) || reason == pb::USE_REASON_UNSPECIFIED) {
    return Refuse(Reason::kReasonUnspecified);
  }
  return static_cast<UseReason>(reason);
}

absl::Status CheckBatch(int size, size_t most = kMaxBatch) {
  return size >= 1 && static_cast<size_t>(size) <= most
             ? absl::OkStatus()
             : Invalid("a batch has 1 to " + std::to_string(most) + " items");
}

absl::StatusOr<KeyContext> DecodeContext(bool present,
                                         const comity::common::v1::EncryptionContext& context) {
  if (!present) {
    return Invalid("context is missing");
  }
  ASSIGN_OR_RETURN(const ObjectId object, DecodeId<ObjectId>(context.object_id(), "object_id"));
  ASSIGN_OR_RETURN(const ContentId content,
                   DecodeId<ContentId>(context.content_id(), "content_id"));
  KeyPurpose purpose{};
  switch (context.purpose()) {
    case comity::common::v1::PURPOSE_CONTENT:
      purpose = KeyPurpose::kContent;
      break;
    case comity::common::v1::PURPOSE_ATTRIBUTES:
      purpose = KeyPurpose::kAttributes;
      break;
    default:
      return Refuse(Reason::kContextInvalid, "no such purpose");
  }
  std::map<std::string, std::string> pairs;
  for (const comity::common::v1::ContextPair& pair : context.pairs()) {
    if (!pairs.emplace(pair.name(), pair.value()).second) {
      return Refuse(Reason::kContextInvalid, "a name twice");
    }
  }
  return KeyContext::Create(object, content, purpose, std::move(pairs));
}

absl::StatusOr<PlainKey> DecodePlain(bool present,
                                     const comity::common::v1::EncryptionContext& context,
                                     const std::string& plaintext) {
  ASSIGN_OR_RETURN(KeyContext decoded, DecodeContext(present, context));
  if (plaintext.size() != kDataKeySize) {
    return Invalid("plaintext has not 32 bytes");
  }
  return PlainKey{std::move(decoded), SecretBytes::CopyOf(std::string_view(plaintext))};
}

absl::StatusOr<WrappedKey> DecodeWrapped(bool present,
                                         const comity::common::v1::EncryptionContext& context,
                                         const std::string& wrapped) {
  ASSIGN_OR_RETURN(KeyContext decoded, DecodeContext(present, context));
  if (wrapped.empty() || wrapped.size() > kMaxWrapped) {
    return Invalid("wrapped has 1 to 256 bytes");
  }
  return WrappedKey{std::move(decoded), wrapped};
}

// A request of its device that is known again when it comes twice.
absl::StatusOr<RequestId> DecodeRequestId(const std::string& bytes) {
  ASSIGN_OR_RETURN(const RequestId request, DecodeId<RequestId>(bytes, "request_id"));
  return request.IsZero() ? Invalid("request_id is zero") : absl::StatusOr<RequestId>(request);
}

// What the single and the batch forms have in common.
template <typename Item, typename Request>
absl::StatusOr<KeysCommand<Item>> Begin(const Request& request) {
  KeysCommand<Item> command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.reason, DecodeReason(request.reason()));
  if (!request.grant_id().empty()) {
    ASSIGN_OR_RETURN(command.grant, DecodeId<GrantId>(request.grant_id(), "grant_id"));
  }
  // What an owner's devices do under its name, nobody else does.
  if (command.grant.has_value() != (command.reason == UseReason::kGrant)) {
    return Invalid("grant_id comes with USE_REASON_GRANT, and only with it");
  }
  return command;
}

template <typename Request>
absl::StatusOr<GenerateCommand> BeginGenerate(const Request& request) {
  ASSIGN_OR_RETURN(auto command, Begin<KeyContext>(request));
  if (!request.has_form()) return GenerateCommand{std::move(command)};
  if (request.form() != pb::DATA_KEY_FORM_PLAINTEXT_AND_WRAP &&
      request.form() != pb::DATA_KEY_FORM_WRAP_ALONE) {
    return Invalid("form is unknown; leave it out for plaintext and wrap");
  }
  return GenerateCommand{std::move(command), static_cast<DataKeyForm>(request.form())};
}

template <typename Request>
absl::StatusOr<KeysCommand<WrappedKey>> DecodeOneWrapped(const Request& request) {
  ASSIGN_OR_RETURN(auto command, Begin<WrappedKey>(request));
  ASSIGN_OR_RETURN(WrappedKey key,
                   DecodeWrapped(request.has_context(), request.context(), request.wrapped()));
  command.items.push_back(std::move(key));
  return command;
}

template <typename Request>
absl::StatusOr<KeysCommand<WrappedKey>> DecodeBatchWrapped(const Request& request, size_t most) {
  ASSIGN_OR_RETURN(auto command, Begin<WrappedKey>(request));
  RETURN_IF_ERROR(CheckBatch(request.items_size(), most));
  command.items.reserve(static_cast<size_t>(request.items_size()));
  for (const auto& item : request.items()) {
    ASSIGN_OR_RETURN(WrappedKey key,
                     DecodeWrapped(item.has_context(), item.context(), item.wrapped()));
    command.items.push_back(std::move(key));
  }
  return command;
}

absl::StatusOr<AccountEpoch> DecodeEpoch(uint32_t epoch) {
  if (epoch == 0) {
    return Invalid("account_epoch is missing");
  }
  return epoch;
}

absl::StatusOr<Statement> DecodeStatementField(bool present,
                                               const comity::common::v1::Statement& statement,
                                               const char* field) {
  if (!present) {
    return Invalid(std::string(field) + " is missing");
  }
  return FromProto(statement);
}

pb::GrantState StateOf(GrantState state) {
  switch (state) {
    case GrantState::kInForce:
      return pb::GRANT_STATE_IN_FORCE;
    case GrantState::kNotBegun:
      return pb::GRANT_STATE_NOT_BEGUN;
    case GrantState::kExpired:
      return pb::GRANT_STATE_EXPIRED;
    case GrantState::kRevoked:
      return pb::GRANT_STATE_REVOKED;
    case GrantState::kDeviceRevoked:
      return pb::GRANT_STATE_DEVICE_REVOKED;
  }
  return pb::GRANT_STATE_UNSPECIFIED;
}

pb::SealTrouble ToProto(SealTrouble trouble) {
  switch (trouble) {
    case SealTrouble::kNone:
      return pb::SEAL_TROUBLE_NONE;
    case SealTrouble::kModule:
      return pb::SEAL_TROUBLE_MODULE;
    case SealTrouble::kTokenAbsent:
      return pb::SEAL_TROUBLE_TOKEN_ABSENT;
    case SealTrouble::kPinFile:
      return pb::SEAL_TROUBLE_PIN_FILE;
    case SealTrouble::kPinRefused:
      return pb::SEAL_TROUBLE_PIN_REFUSED;
    case SealTrouble::kPinLocked:
      return pb::SEAL_TROUBLE_PIN_LOCKED;
    case SealTrouble::kKeyMissing:
      return pb::SEAL_TROUBLE_KEY_MISSING;
    case SealTrouble::kKeyAmbiguous:
      return pb::SEAL_TROUBLE_KEY_AMBIGUOUS;
    case SealTrouble::kKeyUnfit:
      return pb::SEAL_TROUBLE_KEY_UNFIT;
    case SealTrouble::kRecord:
      return pb::SEAL_TROUBLE_RECORD;
    case SealTrouble::kTokenFailed:
      break;
  }
  return pb::SEAL_TROUBLE_TOKEN_FAILED;
}

absl::StatusOr<SecretBytes> DecodeShare(const std::string& share) {
  if (share.size() > kMaxShareBytes) {
    return Refuse(Reason::kFieldInvalid, "share: at most 64 bytes");
  }
  return SecretBytes::CopyOf(share);
}

void Encode(const ShareState& share, pb::ShareHolder& out) {
  out.set_person(share.person);
  out.set_entered(share.entered);
}

}  // namespace

absl::StatusOr<AccountId> DecodeAccountId(const std::string& bytes) {
  return DecodeId<AccountId>(bytes, "account_id");
}

absl::StatusOr<CreateCommand> Decode(const pb::CreateAccountRequest& request) {
  RETURN_IF_ERROR(DecodeId<RequestId>(request.request_id(), "request_id").status());
  if (request.chain().empty()) {
    return Invalid("chain is empty");
  }
  CreateCommand command;
  ASSIGN_OR_RETURN(command.chain, FromProto(request.chain(), kMaxChain));
  ASSIGN_OR_RETURN(command.record,
                   DecodeStatementField(request.has_account_record(), request.account_record(),
                                        "account_record"));
  return command;
}

absl::StatusOr<RotateCommand> Decode(const pb::RotateAccountKeyRequest& request) {
  RotateCommand command;
  ASSIGN_OR_RETURN(command.request, DecodeRequestId(request.request_id()));
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  return command;
}

absl::StatusOr<ChangeCommand> Decode(const pb::ChangeAccountKeyRequest& request) {
  ChangeCommand command;
  ASSIGN_OR_RETURN(command.request, DecodeRequestId(request.request_id()));
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  using Request = pb::ChangeAccountKeyRequest;
  switch (request.change_case()) {
    case Request::kDisableVersion:
      command.kind = KeyChangeKind::kDisable;
      command.version = request.disable_version();
      break;
    case Request::kEnableVersion:
      command.kind = KeyChangeKind::kEnable;
      command.version = request.enable_version();
      break;
    case Request::kScheduleDestruction:
      command.kind = KeyChangeKind::kScheduleDestruction;
      command.version = request.schedule_destruction().version();
      command.days = request.schedule_destruction().days();
      break;
    case Request::kCancelDestruction:
      command.kind = KeyChangeKind::kCancelDestruction;
      command.version = request.cancel_destruction();
      break;
    case Request::kMinUnwrapVersion:
      command.kind = KeyChangeKind::kSetMinUnwrapVersion;
      command.version = request.min_unwrap_version();
      break;
    case Request::kRotationDays:
      command.kind = KeyChangeKind::kSetRotation;
      command.days = request.rotation_days();
      break;
    case Request::CHANGE_NOT_SET:
      return Invalid("change is missing");
  }
  return command;
}

absl::StatusOr<GrantCommand> Decode(const pb::ChangeKeyGrantsRequest& request) {
  GrantCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.statement,
                   DecodeStatementField(request.has_statement(), request.statement(), "statement"));
  return command;
}

absl::StatusOr<LocationCommand> Decode(const pb::GetKeyLocationRequest& request) {
  LocationCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  const size_t size = request.nonce().size();
  if (size != 0 && (size < kMinNonce || size > kMaxNonce)) {
    return Invalid("nonce has 16 to 64 bytes, or none");
  }
  command.nonce = request.nonce();
  return command;
}

absl::StatusOr<GenerateCommand> Decode(const pb::GenerateDataKeyRequest& request) {
  ASSIGN_OR_RETURN(GenerateCommand command, BeginGenerate(request));
  ASSIGN_OR_RETURN(KeyContext context, DecodeContext(request.has_context(), request.context()));
  command.items.push_back(std::move(context));
  return command;
}

absl::StatusOr<GenerateCommand> Decode(const pb::BatchGenerateDataKeysRequest& request) {
  ASSIGN_OR_RETURN(GenerateCommand command, BeginGenerate(request));
  RETURN_IF_ERROR(CheckBatch(request.contexts_size()));
  command.items.reserve(static_cast<size_t>(request.contexts_size()));
  for (const auto& item : request.contexts()) {
    ASSIGN_OR_RETURN(KeyContext context, DecodeContext(true, item));
    command.items.push_back(std::move(context));
  }
  return command;
}

absl::StatusOr<KeysCommand<PlainKey>> Decode(const pb::WrapDataKeyRequest& request) {
  ASSIGN_OR_RETURN(auto command, Begin<PlainKey>(request));
  ASSIGN_OR_RETURN(PlainKey key,
                   DecodePlain(request.has_context(), request.context(), request.plaintext()));
  command.items.push_back(std::move(key));
  return command;
}

absl::StatusOr<KeysCommand<PlainKey>> Decode(const pb::BatchWrapDataKeysRequest& request) {
  ASSIGN_OR_RETURN(auto command, Begin<PlainKey>(request));
  RETURN_IF_ERROR(CheckBatch(request.items_size()));
  command.items.reserve(static_cast<size_t>(request.items_size()));
  for (const auto& item : request.items()) {
    ASSIGN_OR_RETURN(PlainKey key,
                     DecodePlain(item.has_context(), item.context(), item.plaintext()));
    command.items.push_back(std::move(key));
  }
  return command;
}

absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::UnwrapDataKeyRequest& request) {
  return DecodeOneWrapped(request);
}

absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::BatchUnwrapDataKeysRequest& request) {
  return DecodeBatchWrapped(request, kMaxBatch);
}

absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::RewrapDataKeyRequest& request) {
  return DecodeOneWrapped(request);
}

absl::StatusOr<KeysCommand<WrappedKey>> Decode(const pb::BatchRewrapDataKeysRequest& request) {
  return DecodeBatchWrapped(request, kMaxRewrapBatch);
}

absl::StatusOr<DeliverCommand> Decode(const pb::DeliverStatementRequest& request) {
  DeliverCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.statements, FromProto(request.statements(), kMaxDelivered));
  return command;
}

absl::StatusOr<TransportCommand> Decode(const pb::GetTransportKeyRequest& request) {
  TransportCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.epoch, DecodeEpoch(request.account_epoch()));
  return command;
}

absl::StatusOr<ImportCommand> Decode(const pb::ImportKeysRequest& request) {
  ImportCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.epoch, DecodeEpoch(request.account_epoch()));
  ASSIGN_OR_RETURN(command.chain, FromProto(request.chain(), kMaxChain));
  ASSIGN_OR_RETURN(command.account_statements,
                   FromProto(request.account_statements(), kMaxDeviceStatements + 1));
  if (!request.has_consent()) {
    return Refuse(Reason::kConsentMissing);
  }
  ASSIGN_OR_RETURN(command.consent, FromProto(request.consent()));
  ASSIGN_OR_RETURN(command.key_export,
                   DecodeStatementField(request.has_export_statement(), request.export_statement(),
                                        "export_statement"));
  if (!request.has_endorsement()) {
    return Refuse(Reason::kEndorsementMissing);
  }
  ASSIGN_OR_RETURN(command.endorsement, FromProto(request.endorsement()));
  if (request.sealed_keys().empty() || request.sealed_keys().size() > kMaxSealedKeys) {
    return Invalid("sealed_keys has 1 byte to 64 KiB");
  }
  command.sealed_keys = request.sealed_keys();
  return command;
}

absl::StatusOr<ExecuteCommand> Decode(const pb::ExecuteAuthorisationRequest& request) {
  if (!request.has_authorisation()) {
    return Refuse(Reason::kAuthorisationInvalid, "none came along");
  }
  ExecuteCommand command;
  ASSIGN_OR_RETURN(command.authorisation, FromProto(request.authorisation()));
  if (request.wraps().empty() ||
      static_cast<size_t>(request.wraps_size()) > kMaxAuthorisedContents) {
    return Invalid("1 to 4,096 wraps");
  }
  for (const auto& item : request.wraps()) {
    ASSIGN_OR_RETURN(WrappedKey key,
                     DecodeWrapped(item.has_context(), item.context(), item.wrapped()));
    command.wraps.push_back(std::move(key));
  }
  return command;
}

absl::Status Check(const pb::OpenRecordKeyRequest& request) {
  return request.wrapped().size() <= kMaxWrapped ? absl::OkStatus()
                                                 : Invalid("wrapped has at most 256 bytes");
}

void Encode(const std::vector<Statement>& statements,
            google::protobuf::RepeatedPtrField<comity::common::v1::Statement>& out) {
  for (const Statement& statement : statements) {
    *out.Add() = ToProto(statement);
  }
}

void Encode(const AccountKeyView& view, pb::GetAccountKeyResponse& response) {
  using State = KeyVersionView::State;
  for (const KeyVersionView& version : view.versions) {
    pb::KeyVersionInfo& info = *response.add_versions();
    info.set_version(version.version);
    switch (version.state) {
      case State::kEnabled:
        info.set_state(pb::KEY_STATE_ENABLED);
        break;
      case State::kDisabled:
        info.set_state(pb::KEY_STATE_DISABLED);
        break;
      case State::kDestroyScheduled:
        info.set_state(pb::KEY_STATE_DESTROY_SCHEDULED);
        break;
      case State::kDestroyed:
        info.set_state(pb::KEY_STATE_DESTROYED);
        break;
      case State::kInactive:
        info.set_state(pb::KEY_STATE_INACTIVE);
        break;
    }
    info.set_create_time_ms(version.create_time);
    info.set_destroy_time_ms(version.destroy_time);
  }
  response.set_account_epoch(view.epoch);
  response.set_min_unwrap_version(view.min_unwrap_version);
  response.set_rotation_days(view.rotation_days);
  response.set_next_rotation_time_ms(view.next_rotation);
  Encode(view.statements, *response.mutable_statements());
}

absl::Status Encode(const Statement& rotation, pb::RotateAccountKeyResponse& response) {
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<KeyRotation>(rotation));
  response.set_version(parsed.body.version);
  *response.mutable_rotation() = ToProto(rotation);
  return absl::OkStatus();
}

void Encode(const std::vector<GrantView>& views, pb::GetKeyGrantsResponse& response) {
  for (const GrantView& view : views) {
    pb::KeyGrantInfo& info = *response.add_grants();
    *info.mutable_grant() = ToProto(view.record.statement);
    *info.mutable_receipt() = ToProto(view.record.receipt);
    if (view.record.revocation.has_value()) {
      *info.mutable_revocation() = ToProto(*view.record.revocation);
      *info.mutable_revocation_receipt() = ToProto(*view.record.revocation_receipt);
    }
    info.set_state(StateOf(view.state));
  }
}

void Encode(const DataKeys::Rewrapped& results, pb::BatchRewrapDataKeysResponse& response) {
  for (const absl::StatusOr<std::string>& result : results) {
    pb::RewrapResult& out = *response.add_results();
    if (result.ok()) {
      out.set_wrapped(*result);
    } else {
      out.set_reason(static_cast<comity::common::v1::ErrorReason>(ReasonOf(result.status())));
    }
  }
}

void EncodePlaintext(const SecretBytes& key, std::string& out) {
  out.assign(key.RevealView(RevealKey::ForOwner()));
}

void Encode(const GeneratedKey& key, pb::GenerateDataKeyResponse& response) {
  if (!key.plaintext.empty()) EncodePlaintext(key.plaintext, *response.mutable_plaintext());
  response.set_wrapped(key.wrapped);
}

void Encode(LegalUse use, pb::ExecuteAuthorisationResponse& response) {
  response.set_sealed_answer(std::move(use.sealed_answer));
  response.set_leaf(std::move(use.leaf));
  response.set_receipt(std::move(use.receipt));
}

void Encode(const RecordKey& key, pb::OpenRecordKeyResponse& response) {
  EncodePlaintext(key.plaintext, *response.mutable_plaintext());
  response.set_wrapped(key.wrapped);
}

absl::StatusOr<SecretBytes> Decode(const pb::EnterShareRequest& request) {
  return DecodeShare(request.share());
}

absl::StatusOr<SecretBytes> Decode(const pb::RotateRootRequest& request) {
  return DecodeShare(request.share());
}

void EncodeShare(const SecretBytes& share, pb::TakeShareResponse& response) {
  EncodePlaintext(share, *response.mutable_share());
}

void Encode(const SealState& state, uint64_t accounts, pb::SealState& out) {
  out.set_trouble(ToProto(state.trouble));
  out.set_seal(state.description);
  out.set_sealed(state.sealed);
  out.set_shares_needed(state.needed);
  out.set_lease_end_time_ms(state.lease_end);
  out.set_share_set(state.share_set);
  out.set_root_generation(state.generation);
  for (const ShareState& share : state.holders) Encode(share, *out.add_holders());
  pb::RootRotation& rotation = *out.mutable_rotation();
  rotation.set_stage(state.resealing        ? pb::ROOT_ROTATION_STAGE_RESEALING
                     : !state.dealt.empty() ? pb::ROOT_ROTATION_STAGE_DEALING
                                            : pb::ROOT_ROTATION_STAGE_NONE);
  rotation.set_shares_entered(state.to_rotate);
  rotation.set_accounts_resealed(state.resealed);
  rotation.set_accounts(accounts);
  rotation.set_committee_differs(state.committee_differs);
  for (const ShareState& share : state.dealt) Encode(share, *rotation.add_new_holders());
}

void WipeSecrets(pb::GenerateDataKeyResponse& message) { WipeString(*message.mutable_plaintext()); }
void WipeSecrets(pb::BatchGenerateDataKeysResponse& message) {
  for (pb::GenerateDataKeyResponse& key : *message.mutable_keys()) {
    WipeSecrets(key);
  }
}
void WipeSecrets(pb::EnterShareRequest& message) { WipeString(*message.mutable_share()); }
void WipeSecrets(pb::RotateRootRequest& message) { WipeString(*message.mutable_share()); }
void WipeSecrets(pb::TakeShareResponse& message) { WipeString(*message.mutable_share()); }
void WipeSecrets(pb::WrapDataKeyRequest& message) { WipeString(*message.mutable_plaintext()); }
void WipeSecrets(pb::BatchWrapDataKeysRequest& message) {
  for (pb::WrapItem& item : *message.mutable_items()) {
    WipeString(*item.mutable_plaintext());
  }
}
void WipeSecrets(pb::UnwrapDataKeyResponse& message) { WipeString(*message.mutable_plaintext()); }
void WipeSecrets(pb::BatchUnwrapDataKeysResponse& message) {
  for (std::string& plaintext : *message.mutable_plaintexts()) {
    WipeString(plaintext);
  }
}
void WipeSecrets(pb::OpenRecordKeyResponse& message) { WipeString(*message.mutable_plaintext()); }

}  // namespace comity::custody
