#include "services/storage/storage_service.h"

#include <chrono>
#include <string>
#include <utility>

#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/server/handler.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/storage/codec.h"
#include "services/storage/storage_service_streams.h"

namespace comity::storage {
namespace {

#define COMITY_STORAGE_METHOD(name) \
  constexpr char k##name[] = "/comity.storage.v1.StorageService/" #name
COMITY_STORAGE_METHOD(GetStatus);
COMITY_STORAGE_METHOD(CreateAccount);
COMITY_STORAGE_METHOD(GetAccount);
COMITY_STORAGE_METHOD(PutObject);
COMITY_STORAGE_METHOD(GetObject);
COMITY_STORAGE_METHOD(ListObjects);
COMITY_STORAGE_METHOD(DeleteObject);
COMITY_STORAGE_METHOD(ReplaceWrappedKeys);
COMITY_STORAGE_METHOD(DeliverStatement);
COMITY_STORAGE_METHOD(PlanMigration);
COMITY_STORAGE_METHOD(StartMigration);
COMITY_STORAGE_METHOD(GetMigration);
COMITY_STORAGE_METHOD(PrepareMove);
COMITY_STORAGE_METHOD(CopyObjects);
COMITY_STORAGE_METHOD(ConfirmManifest);
COMITY_STORAGE_METHOD(GetScope);
COMITY_STORAGE_METHOD(ExecuteAuthorisation);
COMITY_STORAGE_METHOD(ReadAuthorisedContent);
#undef COMITY_STORAGE_METHOD

class StorageGrpcService final : public pb::StorageService::Service {
 public:
  StorageGrpcService(ServiceEnvironment* environment, StorageNode* node)
      : environment_(environment), node_(node) {}

  grpc::Status GetStatus(grpc::ServerContext* context, const pb::GetStatusRequest*,
                         pb::GetStatusResponse* response) override {
    return Call(context, kGetStatus, [&](const Authorization&) {
      environment_->FillStatus(*response->mutable_status());
      response->mutable_status()->set_accounts(node_->index().size());
      return absl::OkStatus();
    });
  }

  grpc::Status CreateAccount(grpc::ServerContext* context, const pb::CreateAccountRequest* request,
                             pb::CreateAccountResponse* response) override {
    return Call(context, kCreateAccount, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const CreateCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const AccountReport report, node_->accounts().Create(who, command));
      Encode(report, *response->mutable_account());
      return absl::OkStatus();
    });
  }

