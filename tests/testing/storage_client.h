#ifndef COMITY_TESTS_TESTING_STORAGE_CLIENT_H_
#define COMITY_TESTS_TESTING_STORAGE_CLIENT_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include "absl/status/statusor.h"

#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/server/status_codec.h"
#include "services/common/statement/statement.h"

// A storage as its callers see it, over a real channel.
namespace comity::storage {

class TestStorageClient final {
 public:
  explicit TestStorageClient(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(v1::StorageService::NewStub(channel)) {}

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::StorageService::Stub::*)(grpc::ClientContext*, const Request&,
                                                            Response*);
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request) {
    grpc::ClientContext context;
    Prepare(context);
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) return FromGrpcStatus(status, context);
    return response;
  }

  // A header that is valid for this account and object.
  static v1::PutObjectHeader Header(const std::string& account, const std::string& object,
                                    uint64_t expected_version = 0);
  absl::StatusOr<v1::ObjectVersion> Put(const v1::PutObjectHeader& header, std::string_view bytes);
  struct Got {
    v1::ObjectVersion object;
    std::string bytes;
    size_t largest_chunk = 0;
  };
  absl::StatusOr<Got> Get(const std::string& account, const std::string& object,
                          uint64_t offset = 0);
  absl::StatusOr<std::vector<Statement>> Deliver(const std::string& account,
                                                 const std::vector<Statement>& statements);
  absl::StatusOr<std::string> ReadAuthorised(const v1::ReadAuthorisedContentRequest& request);

  v1::StorageService::Stub& stub() { return *stub_; }
  static void Prepare(grpc::ClientContext& context);

 private:
  std::unique_ptr<v1::StorageService::Stub> stub_;
};

}  // namespace comity::storage

#endif  // COMITY_TESTS_TESTING_STORAGE_CLIENT_H_
