#include "services/storage/storage_service_streams.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "comity/storage/v1/storage.grpc.pb.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/codec.h"

namespace comity::storage {
namespace {

using CopyServerStream = grpc::ServerReaderWriter<pb::CopyObjectsResponse, pb::CopyObjectsRequest>;

absl::Status Gone() { return Refuse(Reason::kCancelled, "the caller went away"); }

// Segments as chunks of the wire's size. `next` gives a segment, empty at the end.
template <typename Message, typename Writer, typename Next>
absl::Status SendChunks(Writer& writer, const Next& next) {
  Message message;
  for (;;) {
    ASSIGN_OR_RETURN(const std::string segment, next());
    if (segment.empty()) return absl::OkStatus();
    for (std::string_view rest = segment; !rest.empty();
         rest.remove_prefix(std::min(kWireChunk, rest.size()))) {
      message.set_chunk(rest.data(), std::min(kWireChunk, rest.size()));
      if (!writer.Write(message)) return Gone();
    }
  }
}

// What is here already, many versions to a message: an account may have a great many.
absl::Status SendHeld(CopyReceiver& receiver, CopyServerStream& stream) {
  constexpr int kAtOnce = 1'024;
  pb::CopyObjectsResponse response;
  for (;;) {
    ASSIGN_OR_RETURN(const std::optional<HeldVersion> held, receiver.NextHeld());
    if (held.has_value()) Encode(*held, *response.mutable_held()->add_versions());
    const bool full = response.held().versions_size() == kAtOnce;
    if (response.has_held() && (full || !held.has_value())) {
      if (!stream.Write(response)) return Gone();
      response.Clear();
    }
    if (!held.has_value()) return absl::OkStatus();
  }
}

// Ends the version that is being received, if one is.
absl::Status EndVersion(CopyReceiver& receiver) {
  return receiver.receiving() ? receiver.End() : absl::OkStatus();
}

absl::Status TakeCopy(CopyReceiver& receiver, const pb::CopyObjectsRequest& request) {
  switch (request.part_case()) {
    case pb::CopyObjectsRequest::kObject: {
      RETURN_IF_ERROR(EndVersion(receiver));
      ASSIGN_OR_RETURN(ObjectRecord record, Decode(request.object().object()));
      RETURN_IF_ERROR(receiver.Begin(std::move(record)));
      const std::string& first = request.object().chunk();
      if (first.empty()) return absl::OkStatus();
      RETURN_IF_ERROR(CheckChunk(first));
      return receiver.Write(first);
    }
    case pb::CopyObjectsRequest::kChunk:
      RETURN_IF_ERROR(CheckChunk(request.chunk()));
      return receiver.Write(request.chunk());
    case pb::CopyObjectsRequest::kDeletedObjectId: {
      RETURN_IF_ERROR(EndVersion(receiver));
      ASSIGN_OR_RETURN(const ObjectId object, DecodeObjectId(request.deleted_object_id()));
      return receiver.Delete(object);
    }
    case pb::CopyObjectsRequest::kStart:
    case pb::CopyObjectsRequest::PART_NOT_SET:
      break;
  }
  return Refuse(Reason::kFieldInvalid, "start comes once, and first");
}

}  // namespace

absl::Status StreamPut(StorageNode& node, const Authorization& who,
                       const grpc::ServerContext& context,
                       grpc::ServerReader<pb::PutObjectRequest>& reader,
                       pb::PutObjectResponse& response) {
  pb::PutObjectRequest request;
  if (!reader.Read(&request) || !request.has_header()) {
    return Refuse(Reason::kFieldInvalid, "the header comes first");
  }
  ASSIGN_OR_RETURN(PutHeader header, Decode(request.header()));
  ASSIGN_OR_RETURN(const OwnerAccess access,
                   node.accounts().Owner(who, header.account, Access::kWrite));
  ASSIGN_OR_RETURN(const std::unique_ptr<Upload> upload,
                   node.objects().BeginPut(access, std::move(header.command)));
  while (reader.Read(&request)) {
    if (request.part_case() != pb::PutObjectRequest::kChunk) {
      return Refuse(Reason::kFieldInvalid, "after the header come chunks");
    }
    RETURN_IF_ERROR(CheckChunk(request.chunk()));
    RETURN_IF_ERROR(upload->Write(request.chunk()));
  }
  // A stream that broke off ends like one that was finished.
  if (context.IsCancelled()) return Gone();
  ASSIGN_OR_RETURN(const ObjectRecord record, upload->Finish());
  Encode(record, *response.mutable_object());
  return absl::OkStatus();
}

absl::Status StreamGet(StorageNode& node, const Authorization& who,
                       const pb::GetObjectRequest& request,
                       grpc::ServerWriter<pb::GetObjectResponse>& writer) {
  ASSIGN_OR_RETURN(const GetCommand command, Decode(request));
  ASSIGN_OR_RETURN(const OwnerAccess access,
                   node.accounts().Owner(who, command.account, Access::kRead));
  ASSIGN_OR_RETURN(const std::unique_ptr<Download> download,
                   node.objects().Open(access, command.object, command.version, command.offset));
  pb::GetObjectResponse response;
  Encode(download->record(), *response.mutable_object());
  if (!writer.Write(response)) return Gone();
  return SendChunks<pb::GetObjectResponse>(writer, [&] { return download->Next(); });
}

absl::Status StreamCopies(StorageNode& node, const Authorization& who,
                          const grpc::ServerContext& context, CopyServerStream& stream) {
  pb::CopyObjectsRequest request;
  if (!stream.Read(&request) || !request.has_start()) {
    return Refuse(Reason::kFieldInvalid, "start comes first");
  }
  ASSIGN_OR_RETURN(const CopyCommand command, Decode(request.start()));
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyReceiver> receiver,
                   node.incoming().BeginCopy(who, command.account, command.epoch));
  pb::CopyObjectsResponse response;
  RETURN_IF_ERROR(SendHeld(*receiver, stream));
  response.mutable_ready();
  if (!stream.Write(response)) return Gone();
  while (stream.Read(&request)) RETURN_IF_ERROR(TakeCopy(*receiver, request));
  // A stream that broke off ends like one that was finished.
  if (context.IsCancelled()) return Gone();
  RETURN_IF_ERROR(EndVersion(*receiver));
  ASSIGN_OR_RETURN(const uint64_t changes, receiver->Finish());
  response.mutable_done()->set_changes(changes);
  return stream.Write(response) ? absl::OkStatus() : Gone();
}

absl::Status StreamAuthorised(StorageNode& node, const Authorization& who,
                              const pb::ReadAuthorisedContentRequest& request,
                              grpc::ServerWriter<pb::ReadAuthorisedContentResponse>& writer) {
  ASSIGN_OR_RETURN(const ReadCommand command, Decode(request));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<AuthorisedDownload> download,
      node.legal_uses().Open(who, command.authorisation, command.account, command.content));
  return SendChunks<pb::ReadAuthorisedContentResponse>(writer, [&] { return download->Next(); });
}

}  // namespace comity::storage
