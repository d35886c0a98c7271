#include "services/common/log/log_http.h"

#include <deque>
#include <functional>
#include <thread>
#include <utility>

#include <httplib.h>
#include <sys/socket.h>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

#include "services/common/log/tiles.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kWorkers = 8;
constexpr size_t kMaxWaitingConnections = 64;
constexpr size_t kMaxPathBytes = 128;
constexpr size_t kRequestsPerConnection = 1000;
constexpr time_t kKeepAliveSeconds = 2;  // also how long a stop may take
constexpr time_t kReadTimeoutSeconds = 5;
constexpr time_t kWriteTimeoutSeconds = 10;

constexpr char kNoStore[] = "no-store";
constexpr char kImmutable[] = "public, max-age=31536000, immutable";

// Threads for connections. When all are busy and enough wait, accepting waits too: what a stranger
// can tie up here has a bound.
class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool() {
    for (size_t i = 0; i < kWorkers; ++i) {
      threads_.emplace_back([this] { Work(); });
    }
  }

  void enqueue(std::function<void()> task) override {
    absl::MutexLock lock(&mutex_);
    mutex_.Await(absl::Condition(
        +[](BoundedPool* self) {
          self->mutex_.AssertReaderHeld();
          return self->tasks_.size() < kMaxWaitingConnections;
        },
        this));
    tasks_.push_back(std::move(task));
  }

  void shutdown() override {
    {
      absl::MutexLock lock(&mutex_);
      stopped_ = true;
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

 private:
  void Work() {
    while (true) {
      std::function<void()> task;
      {
        absl::MutexLock lock(&mutex_);
        mutex_.Await(absl::Condition(
            +[](BoundedPool* self) {
              self->mutex_.AssertReaderHeld();
              return !self->tasks_.empty() || self->stopped_;
            },
            this));
        // Accepted connections are still closed properly after a stop.
        if (tasks_.empty()) {
          return;
        }
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
    }
  }

  std::vector<std::thread> threads_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

int HttpStatusOf(const absl::Status& status) {
  switch (ReasonOf(status)) {
    case Reason::kObjectNotFound:
      return 404;
    case Reason::kStoreUnavailable:
      return 503;
    default:
      return 500;
  }
}

void Answer(const TransparencyLog& log, const httplib::Request& request,
            httplib::Response& response) {
  response.set_header("X-Content-Type-Options", "nosniff");
  const auto refuse = [&response](int status) {
    response.status = status;
    response.set_header("Cache-Control", kNoStore);
  };
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    return refuse(405);
  }
  // Several ranges would make one small request produce an answer many times the file's size.
  if (request.ranges.size() > 1) {
    return refuse(416);
  }
  if (request.path.size() > kMaxPathBytes || request.path.substr(0, 1) != "/") {
    return refuse(404);
  }
  const std::string path = request.path.substr(1);
  const absl::StatusOr<std::string> file = log.ReadFile(path);
  if (!file.ok()) {
    return refuse(HttpStatusOf(file.status()));
  }
  // The status stays the library's to set: 200, or 206 for the one range that it cuts out.
  if (path == kCheckpointPath) {
    response.set_header("Cache-Control", kNoStore);
    response.set_content(*file, "text/plain; charset=utf-8");
  } else {
    response.set_header("Cache-Control", kImmutable);
    response.set_content(*file, "application/octet-stream");
  }
}

}  // namespace

struct LogHttpServer::Impl {
  httplib::Server server;
  absl::Notification accepting;
  std::thread thread;
  int port = 0;
};

LogHttpServer::LogHttpServer() : impl_(std::make_unique<Impl>()) {}

LogHttpServer::~LogHttpServer() {
  if (impl_->thread.joinable()) {
    impl_->server.stop();
    impl_->thread.join();
  }
}

int LogHttpServer::port() const { return impl_->port; }

absl::StatusOr<std::unique_ptr<LogHttpServer>> LogHttpServer::Start(const TransparencyLog* log,
                                                                    const std::string& host,
                                                                    int port) {
  std::unique_ptr<LogHttpServer> started(new LogHttpServer());
  Impl* const impl = started->impl_.get();
  httplib::Server& server = impl->server;
  // The library's own option would let another process listen on the same port beside us.
  server.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server.set_tcp_nodelay(true);
  server.set_keep_alive_max_count(kRequestsPerConnection);
  server.set_keep_alive_timeout(kKeepAliveSeconds);
  server.set_read_timeout(kReadTimeoutSeconds);
  server.set_write_timeout(kWriteTimeoutSeconds);
  server.set_payload_max_length(0);
  // Before routing: no path of a stranger meets a regular expression or the file system.
  server.set_pre_routing_handler(
      [log](const httplib::Request& request, httplib::Response& response) {
        Answer(*log, request, response);
        return httplib::Server::HandlerResponse::Handled;
      });
  // The server asks for its threads when it is about to accept, and can be stopped from then on.
  server.new_task_queue = [impl] {
    impl->accepting.Notify();
    return new BoundedPool();
  };
  if (port == 0) {
    impl->port = server.bind_to_any_port(host);
  } else if (server.bind_to_port(host, port)) {
    impl->port = port;
  }
  if (impl->port <= 0) {
    return Refuse(Reason::kStateNotReady,
                  "cannot listen on " + host + ":" + std::to_string(port) + " for the log's files");
  }
  impl->thread = std::thread([impl] { impl->server.listen_after_bind(); });
  impl->accepting.WaitForNotification();
  return started;
}

}  // namespace comity
