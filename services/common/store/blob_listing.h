#ifndef COMITY_COMMON_STORE_BLOB_LISTING_H_
#define COMITY_COMMON_STORE_BLOB_LISTING_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"

namespace comity {

// Ends the file name of a blob; not a byte of any blob name.
inline constexpr char kBlobFileMark = '@';

// BlobStore::List over the folder `data`. Blobs that vanish meanwhile are left out.
// STORE_UNAVAILABLE when a folder cannot be read.
absl::StatusOr<std::vector<BlobStore::Entry>> ListBlobFiles(const std::string& data,
                                                            std::string_view prefix,
                                                            std::string_view cursor, size_t limit);

}  // namespace comity

#endif  // COMITY_COMMON_STORE_BLOB_LISTING_H_
