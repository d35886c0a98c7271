#ifndef COMITY_STORAGE_STORAGE_SERVICE_STREAMS_H_
#define COMITY_STORAGE_STORAGE_SERVICE_STREAMS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/sync_stream.h>

#include "absl/status/status.h"

#include "comity/storage/v1/storage.pb.h"
#include "services/common/identity/authorization.h"
#include "services/storage/storage_node.h"

// The bodies of the streaming methods, after the caller was identified and authorised.
namespace comity::storage {

namespace pb = comity::storage::v1;

absl::Status StreamPut(StorageNode& node, const Authorization& who,
                       const grpc::ServerContext& context,
                       grpc::ServerReader<pb::PutObjectRequest>& reader,
                       pb::PutObjectResponse& response);

absl::Status StreamGet(StorageNode& node, const Authorization& who,
                       const pb::GetObjectRequest& request,
                       grpc::ServerWriter<pb::GetObjectResponse>& writer);

absl::Status StreamCopies(
    StorageNode& node, const Authorization& who, const grpc::ServerContext& context,
    grpc::ServerReaderWriter<pb::CopyObjectsResponse, pb::CopyObjectsRequest>& stream);

absl::Status StreamAuthorised(StorageNode& node, const Authorization& who,
                              const pb::ReadAuthorisedContentRequest& request,
                              grpc::ServerWriter<pb::ReadAuthorisedContentResponse>& writer);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORAGE_SERVICE_STREAMS_H_
