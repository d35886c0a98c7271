#include "services/storage/codec.h"

#include <utility>

#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/delivery_check.h"

namespace comity::storage {
namespace {

constexpr size_t kMaxChain = 256;
constexpr size_t kMaxActivations = 16;
constexpr size_t kMaxDelivered = 64;
constexpr size_t kMaxWrapped = 256;
constexpr size_t kMaxAttributes = 16 << 10;
constexpr int kMaxPage = 1000;
constexpr size_t kDefaultPage = 100;
constexpr size_t kMaxCaseId = 64;

absl::Status Invalid(std::string_view what) { return Refuse(Reason::kFieldInvalid, what); }

template <typename Id>
absl::StatusOr<Id> DecodeId(const std::string& bytes, const char* field) {
  absl::StatusOr<Id> id = Id::FromBytes(bytes);
  return id.ok() ? id : Invalid(std::string(field) + " has a wrong length");
}

absl::StatusOr<RequestId> DecodeRequestId(const std::string& bytes) {
  ASSIGN_OR_RETURN(const RequestId id, DecodeId<RequestId>(bytes, "request_id"));
  if (id.IsZero()) return Invalid("request_id is zero");
  return id;
}

absl::StatusOr<AccountEpoch> DecodeEpoch(uint32_t epoch) {
  if (epoch == 0) return Invalid("account_epoch is missing");
  return epoch;
}

absl::StatusOr<Statement> DecodeStatementField(bool present,
                                               const comity::common::v1::Statement& statement,
                                               const char* field) {
  if (!present) return Invalid(std::string(field) + " is missing");
  return FromProto(statement);
}

absl::StatusOr<size_t> DecodePageSize(int32_t size) {
  if (size < 0 || size > kMaxPage) return Invalid("page_size is 0 to 1,000");
  return size == 0 ? kDefaultPage : static_cast<size_t>(size);
}

absl::Status CheckWraps(const std::string& content, const std::string& attributes) {
  if (content.empty() || content.size() > kMaxWrapped) {
    return Invalid("wrapped_content_key has 1 to 256 bytes");
  }
  if (attributes.empty() || attributes.size() > kMaxWrapped) {
    return Invalid("wrapped_attributes_key has 1 to 256 bytes");
  }
  return absl::OkStatus();
}

absl::Status CheckWraps(const std::string& content, const std::string& attributes,
                        const std::string& sealed) {
  RETURN_IF_ERROR(CheckWraps(content, attributes));
  if (sealed.empty() || sealed.size() > kMaxAttributes) {
    return Invalid("sealed_attributes has 1 byte to 16 KiB");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AccountId> DecodeAccountId(const std::string& bytes) {
  return DecodeId<AccountId>(bytes, "account_id");
}

absl::StatusOr<ObjectId> DecodeObjectId(const std::string& bytes) {
  return DecodeId<ObjectId>(bytes, "object_id");
}

absl::Status CheckChunk(const std::string& chunk) {
  if (chunk.empty() || chunk.size() > kWireChunk) return Invalid("chunk has 1 byte to 1 MiB");
  return absl::OkStatus();
}

absl::StatusOr<CreateCommand> Decode(const pb::CreateAccountRequest& request) {
  CreateCommand command;
  RETURN_IF_ERROR(DecodeRequestId(request.request_id()).status());
  ASSIGN_OR_RETURN(command.chain, FromProto(request.chain(), kMaxChain));
  ASSIGN_OR_RETURN(command.record,
                   DecodeStatementField(request.has_account_record(), request.account_record(),
                                        "account_record"));
  ASSIGN_OR_RETURN(command.activations, FromProto(request.activations(), kMaxActivations));
  ASSIGN_OR_RETURN(command.endorsements, FromProto(request.endorsements(), kMaxActivations));
  ASSIGN_OR_RETURN(
      command.metadata_key,
      DecodeStatementField(request.has_metadata_key(), request.metadata_key(), "metadata_key"));
  for (const Statement* statement : {&command.record, &command.metadata_key}) {
    if (statement->body.size() > kMaxDeviceStatementBytes) {
      return Refuse(Reason::kMessageTooLarge, "a device statement of more than 4 KiB");
    }
  }
  return command;
}

absl::StatusOr<PutHeader> Decode(const pb::PutObjectHeader& header) {
  PutHeader decoded;
  ASSIGN_OR_RETURN(decoded.command.request, DecodeRequestId(header.request_id()));
  ASSIGN_OR_RETURN(decoded.account, DecodeAccountId(header.account_id()));
  ASSIGN_OR_RETURN(decoded.command.object, DecodeObjectId(header.object_id()));
  ASSIGN_OR_RETURN(decoded.command.content, DecodeId<ContentId>(header.content_id(), "content_id"));
  RETURN_IF_ERROR(CheckWraps(header.wrapped_content_key(), header.wrapped_attributes_key(),
                             header.sealed_attributes()));
  decoded.command.expected_version = header.expected_version();
  decoded.command.wrapped_content_key = header.wrapped_content_key();
  decoded.command.wrapped_attributes_key = header.wrapped_attributes_key();
  decoded.command.sealed_attributes = header.sealed_attributes();
  return decoded;
}

absl::StatusOr<GetCommand> Decode(const pb::GetObjectRequest& request) {
  GetCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.object, DecodeObjectId(request.object_id()));
  if (request.offset() % kWireChunk != 0) return Invalid("offset is a multiple of 1 MiB");
  command.version = request.version();
  command.offset = request.offset();
  return command;
}

absl::StatusOr<ListCommand> Decode(const pb::ListObjectsRequest& request) {
  ListCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.limit, DecodePageSize(request.page_size()));
  if (!request.page_token().empty()) {
    // The token is the account and the last object: of another listing it is refused.
    const absl::StatusOr<std::string> token = Base32Decode(request.page_token());
    if (!token.ok() || token->size() != AccountId::kSize + ObjectId::kSize ||
        !token->starts_with(command.account.bytes())) {
      return Refuse(Reason::kPageTokenInvalid);
    }
    command.after = *ObjectId::FromBytes(token->substr(AccountId::kSize));
  }
  return command;
}

absl::StatusOr<DeleteCommand> Decode(const pb::DeleteObjectRequest& request) {
  DeleteCommand command;
  ASSIGN_OR_RETURN(command.request, DecodeRequestId(request.request_id()));
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.object, DecodeObjectId(request.object_id()));
  command.expected_version = request.expected_version();
  return command;
}

absl::StatusOr<ReplaceKeysRequest> Decode(const pb::ReplaceWrappedKeysRequest& request) {
  ReplaceKeysRequest decoded;
  ASSIGN_OR_RETURN(decoded.account, DecodeAccountId(request.account_id()));
  ReplaceKeysCommand& command = decoded.command;
  ASSIGN_OR_RETURN(command.request, DecodeRequestId(request.request_id()));
  ASSIGN_OR_RETURN(command.object, DecodeObjectId(request.object_id()));
  ASSIGN_OR_RETURN(command.content, DecodeId<ContentId>(request.content_id(), "content_id"));
  if (request.version() == 0) return Invalid("version is missing");
  RETURN_IF_ERROR(CheckWraps(request.wrapped_content_key(), request.wrapped_attributes_key()));
  command.version = request.version();
  command.wrapped_content_key = request.wrapped_content_key();
  command.wrapped_attributes_key = request.wrapped_attributes_key();
  return decoded;
}

absl::StatusOr<DeliverCommand> Decode(const pb::DeliverStatementRequest& request) {
  DeliverCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.statements, FromProto(request.statements(), kMaxDelivered));
  return command;
}

