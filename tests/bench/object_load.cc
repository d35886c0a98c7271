#include "tests/bench/object_load.h"

#include <algorithm>

#include <grpcpp/client_context.h>

#include "client/objects/attributes.h"
#include "client/objects/wire.h"
#include "comity/custody/v1/custody.grpc.pb.h"
#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::bench {
namespace {

namespace cpb = comity::custody::v1;
namespace spb = comity::storage::v1;

constexpr std::chrono::minutes kStreamTimeout(30);

}  // namespace

absl::StatusOr<std::unique_ptr<ObjectLoad>> ObjectLoad::Open(World& world, const Owner& owner,
                                                             const std::string& region) {
  ASSIGN_OR_RETURN(const RegionId id, owner.session->FindRegion(region));
  ASSIGN_OR_RETURN(World::Channels channels,
                   world.Connect(owner, region, ServiceKind::kStorage, 1));
  return std::unique_ptr<ObjectLoad>(new ObjectLoad(&owner, id, std::move(channels)));
}

absl::StatusOr<ObjectLoad::Prepared> ObjectLoad::Prepare() {
  using Api = cpb::CustodyService;
  Prepared prepared{RandomId<ObjectId>(), {}};
  const auto content = RandomId<ContentId>();
  cpb::BatchGenerateDataKeysRequest request;
  request.set_account_id(std::string(owner_->account().bytes()));
  request.set_reason(cpb::USE_REASON_OWNER_ACCESS);
  *request.add_contexts() = ContextOf(prepared.object, content, KeyPurpose::kContent);
  *request.add_contexts() = ContextOf(prepared.object, content, KeyPurpose::kAttributes);
  ASSIGN_OR_RETURN(
      cpb::BatchGenerateDataKeysResponse keys,
      (owner_->session
           ->Call<Api, cpb::BatchGenerateDataKeysRequest, cpb::BatchGenerateDataKeysResponse>(
               region_, ServiceKind::kCustody, &Api::Stub::BatchGenerateDataKeys, request)));
  const SecretBytes key = SecretBytes::TakeFrom(*keys.mutable_keys(1)->mutable_plaintext());
  ObjectAttributes attributes;
  attributes.name = prepared.object.ToString();
  attributes.version = 1;

  spb::PutObjectHeader header;
  header.set_request_id(std::string(RandomId<RequestId>().bytes()));
  header.set_account_id(request.account_id());
  header.set_object_id(std::string(prepared.object.bytes()));
  header.set_content_id(std::string(content.bytes()));
  header.set_wrapped_content_key(keys.keys(0).wrapped());
  header.set_wrapped_attributes_key(keys.keys(1).wrapped());
  header.set_sealed_attributes(SealAttributes(attributes, content, key));
  prepared.header = header.SerializeAsString();
  return prepared;
}

absl::Status ObjectLoad::Put(const Prepared& prepared, uint64_t bytes) {
  const auto stub = spb::StorageService::NewStub(channels_.at(0));
  grpc::ClientContext context;
  owner_->session->peers().Prepare(context, kStreamTimeout);
  spb::PutObjectResponse response;
  const auto writer = stub->PutObject(&context, &response);
  spb::PutObjectRequest request;
  if (!request.mutable_header()->ParseFromString(prepared.header)) {
    return Refuse(Reason::kInternal, "the header does not parse");
  }
  bool taken = writer->Write(request);
  request.set_chunk(chunk_);
  for (uint64_t left = bytes; taken && left > 0;) {
    if (left < kChunkBytes) request.mutable_chunk()->resize(left);
    taken = writer->Write(request);
    left -= request.chunk().size();
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  return owner_->session->peers().Outcome(status, context, region_, ServiceKind::kStorage);
}

absl::Status ObjectLoad::Get(const ObjectId& object, uint64_t bytes) {
  const auto stub = spb::StorageService::NewStub(channels_.at(0));
  grpc::ClientContext context;
  owner_->session->peers().Prepare(context, kStreamTimeout);
  spb::GetObjectRequest request;
  request.set_account_id(std::string(owner_->account().bytes()));
  request.set_object_id(std::string(object.bytes()));
  const auto reader = stub->GetObject(&context, request);
  spb::GetObjectResponse response;
  uint64_t got = 0;
  while (reader->Read(&response)) got += response.chunk().size();
  const grpc::Status status = reader->Finish();
  RETURN_IF_ERROR(
      owner_->session->peers().Outcome(status, context, region_, ServiceKind::kStorage));
  return got == bytes ? absl::OkStatus() : Refuse(Reason::kDataCorrupt, "another number of bytes");
}

absl::Status ObjectLoad::Delete(const ObjectId& object) {
  using Api = spb::StorageService;
  spb::DeleteObjectRequest request;
  request.set_request_id(std::string(RandomId<RequestId>().bytes()));
  request.set_account_id(std::string(owner_->account().bytes()));
  request.set_object_id(std::string(object.bytes()));
  request.set_expected_version(1);
  return owner_->session
      ->Call<Api, spb::DeleteObjectRequest, spb::DeleteObjectResponse>(
          region_, ServiceKind::kStorage, &Api::Stub::DeleteObject, request)
      .status();
}

}  // namespace comity::bench
