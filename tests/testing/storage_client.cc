#include "tests/testing/storage_client.h"

#include <algorithm>
#include <chrono>

#include "services/common/crypto/random.h"
#include "services/common/statement/proto_codec.h"

namespace comity::storage {
namespace {

constexpr size_t kChunk = 1 << 20;

}  // namespace

void TestStorageClient::Prepare(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
}

v1::PutObjectHeader TestStorageClient::Header(const std::string& account, const std::string& object,
                                              uint64_t expected_version) {
  v1::PutObjectHeader header;
  header.set_request_id(RandomBytes(16));
  header.set_account_id(account);
  header.set_object_id(object);
  header.set_content_id(RandomBytes(16));
  header.set_expected_version(expected_version);
  header.set_wrapped_content_key("content key");
  header.set_wrapped_attributes_key("attributes key");
  header.set_sealed_attributes("attributes");
  return header;
}

absl::StatusOr<v1::ObjectVersion> TestStorageClient::Put(const v1::PutObjectHeader& header,
                                                         std::string_view bytes) {
  grpc::ClientContext context;
  Prepare(context);
  v1::PutObjectResponse response;
  const auto writer = stub_->PutObject(&context, &response);
  v1::PutObjectRequest request;
  *request.mutable_header() = header;
  bool open = writer->Write(request);
  for (; open && !bytes.empty(); bytes.remove_prefix(std::min(kChunk, bytes.size()))) {
    request.set_chunk(bytes.data(), std::min(kChunk, bytes.size()));
    open = writer->Write(request);
  }
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  if (!status.ok()) return FromGrpcStatus(status, context);
  return response.object();
}

absl::StatusOr<TestStorageClient::Got> TestStorageClient::Get(const std::string& account,
                                                              const std::string& object,
                                                              uint64_t offset) {
  grpc::ClientContext context;
  Prepare(context);
  v1::GetObjectRequest request;
  request.set_account_id(account);
  request.set_object_id(object);
  request.set_offset(offset);
  const auto reader = stub_->GetObject(&context, request);
  Got got;
  v1::GetObjectResponse response;
  while (reader->Read(&response)) {
    if (response.has_object()) {
      got.object = response.object();
    } else {
      got.largest_chunk = std::max(got.largest_chunk, response.chunk().size());
      got.bytes += response.chunk();
    }
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return FromGrpcStatus(status, context);
  return got;
}

absl::StatusOr<std::vector<Statement>> TestStorageClient::Deliver(
    const std::string& account, const std::vector<Statement>& statements) {
  v1::DeliverStatementRequest request;
  request.set_account_id(account);
  for (const Statement& statement : statements) *request.add_statements() = ToProto(statement);
  const auto response = Call(&v1::StorageService::Stub::DeliverStatement, request);
  if (!response.ok()) return response.status();
  return FromProto(response->statements(), 64);
}

absl::StatusOr<std::string> TestStorageClient::ReadAuthorised(
    const v1::ReadAuthorisedContentRequest& request) {
  grpc::ClientContext context;
  Prepare(context);
  const auto reader = stub_->ReadAuthorisedContent(&context, request);
  std::string bytes;
  v1::ReadAuthorisedContentResponse response;
  while (reader->Read(&response)) bytes += response.chunk();
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return FromGrpcStatus(status, context);
  return bytes;
}

}  // namespace comity::storage
