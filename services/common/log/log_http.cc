#include "services/common/log/log_http.h"

#include <utility>

#include "services/common/log/bounded_http_server.h"
#include "services/common/log/tiles.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kMaxPathBytes = 128;
constexpr char kImmutable[] = "public, max-age=31536000, immutable";

HttpAnswer Refused(int status) { return {.status = status}; }

HttpAnswer Answer(const TransparencyLog& log, const std::string& path) {
  if (path.empty() || path.front() != '/' || path.size() > kMaxPathBytes) {
    return Refused(404);
  }
  const std::string name = path.substr(1);
  absl::StatusOr<std::string> file = log.ReadFile(name);
  if (ReasonOf(file.status()) == Reason::kObjectNotFound) {
    return Refused(404);
  }
  if (ReasonOf(file.status()) == Reason::kStoreUnavailable) {
    return Refused(503);
  }
  if (!file.ok()) {
    return Refused(500);
  }
  HttpAnswer answer;
  answer.body = *std::move(file);
  if (name == kCheckpointPath) {
    answer.content_type = "text/plain; charset=utf-8";
  } else {
    answer.content_type = "application/octet-stream";
    answer.cache_control = kImmutable;
  }
  return answer;
}

}  // namespace

struct LogHttpServer::Impl {
  std::unique_ptr<BoundedHttpServer> server;
};

LogHttpServer::LogHttpServer() : impl_(std::make_unique<Impl>()) {}
LogHttpServer::~LogHttpServer() = default;
int LogHttpServer::port() const { return impl_->server->port(); }

absl::StatusOr<std::unique_ptr<LogHttpServer>> LogHttpServer::Start(const TransparencyLog* log,
                                                                    const std::string& host,
                                                                    int port) {
  std::unique_ptr<LogHttpServer> started(new LogHttpServer());
  ASSIGN_OR_RETURN(started->impl_->server,
                   BoundedHttpServer::Start(
                       host, port, [log](const std::string& p) { return Answer(*log, p); }));
  return started;
}

}  // namespace comity
