#include "services/common/log/bounded_http_server.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <deque>
#include <functional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <httplib.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

#include "services/common/status/reason.h"

namespace comity {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr size_t kWorkers = 8;
constexpr size_t kMaxWaitingConnections = 64;
constexpr int kBacklog = 64;
constexpr size_t kMaxRequestBytes = 16 << 10;
constexpr size_t kRequestsPerConnection = 1000;
constexpr std::chrono::seconds kKeepAlive(5);
constexpr std::chrono::seconds kRequestTime(20);

// Waits until `events` happen to `socket`, or not later than `deadline`.
bool WaitFor(socket_t socket, short events, SteadyClock::time_point deadline) {
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    pollfd waiting{socket, events, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left, 0)));
    if (ready > 0) {
      return true;
    }
    if (ready == 0 || errno != EINTR) {
      return false;
    }
  }
}

// A connection for the time of one request. The library's own stream has a deadline for each byte
// only, and no bound on the length of a line or the number of headers.
class RequestStream final : public httplib::Stream {
 public:
  RequestStream(socket_t socket, SteadyClock::time_point deadline)
      : socket_(socket), deadline_(deadline) {}

  bool is_readable() const override { return WaitFor(socket_, POLLIN, deadline_); }
  bool is_writable() const override { return WaitFor(socket_, POLLOUT, deadline_); }

  ssize_t read(char* bytes, size_t size) override {
    const size_t wanted = std::min(size, bytes_left_);
    if (wanted == 0 || !is_readable()) {
      return -1;
    }
    const ssize_t got = recv(socket_, bytes, wanted, 0);
    bytes_left_ -= got > 0 ? static_cast<size_t>(got) : 0;
    return got;
  }

  // All of it: the library takes a short write of headers for a whole one. Never blocks past the
  // deadline, also when the peer takes nothing.
  ssize_t write(const char* bytes, size_t size) override {
    for (size_t done = 0; done < size;) {
      if (!is_writable()) {
        return -1;
      }
      const ssize_t sent = send(socket_, bytes + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        return -1;
      }
      done += sent > 0 ? static_cast<size_t>(sent) : 0;
    }
    return static_cast<ssize_t>(size);
  }

  // Who asks for a public file is nobody's business.
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return socket_; }

 private:
  const socket_t socket_;
  const SteadyClock::time_point deadline_;
  size_t bytes_left_ = kMaxRequestBytes;
};

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

// The library's server, with connections that can be cut.
class Server final : public httplib::Server {
 public:
  // Cuts every connection, also in the middle of a request, and takes no more.
  void CloseConnections() {
    absl::MutexLock lock(&mutex_);
    closing_ = true;
    for (const socket_t socket : open_) {
      shutdown(socket, SHUT_RDWR);
    }
  }

 private:
  bool process_and_close_socket(socket_t socket) override {
    bool answered = false;
    if (Register(socket)) {
      for (size_t left = kRequestsPerConnection; left > 0; --left) {
        if (!WaitFor(socket, POLLIN, SteadyClock::now() + kKeepAlive)) {
          break;
        }
        RequestStream stream(socket, SteadyClock::now() + kRequestTime);
        bool last = false;
        answered = process_request(stream, left == 1, last, nullptr);
        if (!answered || last) {
          break;
        }
      }
    }
    Close(socket);
    return answered;
  }

  bool Register(socket_t socket) {
    absl::MutexLock lock(&mutex_);
    if (!closing_) {
      open_.insert(socket);
    }
    return !closing_;
  }

  void Close(socket_t socket) {
    // Under the lock, so that CloseConnections never meets a number that means another one by then.
    absl::MutexLock lock(&mutex_);
    open_.erase(socket);
    shutdown(socket, SHUT_RDWR);
    close(socket);
  }

  absl::Mutex mutex_;
  std::set<socket_t> open_ ABSL_GUARDED_BY(mutex_);
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
};

void Answer(const BoundedHttpServer::Handler& handler, const httplib::Request& request,
            httplib::Response& response) {
  HttpAnswer answer;
  if (request.method != "GET" && request.method != "HEAD") {
    response.set_header("Allow", "GET, HEAD");
    answer.status = 405;
  } else if (request.ranges.size() > 1) {
    // Several ranges would make one small request produce many times the file's size.
    answer.status = 416;
  } else {
    answer = handler(request.path);
  }
  response.set_header("Cache-Control", answer.cache_control);
  response.set_header("X-Content-Type-Options", "nosniff");
  if (answer.status != 200) {
    response.status = answer.status;
    return;
  }
  // The status stays the library's to set: 200, or 206 for the one range that it cuts out.
  response.set_content(answer.body, answer.content_type);
}

}  // namespace

struct BoundedHttpServer::Impl {
  Server server;
  absl::Notification accepting;
  std::thread thread;
  socket_t listening = INVALID_SOCKET;
  int port = 0;
};

BoundedHttpServer::BoundedHttpServer() : impl_(std::make_unique<Impl>()) {}

BoundedHttpServer::~BoundedHttpServer() {
  if (impl_->thread.joinable()) {
    impl_->server.stop();
    impl_->server.CloseConnections();
    impl_->thread.join();
  }
}

int BoundedHttpServer::port() const { return impl_->port; }

absl::StatusOr<std::unique_ptr<BoundedHttpServer>> BoundedHttpServer::Start(const std::string& host,
                                                                            int port,
                                                                            Handler handler) {
  std::unique_ptr<BoundedHttpServer> started(new BoundedHttpServer());
  Impl* const impl = started->impl_.get();
  Server& server = impl->server;
  // The library's own option would let another process listen on the same port beside us.
  server.set_socket_options([impl](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    impl->listening = socket;
  });
  server.set_tcp_nodelay(true);
  server.set_payload_max_length(0);
  // Before routing: no path of a stranger meets a regular expression or the file system.
  server.set_pre_routing_handler(
      [handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
        Answer(handler, request, response);
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
                  "cannot listen on " + host + ":" + std::to_string(port) + " for HTTP");
  }
  // The library asks the kernel to hold five connections: a few clients at once would wait seconds.
  listen(impl->listening, kBacklog);
  impl->thread = std::thread([impl] { impl->server.listen_after_bind(); });
  impl->accepting.WaitForNotification();
  return started;
}

}  // namespace comity
