#ifndef COMITY_COMMON_LOG_TRANSPARENCY_LOG_H_
#define COMITY_COMMON_LOG_TRANSPARENCY_LOG_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/crypto/signing.h"
#include "services/common/ids/ids.h"
#include "services/common/log/checkpoint.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

namespace comity {

inline constexpr size_t kMaxLeafBytes = 65'535;

// Proof that a leaf is in the log, as of one checkpoint.
struct LogReceipt {
  uint64_t index = 0;
  std::vector<Digest> proof;
  std::string checkpoint;  // signed note
};

// The text form, C2SP tlog-proof@v1.
std::string FormatReceipt(const LogReceipt& receipt);
absl::StatusOr<LogReceipt> ParseReceipt(std::string_view text);
// Does the receipt prove `leaf` in the log `origin`/`key`? SIGNATURE_INVALID otherwise.
absl::Status VerifyReceipt(const LogReceipt& receipt, std::string_view leaf,
                           std::string_view origin, const PublicKey& key);

// One service's append-only log. Tiles and entry bundles are blobs under their C2SP tlog-tiles
// path; the head and the last signed checkpoint are records of partition "log/<name>".
// Thread-safe. Appends are group-committed without a timer: a batch closes when the one before it
// is synced, at 256 leaves at the latest.
class TransparencyLog final {
 public:
  struct Options {
    std::string origin;          // "<deployment>/<region>/<service>"
    std::string partition_name;  // "log/<service>"
  };
  // Recomputes the root from the tiles and refuses (DATA_CORRUPT) when it disagrees with the last
  // signed record: a disk that was rolled back must not fork the log.
  // `records`, `blobs` outlive the log.
  static absl::StatusOr<std::unique_ptr<TransparencyLog>> Open(Options options, PrivateKey key,
                                                               RecordStore* records,
                                                               BlobStore* blobs);
  ~TransparencyLog();

  // Durable when it returns: bundle and tiles synced, then head, then checkpoint signed.
  // LOG_UNAVAILABLE when the log cannot take it; then nothing may be done that it would tell of.
  absl::StatusOr<LogReceipt> Append(std::string_view leaf);
  // All leaves in one batch, in order.
  absl::StatusOr<std::vector<LogReceipt>> AppendAll(const std::vector<std::string>& leaves);

  std::string checkpoint() const;  // the newest signed note
  uint64_t size() const;
  const std::string& origin() const;
  const PublicKey& public_key() const;

  // The files of C2SP tlog-tiles: "checkpoint", "tile/<L>/<N>[.p/<W>]", "tile/entries/<N>[.p/<W>]".
  // OBJECT_NOT_FOUND for anything else.
  absl::StatusOr<std::string> ReadFile(std::string_view path) const;

 private:
  TransparencyLog();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_LOG_TRANSPARENCY_LOG_H_
