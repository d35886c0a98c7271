#ifndef COMITY_COMMON_STORE_BLOB_NAMES_H_
#define COMITY_COMMON_STORE_BLOB_NAMES_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"

#include "services/common/store/blob_store.h"

// The checks of the BlobStore interface, shared by every driver. OK or FIELD_INVALID.
namespace comity {

absl::Status CheckBlobName(std::string_view name);
absl::Status CheckBlobBytes(std::string_view bytes);
absl::Status CheckBlobList(std::string_view prefix, std::string_view cursor, size_t limit);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_BLOB_NAMES_H_
