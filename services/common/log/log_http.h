#ifndef COMITY_COMMON_LOG_LOG_HTTP_H_
#define COMITY_COMMON_LOG_LOG_HTTP_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/log/checkpoint.h"
#include "services/common/log/transparency_log.h"

namespace comity {

// Serves a log's public files over plain HTTP GET (cpp-httplib): checkpoint uncached, tiles and
// bundles immutable. Thread-safe. Stops when destroyed.
class LogHttpServer final {
 public:
  // `log` outlives the server. Port 0 picks one.
  static absl::StatusOr<std::unique_ptr<LogHttpServer>> Start(const TransparencyLog* log,
                                                              const std::string& host, int port);
  ~LogHttpServer();
  int port() const;

 private:
  LogHttpServer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Where a verifier gets log files from: "checkpoint", "tile/…".
using LogFetcher = std::function<absl::StatusOr<std::string>(const std::string& path)>;
LogFetcher HttpLogFetcher(const std::string& base_url);  // "http://127.0.0.1:1234"
LogFetcher DirectoryLogFetcher(const std::string& directory);

struct VerifiedLog {
  Checkpoint checkpoint;
  std::vector<std::string> leaves;
};
// Fetches the checkpoint and every bundle, checks the log's signature, recomputes the root from
// the leaves and compares every tile. SIGNATURE_INVALID or DATA_CORRUPT names what disagrees.
// `progress(done, total)` may be null.
absl::StatusOr<VerifiedLog> FetchAndVerifyLog(
    const LogFetcher& fetch, std::string_view origin, const PublicKey& key,
    const std::function<void(uint64_t, uint64_t)>& progress = nullptr);

}  // namespace comity

#endif  // COMITY_COMMON_LOG_LOG_HTTP_H_