  grpc::Status GetAccount(grpc::ServerContext* context, const pb::GetAccountRequest* request,
                          pb::GetAccountResponse* response) override {
    return Call(context, kGetAccount, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const AccountId account, DecodeAccountId(request->account_id()));
      ASSIGN_OR_RETURN(const AccountReport report, node_->accounts().Get(who, account));
      Encode(report, *response->mutable_account());
      return absl::OkStatus();
    });
  }

  grpc::Status PutObject(grpc::ServerContext* context,
                         grpc::ServerReader<pb::PutObjectRequest>* reader,
                         pb::PutObjectResponse* response) override {
    return Call(context, kPutObject, [&](const Authorization& who) {
      return StreamPut(*node_, who, *context, *reader, *response);
    });
  }

  grpc::Status GetObject(grpc::ServerContext* context, const pb::GetObjectRequest* request,
                         grpc::ServerWriter<pb::GetObjectResponse>* writer) override {
    return Call(context, kGetObject, [&](const Authorization& who) {
      return StreamGet(*node_, who, *request, *writer);
    });
  }

  grpc::Status ListObjects(grpc::ServerContext* context, const pb::ListObjectsRequest* request,
                           pb::ListObjectsResponse* response) override {
    return Call(context, kListObjects, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ListCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const OwnerAccess access,
                       node_->accounts().Owner(who, command.account, Access::kRead));
      ASSIGN_OR_RETURN(const ListedObjects listed,
                       node_->objects().List(access, command.after, command.limit));
      Encode(command.account, listed, *response);
      return absl::OkStatus();
    });
  }

  grpc::Status DeleteObject(grpc::ServerContext* context, const pb::DeleteObjectRequest* request,
                            pb::DeleteObjectResponse*) override {
    return Call(context, kDeleteObject, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const DeleteCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const OwnerAccess access,
                       node_->accounts().Owner(who, command.account, Access::kWrite));
      return node_->objects().Delete(access, command.request, command.object,
                                     command.expected_version);
    });
  }

  grpc::Status ReplaceWrappedKeys(grpc::ServerContext* context,
                                  const pb::ReplaceWrappedKeysRequest* request,
                                  pb::ReplaceWrappedKeysResponse*) override {
    return Call(context, kReplaceWrappedKeys, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ReplaceKeysRequest decoded, Decode(*request));
      ASSIGN_OR_RETURN(const OwnerAccess access,
                       node_->accounts().Owner(who, decoded.account, Access::kWrite));
      return node_->objects().ReplaceKeys(access, decoded.command);
    });
  }

  grpc::Status DeliverStatement(grpc::ServerContext* context,
                                const pb::DeliverStatementRequest* request,
                                pb::DeliverStatementResponse* response) override {
    return Call(context, kDeliverStatement, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const DeliverCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const std::vector<Statement> newest,
                       node_->deliveries().Deliver(who, command.account, command.statements));
      for (const Statement& statement : newest) *response->add_statements() = ToProto(statement);
      return absl::OkStatus();
    });
  }

  grpc::Status PlanMigration(grpc::ServerContext* context, const pb::PlanMigrationRequest* request,
                             pb::PlanMigrationResponse* response) override {
    return Call(context, kPlanMigration, [&](const Authorization&) -> absl::Status {
      ASSIGN_OR_RETURN(const PlanCommand command, Decode(*request));
      std::vector<StandingCount> counts;
      if (!command.after.has_value()) counts = node_->index().Counts();
      std::vector<PlannedAccount> page = node_->index().Page(command.after, command.limit + 1);
      const bool more = page.size() > command.limit;
      if (more) page.pop_back();
      Encode(counts, page, more, *response);
      return absl::OkStatus();
    });
  }

  grpc::Status StartMigration(grpc::ServerContext* context,
                              const pb::StartMigrationRequest* request,
                              pb::StartMigrationResponse* response) override {
    return Call(context, kStartMigration, [&](const Authorization&) -> absl::Status {
      ASSIGN_OR_RETURN(const StartCommand command, Decode(*request));
      ASSIGN_OR_RETURN(
          const Migration migration,
          node_->migrations().Start(command.request, command.destination, command.max_accounts));
      environment_->TickSoon();  // which enrols the accounts
      response->set_migration_id(std::string(migration.id.bytes()));
      response->set_accounts(migration.accounts);
      return absl::OkStatus();
    });
  }

  grpc::Status GetMigration(grpc::ServerContext* context, const pb::GetMigrationRequest* request,
                            pb::GetMigrationResponse* response) override {
    return Call(context, kGetMigration, [&](const Authorization&) -> absl::Status {
      ASSIGN_OR_RETURN(const auto id, Decode(*request));
      ASSIGN_OR_RETURN(const MigrationReport report, node_->migrations().Get(id));
      Encode(report, *response);
      return absl::OkStatus();
    });
  }

  grpc::Status PrepareMove(grpc::ServerContext* context, const pb::PrepareMoveRequest* request,
                           pb::PrepareMoveResponse*) override {
    return Call(context, kPrepareMove, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const PrepareCommand command, Decode(*request));
      return node_->incoming().Prepare(who, command);
    });
  }

  grpc::Status CopyObjects(
      grpc::ServerContext* context,
      grpc::ServerReaderWriter<pb::CopyObjectsResponse, pb::CopyObjectsRequest>* stream) override {
    return Call(context, kCopyObjects, [&](const Authorization& who) {
      return StreamCopies(*node_, who, *context, *stream);
    });
  }

  grpc::Status ConfirmManifest(grpc::ServerContext* context,
                               const pb::ConfirmManifestRequest* request,
                               pb::ConfirmManifestResponse* response) override {
    return Call(context, kConfirmManifest, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ConfirmCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const ConfirmedManifest confirmed,
                       node_->incoming().Confirm(who, command.account, command.epoch,
                                                 command.manifest, command.endorsement));
      *response->mutable_manifest() = ToProto(confirmed.manifest);
      *response->mutable_endorsement() = ToProto(confirmed.endorsement);
      return absl::OkStatus();
    });
  }

  grpc::Status GetScope(grpc::ServerContext* context, const pb::GetScopeRequest* request,
                        pb::GetScopeResponse* response) override {
    return Call(context, kGetScope, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ScopeCommand command, Decode(*request));
      ASSIGN_OR_RETURN(const Scope scope, node_->legal_uses().GetScope(who, command.account,
                                                                       command.begin, command.end));
      Encode(scope, *response);
      return absl::OkStatus();
    });
  }

  grpc::Status ExecuteAuthorisation(grpc::ServerContext* context,
                                    const pb::ExecuteAuthorisationRequest* request,
                                    pb::ExecuteAuthorisationResponse* response) override {
    return Call(context, kExecuteAuthorisation, [&](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const Authorisation authorisation, Decode(*request));
      ASSIGN_OR_RETURN(const StoredAnswer answer, node_->legal_uses().Execute(who, authorisation));
      Encode(answer, *response);
      *response->mutable_endorsement() = ToProto(environment_->endorsement());
      return absl::OkStatus();
    });
  }

  grpc::Status ReadAuthorisedContent(
      grpc::ServerContext* context, const pb::ReadAuthorisedContentRequest* request,
      grpc::ServerWriter<pb::ReadAuthorisedContentResponse>* writer) override {
    return Call(context, kReadAuthorisedContent, [&](const Authorization& who) {
      return StreamAuthorised(*node_, who, *request, *writer);
    });
  }

 private:
  grpc::Status Call(grpc::ServerContext* context, std::string_view method, const CallBody& body) {
    return Handle(environment_->calls(), context, method, body);
  }

  ServiceEnvironment* const environment_;
  StorageNode* const node_;
};

}  // namespace

