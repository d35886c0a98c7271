#ifndef COMITY_REVIEW_STORED_CODEC_H_
#define COMITY_REVIEW_STORED_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/review/case.h"
#include "services/review/case_index.h"
#include "services/review/result_store.h"

// The bytes of proto/comity/review/store/v1/store.proto before they are sealed. Decoding refuses
// (DATA_CORRUPT) another format, an unknown enum value and everything that could not have been
// written.
namespace comity::review {

std::string EncodeCase(const Case& c);
absl::StatusOr<Case> DecodeCase(std::string_view case_id, std::string_view bytes);

std::string EncodeClaim(const Claim& claim);
absl::StatusOr<Claim> DecodeClaim(std::string_view bytes);

std::string EncodeNotice(const Statement& notice);
absl::StatusOr<Statement> DecodeNotice(std::string_view bytes);

std::string EncodeResult(const AccountResult& result);
absl::StatusOr<AccountResult> DecodeResult(std::string_view bytes);

}  // namespace comity::review

#endif  // COMITY_REVIEW_STORED_CODEC_H_
