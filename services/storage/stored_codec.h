#ifndef COMITY_STORAGE_STORED_CODEC_H_
#define COMITY_STORAGE_STORED_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/storage/account_record.h"
#include "services/storage/object_store.h"

// Domain values to and from the records of proto/comity/storage/store/v1. Reading refuses with
// DATA_CORRUPT whatever this version did not write.
namespace comity::storage {

std::string EncodeInfo(const AccountInfo& info);
absl::StatusOr<AccountInfo> DecodeInfo(std::string_view bytes);
std::string EncodeChain(const std::vector<Statement>& entries);
absl::StatusOr<std::vector<Statement>> DecodeChain(std::string_view bytes);
std::string EncodeFence(const Fence& fence);
absl::StatusOr<Fence> DecodeFence(std::string_view bytes);
std::string EncodeMove(const MoveRecord& move);
absl::StatusOr<MoveRecord> DecodeMove(std::string_view bytes);
std::string EncodeIncoming(const IncomingRecord& incoming);
absl::StatusOr<IncomingRecord> DecodeIncoming(std::string_view bytes);
std::string EncodeOpening(const LeafOpening& opening);

std::string EncodeObject(const StoredObject& object);
absl::StatusOr<StoredObject> DecodeObject(std::string_view bytes);
std::string EncodeGate(const Gate& gate);
absl::StatusOr<Gate> DecodeGate(std::string_view bytes);
std::string EncodeSum(const BucketSum& sum);
absl::StatusOr<BucketSum> DecodeSum(std::string_view bytes);
std::string EncodeMemo(const Memo& memo);
absl::StatusOr<Memo> DecodeMemo(std::string_view bytes);
std::string EncodeGone(const UploadExtent& extent, UnixMillis time);
absl::StatusOr<GoneUpload> DecodeGone(const UploadId& upload, std::string_view bytes);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_CODEC_H_