MethodRules StorageRules() {
  constexpr uint32_t kCarriers =
      kAllowDevice | kAllowOwnCustody | kAllowOwnReview | kAllowForeignSame;
  return {
      {kGetStatus, kAllowAnyVerified},
      {kCreateAccount, kAllowDevice},
      {kGetAccount, kAllowDevice},
      {kPutObject, kAllowDevice},
      {kGetObject, kAllowDevice},
      {kListObjects, kAllowDevice},
      {kDeleteObject, kAllowDevice},
      {kReplaceWrappedKeys, kAllowDevice},
      {kDeliverStatement, kCarriers},
      {kPlanMigration, kAllowOwnOperatorPerson},
      {kStartMigration, kAllowOwnOperatorPerson},
      {kGetMigration, kAllowOwnOperatorPerson},
      {kPrepareMove, kAllowForeignSame},
      {kCopyObjects, kAllowForeignSame},
      {kConfirmManifest, kAllowForeignSame},
      {kGetScope, kAllowOwnReview},
      {kExecuteAuthorisation, kAllowOwnReview},
      {kReadAuthorisedContent, kAllowOwnReview},
  };
}

CallLimits StorageLimits() {
  CallLimits limits;
  for (const char* method : {kPutObject, kGetObject, kReadAuthorisedContent}) {
    limits.by_method[method] = std::chrono::hours(24);
  }
  limits.by_method[kCopyObjects] = std::chrono::hours(72);
  return limits;
}

std::unique_ptr<grpc::Service> MakeStorageService(ServiceEnvironment* environment,
                                                  StorageNode* node) {
  return std::make_unique<StorageGrpcService>(environment, node);
}

}  // namespace comity::storage
