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
// One batch, so also one AppendAll: it is first written down in a single commit of the RecordStore.
inline constexpr size_t kMaxBatchLeaves = 256;
inline constexpr size_t kMaxBatchBytes = 960 << 10;

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

// One service's append-only log. Tiles and entry bundles are blobs under "<partition name>/" and
// their C2SP tlog-tiles path; the head, which is also the record of the last signed checkpoint, is
// in the partition (docs/formats-log.md).
// Thread-safe. Appends are group-committed without a timer: a batch closes when the one before it
// is synced, at 256 leaves at the latest.
class TransparencyLog final {
 public:
  struct Options {
    std::string origin;          // "<deployment>/<region>/<service>"
    std::string partition_name;  // "log/<service>"
    size_t write_threads = 0;    // that write the files of one batch side by side; 0: in order
  };
  // Recomputes the root from the tiles and refuses (DATA_CORRUPT) when it disagrees with the last
  // signed record, or when there are tiles beyond it: a disk that was rolled back must not fork the
  // log. Finishes a batch that a crash interrupted. Fences every earlier opener: its next append is
  // refused. FIELD_INVALID unless `key` is Ed25519 and the origin is a note key name.
  // `records`, `blobs` outlive the log.
  static absl::StatusOr<std::unique_ptr<TransparencyLog>> Open(Options options, PrivateKey key,
                                                               RecordStore* records,
                                                               BlobStore* blobs);
  ~TransparencyLog();

  // Durable when it returns: bundle and tiles synced, then head, then checkpoint signed.
  // LOG_UNAVAILABLE when the log cannot take it; then nothing may be done that it would tell of.
  // After one such answer every further append gets it, until the log is opened again; a leaf that
  // was refused so may still be found in the log.
  absl::StatusOr<LogReceipt> Append(std::string_view leaf);
  // All leaves in one batch, in order. FIELD_INVALID for an empty leaf, MESSAGE_TOO_LARGE over the
  // limits above; neither disturbs the log.
  absl::StatusOr<std::vector<LogReceipt>> AppendAll(const std::vector<std::string>& leaves);

  std::string checkpoint() const;  // the newest signed note
  uint64_t size() const;
  const std::string& origin() const;
  const PublicKey& public_key() const;

  // The files of C2SP tlog-tiles: "checkpoint", "tile/<L>/<N>[.p/<W>]", "tile/entries/<N>[.p/<W>]".
  // Only what the current checkpoint covers; a partial file may be asked for at every width up to
  // that. OBJECT_NOT_FOUND for anything else, DATA_CORRUPT when the store lost a tile.
  absl::StatusOr<std::string> ReadFile(std::string_view path) const;

 private:
  TransparencyLog();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_LOG_TRANSPARENCY_LOG_H_
