#ifndef COMITY_STORAGE_CODEC_H_
#define COMITY_STORAGE_CODEC_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "comity/storage/v1/storage.pb.h"
#include "services/common/statement/legal.h"
#include "services/common/statement/object_record.h"
#include "services/storage/accounts.h"
#include "services/storage/incoming.h"
#include "services/storage/legal_use.h"
#include "services/storage/migrations.h"
#include "services/storage/objects.h"

// Between the wire and the domain: every check of a request's form is here. FIELD_INVALID names the
// field; STATEMENT_MALFORMED, PAGE_TOKEN_INVALID, CONSENT_MISSING where they say more.
namespace comity::storage {

namespace pb = comity::storage::v1;

inline constexpr size_t kWireChunk = 1 << 20;

absl::StatusOr<AccountId> DecodeAccountId(const std::string& bytes);

absl::StatusOr<CreateCommand> Decode(const pb::CreateAccountRequest& request);

struct PutHeader {
  AccountId account;
  PutCommand command;
};
absl::StatusOr<PutHeader> Decode(const pb::PutObjectHeader& header);
// 1 byte to 1 MiB.
absl::Status CheckChunk(const std::string& chunk);

struct GetCommand {
  AccountId account;
  ObjectId object;
  uint64_t version = 0;
  uint64_t offset = 0;
};
absl::StatusOr<GetCommand> Decode(const pb::GetObjectRequest& request);

struct ListCommand {
  AccountId account;
  std::optional<ObjectId> after;
  size_t limit = 0;
};
absl::StatusOr<ListCommand> Decode(const pb::ListObjectsRequest& request);

struct DeleteCommand {
  RequestId request;
  AccountId account;
  ObjectId object;
  uint64_t expected_version = 0;
};
absl::StatusOr<DeleteCommand> Decode(const pb::DeleteObjectRequest& request);

struct ReplaceKeysRequest {
  AccountId account;
  ReplaceKeysCommand command;
};
absl::StatusOr<ReplaceKeysRequest> Decode(const pb::ReplaceWrappedKeysRequest& request);

struct DeliverCommand {
  AccountId account;
  std::vector<Statement> statements;
};
absl::StatusOr<DeliverCommand> Decode(const pb::DeliverStatementRequest& request);

struct PlanCommand {
  std::optional<AccountId> after;
  size_t limit = 0;
};
absl::StatusOr<PlanCommand> Decode(const pb::PlanMigrationRequest& request);

struct StartCommand {
  RequestId request;
  std::optional<RegionId> destination;
  uint64_t max_accounts = 0;
};
absl::StatusOr<StartCommand> Decode(const pb::StartMigrationRequest& request);
absl::StatusOr<std::optional<RequestId>> Decode(const pb::GetMigrationRequest& request);

absl::StatusOr<PrepareCommand> Decode(const pb::PrepareMoveRequest& request);

struct CopyCommand {
  AccountId account;
  AccountEpoch epoch = 0;
};
absl::StatusOr<CopyCommand> Decode(const pb::CopyStart& start);
absl::StatusOr<ObjectRecord> Decode(const pb::ObjectVersion& object);
absl::StatusOr<ObjectId> DecodeObjectId(const std::string& bytes);
absl::StatusOr<HeldVersion> Decode(const pb::CopiedVersion& version);

struct ConfirmCommand {
  AccountId account;
  AccountEpoch epoch = 0;
  Statement manifest;
  Statement endorsement;
};
absl::StatusOr<ConfirmCommand> Decode(const pb::ConfirmManifestRequest& request);
absl::StatusOr<ConfirmedManifest> Decode(const pb::ConfirmManifestResponse& response);

struct ScopeCommand {
  AccountId account;
  UnixMillis begin = 0;
  UnixMillis end = 0;
};
absl::StatusOr<ScopeCommand> Decode(const pb::GetScopeRequest& request);
absl::StatusOr<Authorisation> Decode(const pb::ExecuteAuthorisationRequest& request);

struct ReadCommand {
  Digest authorisation;
  AccountId account;
  ContentId content;
};
absl::StatusOr<ReadCommand> Decode(const pb::ReadAuthorisedContentRequest& request);

void Encode(const AccountReport& report, pb::Account& message);
void Encode(const ObjectRecord& record, pb::ObjectVersion& message);
void Encode(const AccountId& account, const ListedObjects& listed,
            pb::ListObjectsResponse& message);
void Encode(const StandingResult& standing, UnixMillis notified, const std::string& territory,
            pb::StandingInfo& message);
// `more`: the page was full.
void Encode(const std::vector<StandingCount>& counts, const std::vector<PlannedAccount>& page,
            bool more, pb::PlanMigrationResponse& message);
void Encode(const MigrationReport& report, pb::GetMigrationResponse& message);
void Encode(const HeldVersion& version, pb::CopiedVersion& message);
void Encode(const Scope& scope, pb::GetScopeResponse& message);
void Encode(const StoredAnswer& answer, pb::ExecuteAuthorisationResponse& message);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_CODEC_H_
