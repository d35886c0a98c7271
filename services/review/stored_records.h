#ifndef COMITY_REVIEW_STORED_RECORDS_H_
#define COMITY_REVIEW_STORED_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/store/record_store.h"

// What the stores of this folder have in common.
namespace comity::review {

// One commit under a fresh request id. An outcome that is not known is asked for once more under
// the same id. OVERLOADED when the partition is full.
absl::Status CommitRecords(RecordStore& records, std::string_view partition,
                           const std::vector<Precondition>& preconditions,
                           const std::vector<Mutation>& mutations);

// 16 hex digits, so that order of text is order of number.
std::string HexNumber(uint64_t number);
std::optional<uint64_t> ParseHexNumber(std::string_view text);

}  // namespace comity::review

#endif  // COMITY_REVIEW_STORED_RECORDS_H_
