#ifndef COMITY_CUSTODY_RECORD_KEY_H_
#define COMITY_CUSTODY_RECORD_KEY_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/secret/secret.h"
#include "services/custody/key_sealer.h"
#include "services/custody/site.h"

namespace comity::custody {

struct RecordKey {
  SecretBytes plaintext;  // kRecordKeySize bytes
  std::string wrapped;
};
inline constexpr size_t kRecordKeySize = 32;

// The key under which this region's review keeps its case files: made when `wrapped` is empty,
// opened otherwise. The wrap is review's to keep and opens in this region alone.
// CALLER_NOT_ALLOWED for everybody but that review, DATA_CORRUPT.
absl::StatusOr<RecordKey> OpenRecordKey(const Authorization& authorization, const Site& site,
                                        const KeySealer& sealer, std::string_view wrapped);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_RECORD_KEY_H_