absl::StatusOr<PlanCommand> Decode(const pb::PlanMigrationRequest& request) {
  PlanCommand command;
  ASSIGN_OR_RETURN(command.limit, DecodePageSize(request.page_size()));
  if (!request.page_token().empty()) {
    const absl::StatusOr<AccountId> after = AccountId::Parse(request.page_token());
    if (!after.ok()) return Refuse(Reason::kPageTokenInvalid);
    command.after = *after;
  }
  return command;
}

absl::StatusOr<StartCommand> Decode(const pb::StartMigrationRequest& request) {
  StartCommand command;
  ASSIGN_OR_RETURN(command.request, DecodeRequestId(request.request_id()));
  if (!request.destination().empty()) {
    const absl::StatusOr<RegionId> region = RegionId::Create(request.destination());
    if (!region.ok()) return Invalid("destination is no region name");
    command.destination = *region;
  }
  command.max_accounts = request.max_accounts();
  return command;
}

absl::StatusOr<std::optional<RequestId>> Decode(const pb::GetMigrationRequest& request) {
  if (request.migration_id().empty()) return std::optional<RequestId>();
  ASSIGN_OR_RETURN(const RequestId id, DecodeId<RequestId>(request.migration_id(), "migration_id"));
  return std::optional<RequestId>(id);
}

