#include "services/custody/custody_service.h"

#include <string>
#include <utility>

#include <grpcpp/support/byte_buffer.h>

#include "absl/synchronization/mutex.h"

#include "comity/custody/v1/custody.grpc.pb.h"
#include "services/common/audit/audit_query.h"
#include "services/common/server/handler.h"
#include "services/common/statement/proto_codec.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/budgets.h"
#include "services/custody/call_notes.h"
#include "services/custody/codec.h"
#include "services/custody/codec_audit.h"
#include "services/custody/custody_service_messages.h"
#include "services/custody/record_key.h"

namespace comity::custody {
namespace {

#define COMITY_CUSTODY_METHOD(name) \
  constexpr char k##name[] = "/comity.custody.v1.CustodyService/" #name
COMITY_CUSTODY_METHOD(GetStatus);
COMITY_CUSTODY_METHOD(CreateAccount);
COMITY_CUSTODY_METHOD(GetAccountKey);
COMITY_CUSTODY_METHOD(RotateAccountKey);
COMITY_CUSTODY_METHOD(ChangeAccountKey);
COMITY_CUSTODY_METHOD(ChangeKeyGrants);
COMITY_CUSTODY_METHOD(GetKeyGrants);
COMITY_CUSTODY_METHOD(GetKeyLocation);
COMITY_CUSTODY_METHOD(GenerateDataKey);
COMITY_CUSTODY_METHOD(BatchGenerateDataKeys);
COMITY_CUSTODY_METHOD(WrapDataKey);
COMITY_CUSTODY_METHOD(BatchWrapDataKeys);
COMITY_CUSTODY_METHOD(UnwrapDataKey);
COMITY_CUSTODY_METHOD(BatchUnwrapDataKeys);
COMITY_CUSTODY_METHOD(RewrapDataKey);
COMITY_CUSTODY_METHOD(BatchRewrapDataKeys);
COMITY_CUSTODY_METHOD(DeliverStatement);
COMITY_CUSTODY_METHOD(GetTransportKey);
COMITY_CUSTODY_METHOD(ImportKeys);
COMITY_CUSTODY_METHOD(ExecuteAuthorisation);
COMITY_CUSTODY_METHOD(OpenRecordKey);
COMITY_CUSTODY_METHOD(GetSeal);
COMITY_CUSTODY_METHOD(EnterShare);
COMITY_CUSTODY_METHOD(SealCustody);
COMITY_CUSTODY_METHOD(RotateRoot);
COMITY_CUSTODY_METHOD(TakeShare);
COMITY_CUSTODY_METHOD(ListAuditRecords);
#undef COMITY_CUSTODY_METHOD

using Typed = pb::CustodyService::CallbackService;
// Methods whose messages hold plain keys: they come and go as bytes (custody_service_messages.h).
template <typename Base>
using WithBytesOfKeys = pb::CustodyService::WithRawCallbackMethod_GenerateDataKey<
    pb::CustodyService::WithRawCallbackMethod_BatchGenerateDataKeys<
        pb::CustodyService::WithRawCallbackMethod_WrapDataKey<
            pb::CustodyService::WithRawCallbackMethod_BatchWrapDataKeys<
                pb::CustodyService::WithRawCallbackMethod_UnwrapDataKey<
                    pb::CustodyService::WithRawCallbackMethod_BatchUnwrapDataKeys<Base>>>>>>;
template <typename Base>
using WithBytesOfSeals = pb::CustodyService::WithRawCallbackMethod_OpenRecordKey<
    pb::CustodyService::WithRawCallbackMethod_EnterShare<
        pb::CustodyService::WithRawCallbackMethod_RotateRoot<
            pb::CustodyService::WithRawCallbackMethod_TakeShare<Base>>>>;

class CustodyGrpcService final : public WithBytesOfKeys<WithBytesOfSeals<Typed>> {
 public:
  CustodyGrpcService(ServiceEnvironment* environment, Custody* custody)
      : environment_(environment), custody_(custody) {}

  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* context,
                                      const pb::GetStatusRequest*,
                                      pb::GetStatusResponse* response) override {
    return HandleInline(environment_->calls(), context, kGetStatus, [=, this](const auto&) {
      environment_->FillStatus(*response->mutable_status());
      const SealState seal = custody_->vault().state();
      response->mutable_status()->set_seal(seal.description);
      response->mutable_status()->set_sealed(seal.sealed);
      response->mutable_status()->set_seal_shares_entered(seal.entered());
      response->mutable_status()->set_seal_shares_needed(seal.needed);
      response->mutable_status()->set_accounts(custody_->known_accounts());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* CreateAccount(grpc::CallbackServerContext* context,
                                          const pb::CreateAccountRequest* request,
                                          pb::CreateAccountResponse* response) override {
    return OnPool(context, kCreateAccount, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const CreateCommand command, Decode(*request));
      who.Note(NoteOf(command));
      ASSIGN_OR_RETURN(const Statement activation,
                       custody_->custodian().Create(who, command.chain, command.record));
      *response->mutable_activation() = ToProto(activation);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetAccountKey(grpc::CallbackServerContext* context,
                                          const pb::GetAccountKeyRequest* request,
                                          pb::GetAccountKeyResponse* response) override {
    return OnPool(context, kGetAccountKey, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const AccountId account, DecodeAccountId(request->account_id()));
      who.Note({.account = account});
      ASSIGN_OR_RETURN(const AccountKeyView view, custody_->custodian().GetKey(who, account));
      Encode(view, *response);
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* RotateAccountKey(grpc::CallbackServerContext* context,
                                             const pb::RotateAccountKeyRequest* request,
                                             pb::RotateAccountKeyResponse* response) override {
    return OnPool(context, kRotateAccountKey, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const RotateCommand command, Decode(*request));
      who.Note({.account = command.account});
      ASSIGN_OR_RETURN(const Statement rotation,
                       custody_->key_versions().Rotate(who, command.account, command.request));
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return Encode(rotation, *response);
    });
  }

  grpc::ServerUnaryReactor* ChangeAccountKey(grpc::CallbackServerContext* context,
                                             const pb::ChangeAccountKeyRequest* request,
                                             pb::ChangeAccountKeyResponse* response) override {
    return OnPool(context, kChangeAccountKey, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ChangeCommand command, Decode(*request));
      who.Note({.account = command.account});
      ASSIGN_OR_RETURN(const Statement change, custody_->key_versions().Change(who, command));
      *response->mutable_change() = ToProto(change);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ChangeKeyGrants(grpc::CallbackServerContext* context,
                                            const pb::ChangeKeyGrantsRequest* request,
                                            pb::ChangeKeyGrantsResponse* response) override {
    return OnPool(context, kChangeKeyGrants, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const GrantCommand command, Decode(*request));
      who.Note(NoteOf(command));
      ASSIGN_OR_RETURN(const Statement receipt,
                       custody_->key_grants().Change(who, command.account, command.statement));
      *response->mutable_receipt() = ToProto(receipt);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetKeyGrants(grpc::CallbackServerContext* context,
                                         const pb::GetKeyGrantsRequest* request,
                                         pb::GetKeyGrantsResponse* response) override {
    return OnPool(context, kGetKeyGrants, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const AccountId account, DecodeAccountId(request->account_id()));
      who.Note({.account = account});
      ASSIGN_OR_RETURN(const std::vector<GrantView> grants,
                       custody_->key_grants().List(who, account));
      Encode(grants, *response);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetKeyLocation(grpc::CallbackServerContext* context,
                                           const pb::GetKeyLocationRequest* request,
                                           pb::GetKeyLocationResponse* response) override {
    return OnPool(context, kGetKeyLocation, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const LocationCommand command, Decode(*request));
      who.Note({.account = command.account});
      ASSIGN_OR_RETURN(const Statement attestation,
                       custody_->custodian().GetLocation(who, command.account, command.nonce));
      *response->mutable_attestation() = ToProto(attestation);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GenerateDataKey(grpc::CallbackServerContext* context,
                                            const grpc::ByteBuffer* in,
                                            grpc::ByteBuffer* out) override {
    return OnData<pb::GenerateDataKeyRequest, pb::GenerateDataKeyResponse>(
        context, kGenerateDataKey, in, out,
        [this](const Authorization& who, const auto& request, auto& response) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(const auto keys, custody_->data_keys().Generate(
                                                who, command.account, command.reason, command.items,
                                                command.grant, command.form));
          Encode(keys.front(), response);
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* BatchGenerateDataKeys(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* in,
                                                  grpc::ByteBuffer* out) override {
    return OnData<pb::BatchGenerateDataKeysRequest, pb::BatchGenerateDataKeysResponse>(
        context, kBatchGenerateDataKeys, in, out,
        [this](const Authorization& who, const auto& request, auto& response) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(const auto keys, custody_->data_keys().Generate(
                                                who, command.account, command.reason, command.items,
                                                command.grant, command.form));
          for (const GeneratedKey& key : keys) {
            Encode(key, *response.add_keys());
          }
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* WrapDataKey(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* in,
                                        grpc::ByteBuffer* out) override {
    return OnData<pb::WrapDataKeyRequest, pb::WrapDataKeyResponse>(
        context, kWrapDataKey, in, out,
        [this](const Authorization& who, const auto& request, auto& response) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(auto wrapped,
                           custody_->data_keys().Wrap(who, command.account, command.reason,
                                                      command.items, command.grant));
          response.set_wrapped(std::move(wrapped.front()));
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* BatchWrapDataKeys(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* in,
                                              grpc::ByteBuffer* out) override {
    return OnData<pb::BatchWrapDataKeysRequest, pb::BatchWrapDataKeysResponse>(
        context, kBatchWrapDataKeys, in, out,
        [this](const Authorization& who, const auto& request, auto& response) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(auto wrapped,
                           custody_->data_keys().Wrap(who, command.account, command.reason,
                                                      command.items, command.grant));
          for (std::string& item : wrapped) {
            response.add_wrapped(std::move(item));
          }
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* UnwrapDataKey(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* in,
                                          grpc::ByteBuffer* out) override {
    return OnData<pb::UnwrapDataKeyRequest, pb::UnwrapDataKeyResponse>(
        context, kUnwrapDataKey, in, out,
        [this](const Authorization& who, const auto& request, auto& response) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(const auto keys,
                           custody_->data_keys().Unwrap(who, command.account, command.reason,
                                                        command.items, command.grant));
          EncodePlaintext(keys.front(), *response.mutable_plaintext());
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* BatchUnwrapDataKeys(grpc::CallbackServerContext* context,
                                                const grpc::ByteBuffer* in,
                                                grpc::ByteBuffer* out) override {
    return OnData<pb::BatchUnwrapDataKeysRequest, pb::BatchUnwrapDataKeysResponse>(
        context, kBatchUnwrapDataKeys, in, out,
        [this](const Authorization& who, const auto& request, auto& response) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(const auto keys,
                           custody_->data_keys().Unwrap(who, command.account, command.reason,
                                                        command.items, command.grant));
          for (const SecretBytes& key : keys) {
            EncodePlaintext(key, *response.add_plaintexts());
          }
          return absl::OkStatus();
        });
  }

  // On the pool: a batch would keep a connection's thread, and nobody waits for the single one.
  grpc::ServerUnaryReactor* RewrapDataKey(grpc::CallbackServerContext* context,
                                          const pb::RewrapDataKeyRequest* request,
                                          pb::RewrapDataKeyResponse* response) override {
    return OnPool(context, kRewrapDataKey, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const auto command, Decode(*request));
      who.Note(NoteOf(command));
      ASSIGN_OR_RETURN(auto results,
                       custody_->data_keys().Rewrap(who, command.account, command.reason,
                                                    command.items, command.grant));
      ASSIGN_OR_RETURN(*response->mutable_wrapped(), std::move(results.front()));
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* BatchRewrapDataKeys(
      grpc::CallbackServerContext* context, const pb::BatchRewrapDataKeysRequest* request,
      pb::BatchRewrapDataKeysResponse* response) override {
    return OnPool(
        context, kBatchRewrapDataKeys, [=, this](const Authorization& who) -> absl::Status {
          ASSIGN_OR_RETURN(const auto command, Decode(*request));
          who.Note(NoteOf(command));
          ASSIGN_OR_RETURN(const auto results,
                           custody_->data_keys().Rewrap(who, command.account, command.reason,
                                                        command.items, command.grant));
          Encode(results, *response);
          return absl::OkStatus();
        });
  }

  grpc::ServerUnaryReactor* DeliverStatement(grpc::CallbackServerContext* context,
                                             const pb::DeliverStatementRequest* request,
                                             pb::DeliverStatementResponse* response) override {
    return OnPool(context, kDeliverStatement, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const DeliverCommand command, Decode(*request));
      who.Note({.account = command.account});
      ASSIGN_OR_RETURN(const std::vector<Statement> newest,
                       custody_->messenger().Deliver(who, command.account, command.statements));
      Encode(newest, *response->mutable_statements());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* GetTransportKey(grpc::CallbackServerContext* context,
                                            const pb::GetTransportKeyRequest* request,
                                            pb::GetTransportKeyResponse* response) override {
    return OnPool(context, kGetTransportKey, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const TransportCommand command, Decode(*request));
      who.Note({.account = command.account});
      ASSIGN_OR_RETURN(const Statement key,
                       custody_->importer().OfferTransportKey(who, command.account, command.epoch));
      *response->mutable_transport_key() = ToProto(key);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ImportKeys(grpc::CallbackServerContext* context,
                                       const pb::ImportKeysRequest* request,
                                       pb::ImportKeysResponse* response) override {
    return OnPool(context, kImportKeys, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const ImportCommand command, Decode(*request));
      who.Note({.account = command.account});
      ASSIGN_OR_RETURN(const Statement receipt, custody_->importer().Import(who, command));
      *response->mutable_receipt() = ToProto(receipt);
      *response->mutable_endorsement() = ToProto(custody_->site().endorsement());
      return absl::OkStatus();
    });
  }

  grpc::ServerUnaryReactor* ExecuteAuthorisation(
      grpc::CallbackServerContext* context, const pb::ExecuteAuthorisationRequest* request,
      pb::ExecuteAuthorisationResponse* response) override {
    return OnPool(context, kExecuteAuthorisation,
                  [=, this](const Authorization& who) -> absl::Status {
                    ASSIGN_OR_RETURN(const ExecuteCommand command, Decode(*request));
                    who.Note(NoteOf(command));
                    ASSIGN_OR_RETURN(LegalUse use, custody_->legal_uses().Execute(
                                                       who, command.authorisation, command.wraps));
                    Encode(std::move(use), *response);
                    return absl::OkStatus();
                  });
  }

  grpc::ServerUnaryReactor* OpenRecordKey(grpc::CallbackServerContext* context,
                                          const grpc::ByteBuffer* in,
                                          grpc::ByteBuffer* out) override {
    ThreadsSecretMessages<pb::OpenRecordKeyRequest, pb::OpenRecordKeyResponse> messages;
    return HandleInline(environment_->calls(), context, kOpenRecordKey,
                        [&, this](const Authorization& who) -> absl::Status {
                          RETURN_IF_ERROR(messages->Read(*in));
                          RETURN_IF_ERROR(Check(messages->request()));
                          ASSIGN_OR_RETURN(const Vault::Keys keys, custody_->vault().Open());
                          ASSIGN_OR_RETURN(const RecordKey key, comity::custody::OpenRecordKey(
                                                                    who, custody_->site(), *keys,
                                                                    messages->request().wrapped()));
                          Encode(key, messages->response());
                          return messages->Write(*out);
                        });
  }

  grpc::ServerUnaryReactor* GetSeal(grpc::CallbackServerContext* context, const pb::GetSealRequest*,
                                    pb::GetSealResponse* response) override {
    return HandleInline(environment_->calls(), context, kGetSeal,
                        [=, this](const Authorization& who) -> absl::Status {
                          ASSIGN_OR_RETURN(const SealState state, custody_->vault().GetState(who));
                          Tell(state, *response->mutable_state());
                          return absl::OkStatus();
                        });
  }

  grpc::ServerUnaryReactor* EnterShare(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* in, grpc::ByteBuffer* out) override {
    return OnPool(context, kEnterShare, [=, this](const Authorization& who) -> absl::Status {
      SecretMessages<pb::EnterShareRequest, pb::EnterShareResponse> messages;
      RETURN_IF_ERROR(messages.Read(*in));
      ASSIGN_OR_RETURN(const SecretBytes share, Decode(messages.request()));
      ASSIGN_OR_RETURN(const SealState state, custody_->vault().Enter(who, share));
      Tell(state, *messages.response().mutable_state());
      return messages.Write(*out);
    });
  }

  // Here and now: it must not wait behind what fills the pool.
  grpc::ServerUnaryReactor* SealCustody(grpc::CallbackServerContext* context,
                                        const pb::SealCustodyRequest*,
                                        pb::SealCustodyResponse* response) override {
    return HandleInline(environment_->calls(), context, kSealCustody,
                        [=, this](const Authorization& who) -> absl::Status {
                          ASSIGN_OR_RETURN(const SealState state, custody_->vault().Close(who));
                          Tell(state, *response->mutable_state());
                          return absl::OkStatus();
                        });
  }

  grpc::ServerUnaryReactor* RotateRoot(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* in, grpc::ByteBuffer* out) override {
    return OnPool(context, kRotateRoot, [=, this](const Authorization& who) -> absl::Status {
      SecretMessages<pb::RotateRootRequest, pb::RotateRootResponse> messages;
      RETURN_IF_ERROR(messages.Read(*in));
      ASSIGN_OR_RETURN(const SecretBytes share, Decode(messages.request()));
      ASSIGN_OR_RETURN(const SealState state, custody_->vault().Rotate(who, share));
      Tell(state, *messages.response().mutable_state());
      return messages.Write(*out);
    });
  }

  grpc::ServerUnaryReactor* TakeShare(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* in, grpc::ByteBuffer* out) override {
    return OnPool(context, kTakeShare, [=, this](const Authorization& who) -> absl::Status {
      SecretMessages<pb::TakeShareRequest, pb::TakeShareResponse> messages;
      RETURN_IF_ERROR(messages.Read(*in));
      ASSIGN_OR_RETURN(const SecretBytes share, custody_->vault().TakeShare(who));
      EncodeShare(share, messages.response());
      return messages.Write(*out);
    });
  }

  grpc::ServerUnaryReactor* ListAuditRecords(grpc::CallbackServerContext* context,
                                             const pb::ListAuditRecordsRequest* request,
                                             pb::ListAuditRecordsResponse* response) override {
    return OnPool(context, kListAuditRecords, [=, this](const Authorization& who) -> absl::Status {
      ASSIGN_OR_RETURN(const AuditCommand command, Decode(*request));
      who.Note({.account = command.filter.account.value_or(AccountId())});
      AuditLog* const audit = environment_->audit();
      if (audit == nullptr) return Refuse(Reason::kStateNotReady, "no audit records are kept");
      const uint64_t end = audit->end().next;
      // One at a time: reading takes the disk and a processor from those who use keys.
      absl::MutexLock reading(&reading_audit_);
      ASSIGN_OR_RETURN(const AuditPage page, QueryAudit(audit->directory(), command.filter,
                                                        command.from, end, command.limit));
      Encode(page, *response);
      return absl::OkStatus();
    });
  }

 private:
  void Tell(const SealState& state, pb::SealState& out) const {
    Encode(state, custody_->known_accounts(), out);
  }

  template <typename Body>
  grpc::ServerUnaryReactor* OnPool(grpc::CallbackServerContext* context, const char* method,
                                   Body body) {
    return HandleOnPool(environment_->calls(), context, method, std::move(body));
  }

  // The first use of an account after a change has to load it, which blocks: on the pool, with
  // messages of its own.
  template <typename Request, typename Response, typename Body>
  grpc::ServerUnaryReactor* OnData(grpc::CallbackServerContext* context, const char* method,
                                   const grpc::ByteBuffer* in, grpc::ByteBuffer* out, Body body) {
    ThreadsSecretMessages<Request, Response> messages;
    const absl::Status read = messages->Read(*in);
    const absl::StatusOr<AccountId> account = DecodeAccountId(messages->request().account_id());
    if (!account.ok() || IsCached(*account, messages->request().grant_id())) {
      return HandleInline(environment_->calls(), context, method,
                          [&](const Authorization& who) -> absl::Status {
                            RETURN_IF_ERROR(read);
                            RETURN_IF_ERROR(body(who, messages->request(), messages->response()));
                            return messages->Write(*out);
                          });
    }
    return OnPool(context, method, [=, body = std::move(body)](const Authorization& who) {
      SecretMessages<Request, Response> own;
      RETURN_IF_ERROR(own.Read(*in));
      RETURN_IF_ERROR(body(who, own.request(), own.response()));
      return own.Write(*out);
    });
  }

  bool IsCached(const AccountId& account, const std::string& grant) const {
    if (grant.empty()) return custody_->data_keys().IsCached(account);
    const absl::StatusOr<GrantId> id = GrantId::FromBytes(grant);
    return !id.ok() || custody_->data_keys().IsCached(account, *id);
  }

  ServiceEnvironment* const environment_;
  Custody* const custody_;
  absl::Mutex reading_audit_;
};

}  // namespace

std::set<std::string, std::less<>> CustodyFrequentMethods() {
  return {kGenerateDataKey,   kBatchGenerateDataKeys, kWrapDataKey,
          kBatchWrapDataKeys, kUnwrapDataKey,         kBatchUnwrapDataKeys};
}

std::set<std::string, std::less<>> CustodyKeyMethods() {
  std::set<std::string, std::less<>> methods = CustodyFrequentMethods();
  methods.insert({kRewrapDataKey, kBatchRewrapDataKeys});
  return methods;
}

CallEnvironment::ArrivalCheck CustodyArrivalCheck(const Site* site) {
  return [site, key_methods = CustodyKeyMethods()](const Authorization& who) {
    // Whoever seals must not be kept waiting by what others do.
    return who.method() == kSealCustody
               ? absl::OkStatus()
               : TakeArrival(*site, who, key_methods.contains(who.method()));
  };
}

std::set<std::string, std::less<>> CustodyProtectiveMethods() { return {kSealCustody, kGetSeal}; }

MethodRules CustodyRules() {
  return {
      {kGetStatus, kAllowAnyVerified},
      {kCreateAccount, kAllowDevice},
      {kGetAccountKey, kAllowDevice},
      {kRotateAccountKey, kAllowDevice},
      {kChangeAccountKey, kAllowDevice},
      {kChangeKeyGrants, kAllowDevice},
      {kGetKeyGrants, kAllowDevice},
      {kGetKeyLocation, kAllowDevice},
      {kGenerateDataKey, kAllowDevice},
      {kBatchGenerateDataKeys, kAllowDevice},
      {kWrapDataKey, kAllowDevice},
      {kBatchWrapDataKeys, kAllowDevice},
      {kUnwrapDataKey, kAllowDevice},
      {kBatchUnwrapDataKeys, kAllowDevice},
      {kRewrapDataKey, kAllowDevice},
      {kBatchRewrapDataKeys, kAllowDevice},
      {kDeliverStatement, kAllowDevice | kAllowOwnStorage | kAllowOwnReview | kAllowForeignSame},
      {kGetTransportKey, kAllowForeignSame},
      {kImportKeys, kAllowForeignSame},
      {kExecuteAuthorisation, kAllowOwnReview},
      {kOpenRecordKey, kAllowOwnReview},
      {kGetSeal, kAllowOwnOperatorPerson},
      {kEnterShare, kAllowOwnOperatorPerson},
      {kSealCustody, kAllowOwnOperatorPerson},
      {kRotateRoot, kAllowOwnOperatorPerson},
      {kTakeShare, kAllowOwnOperatorPerson},
      {kListAuditRecords, kAllowOwnOperatorPerson},
  };
}

std::unique_ptr<grpc::Service> MakeCustodyService(ServiceEnvironment* environment,
                                                  Custody* custody) {
  return std::make_unique<CustodyGrpcService>(environment, custody);
}

}  // namespace comity::custody
