#ifndef COMITY_COMMON_LOG_STORED_LOG_H_
#define COMITY_COMMON_LOG_STORED_LOG_H_

#include <string>

#include "absl/status/statusor.h"

#include "services/common/log/log_http.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

namespace comity {

// Reads a log where it lies, without opening it: recomputes the root from all leaves and compares
// every tile, and the root with the record of the last signed checkpoint. A batch that a crash
// interrupted is not part of it: nobody was told of it. A log that was never opened is empty.
// DATA_CORRUPT names what disagrees, also entries beyond the last signed checkpoint. Writes
// nothing.
absl::StatusOr<VerifiedLog> ReadStoredLog(const std::string& origin, const std::string& partition,
                                          RecordStore* records, BlobStore* blobs);

}  // namespace comity

#endif  // COMITY_COMMON_LOG_STORED_LOG_H_
