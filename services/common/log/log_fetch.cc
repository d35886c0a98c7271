#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <httplib.h>

#include "absl/synchronization/mutex.h"

#include "services/common/log/log_http.h"
#include "services/common/log/note_text.h"
#include "services/common/log/tiles.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr time_t kConnectTimeoutSeconds = 5;
constexpr time_t kReadTimeoutSeconds = 30;
constexpr uint64_t kMaxPort = 65'535;
// The largest legal file: an entry bundle of 256 leaves of the largest size.
constexpr size_t kMaxFileBytes = kTileWidth * (sizeof(uint16_t) + kMaxLeafBytes);

absl::Status NotFound(const std::string& path) { return Refuse(Reason::kObjectNotFound, path); }
absl::Status TooLarge(const std::string& path) {
  return Refuse(Reason::kDataCorrupt, path + " is larger than any file of a log");
}

bool IsLogPath(const std::string& path) {
  return path == kCheckpointPath || ParseTilePath(path).has_value();
}

struct BaseUrl {
  std::string host;
  int port = 80;
  std::string prefix;  // "" or "/something"
};

std::optional<BaseUrl> ParseBaseUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (url.substr(0, kScheme.size()) != kScheme) {
    return std::nullopt;
  }
  url.remove_prefix(kScheme.size());
  BaseUrl base;
  std::string_view authority = url.substr(0, url.find('/'));
  base.prefix = std::string(url.substr(authority.size()));
  while (!base.prefix.empty() && base.prefix.back() == '/') {
    base.prefix.pop_back();
  }
  if (const size_t colon = authority.rfind(':'); colon != std::string_view::npos) {
    const std::optional<uint64_t> port = ParseNoteDecimal(authority.substr(colon + 1));
    if (!port.has_value() || *port == 0 || *port > kMaxPort) {
      return std::nullopt;
    }
    base.port = static_cast<int>(*port);
    authority = authority.substr(0, colon);
  }
  base.host = std::string(authority);
  if (base.host.empty()) {
    return std::nullopt;
  }
  return base;
}

// One connection, kept alive over all files of a log.
class HttpSource final {
 public:
  explicit HttpSource(BaseUrl base)
      : prefix_(std::move(base.prefix)), client_(base.host, base.port) {
    client_.set_connection_timeout(kConnectTimeoutSeconds);
    client_.set_read_timeout(kReadTimeoutSeconds);
    client_.set_keep_alive(true);
  }

  absl::StatusOr<std::string> Fetch(const std::string& path) {
    absl::MutexLock lock(&mutex_);
    std::string body;
    bool too_large = false;
    const httplib::Result result =
        client_.Get(prefix_ + "/" + path, [&](const char* data, size_t size) {
          too_large = body.size() + size > kMaxFileBytes;
          if (!too_large) {
            body.append(data, size);
          }
          return !too_large;
        });
    if (too_large) {
      return TooLarge(path);
    }
    if (!result) {
      return Refuse(Reason::kPeerUnavailable,
                    "fetching " + path + ": " + httplib::to_string(result.error()));
    }
    if (result->status == 404) {
      return NotFound(path);
    }
    if (result->status != 200) {
      return Refuse(Reason::kPeerUnavailable,
                    "fetching " + path + ": HTTP status " + std::to_string(result->status));
    }
    return body;
  }

 private:
  const std::string prefix_;
  absl::Mutex mutex_;
  httplib::Client client_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

LogFetcher HttpLogFetcher(const std::string& base_url) {
  std::optional<BaseUrl> base = ParseBaseUrl(base_url);
  if (!base.has_value()) {
    return [base_url](const std::string&) -> absl::StatusOr<std::string> {
      return Refuse(Reason::kFieldInvalid, "not an http:// address of a log: " + base_url);
    };
  }
  auto source = std::make_shared<HttpSource>(*std::move(base));
  return [source](const std::string& path) -> absl::StatusOr<std::string> {
    if (!IsLogPath(path)) {
      return NotFound(path);
    }
    return source->Fetch(path);
  };
}

LogFetcher DirectoryLogFetcher(const std::string& directory) {
  return [directory](const std::string& path) -> absl::StatusOr<std::string> {
    // Only names of the format are looked up, so none can lead out of the directory.
    if (!IsLogPath(path)) {
      return NotFound(path);
    }
    const std::filesystem::path file = std::filesystem::path(directory) / path;
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(file, error);
    if (error) {
      return NotFound(path);
    }
    if (size > kMaxFileBytes) {
      return TooLarge(path);
    }
    std::ifstream in(file, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    if (!in) {
      return Refuse(Reason::kStoreUnavailable, "cannot read " + path);
    }
    return bytes;
  };
}

}  // namespace comity