absl::StatusOr<PrepareCommand> Decode(const pb::PrepareMoveRequest& request) {
  PrepareCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.epoch, DecodeEpoch(request.account_epoch()));
  if (!request.has_consent()) return Refuse(Reason::kConsentMissing);
  ASSIGN_OR_RETURN(command.consent, FromProto(request.consent()));
  ASSIGN_OR_RETURN(command.chain, FromProto(request.chain(), kMaxChain));
  ASSIGN_OR_RETURN(command.statements, FromProto(request.statements(), kMaxDelivered));
  return command;
}

absl::StatusOr<CopyCommand> Decode(const pb::CopyStart& start) {
  CopyCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(start.account_id()));
  ASSIGN_OR_RETURN(command.epoch, DecodeEpoch(start.account_epoch()));
  return command;
}

absl::StatusOr<ObjectRecord> Decode(const pb::ObjectVersion& object) {
  ObjectRecord record;
  ASSIGN_OR_RETURN(record.object, DecodeObjectId(object.object_id()));
  ASSIGN_OR_RETURN(record.content, DecodeId<ContentId>(object.content_id(), "content_id"));
  ASSIGN_OR_RETURN(record.digest, DecodeId<Digest>(object.digest(), "digest"));
  RETURN_IF_ERROR(CheckWraps(object.wrapped_content_key(), object.wrapped_attributes_key(),
                             object.sealed_attributes()));
  if (object.version() == 0) return Invalid("version is missing");
  if (object.size() == 0) return Invalid("size is missing");
  if (object.create_time_ms() < 0) return Invalid("create_time_ms is negative");
  record.version = object.version();
  record.size = object.size();
  record.wrapped_content_key = object.wrapped_content_key();
  record.wrapped_attributes_key = object.wrapped_attributes_key();
  record.sealed_attributes = object.sealed_attributes();
  record.create_time = object.create_time_ms();
  return record;
}

absl::StatusOr<HeldVersion> Decode(const pb::CopiedVersion& version) {
  HeldVersion held;
  ASSIGN_OR_RETURN(held.object, DecodeObjectId(version.object_id()));
  held.version = version.version();
  ASSIGN_OR_RETURN(held.record, DecodeId<Digest>(version.record_digest(), "record_digest"));
  return held;
}

absl::StatusOr<ConfirmCommand> Decode(const pb::ConfirmManifestRequest& request) {
  ConfirmCommand command;
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.epoch, DecodeEpoch(request.account_epoch()));
  ASSIGN_OR_RETURN(command.manifest,
                   DecodeStatementField(request.has_manifest(), request.manifest(), "manifest"));
  ASSIGN_OR_RETURN(command.endorsement, DecodeStatementField(request.has_endorsement(),
                                                             request.endorsement(), "endorsement"));
  return command;
}

absl::StatusOr<ConfirmedManifest> Decode(const pb::ConfirmManifestResponse& response) {
  ConfirmedManifest confirmed;
  ASSIGN_OR_RETURN(confirmed.manifest,
                   DecodeStatementField(response.has_manifest(), response.manifest(), "manifest"));
  ASSIGN_OR_RETURN(
      confirmed.endorsement,
      DecodeStatementField(response.has_endorsement(), response.endorsement(), "endorsement"));
  return confirmed;
}

absl::StatusOr<ScopeCommand> Decode(const pb::GetScopeRequest& request) {
  ScopeCommand command;
  if (request.case_id().empty() || request.case_id().size() > kMaxCaseId) {
    return Invalid("case_id has 1 to 64 characters");
  }
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  if (request.begin_time_ms() < 0 || request.end_time_ms() < request.begin_time_ms()) {
    return Invalid("begin_time_ms to end_time_ms is no range");
  }
  command.begin = request.begin_time_ms();
  command.end = request.end_time_ms();
  return command;
}

absl::StatusOr<Authorisation> Decode(const pb::ExecuteAuthorisationRequest& request) {
  if (!request.has_authorisation()) return Invalid("authorisation is missing");
  return FromProto(request.authorisation());
}

absl::StatusOr<ReadCommand> Decode(const pb::ReadAuthorisedContentRequest& request) {
  ReadCommand command;
  ASSIGN_OR_RETURN(command.authorisation,
                   DecodeId<Digest>(request.authorisation_digest(), "authorisation_digest"));
  ASSIGN_OR_RETURN(command.account, DecodeAccountId(request.account_id()));
  ASSIGN_OR_RETURN(command.content, DecodeId<ContentId>(request.content_id(), "content_id"));
  return command;
}

}  // namespace comity::storage
