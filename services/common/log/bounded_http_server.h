#ifndef COMITY_COMMON_LOG_BOUNDED_HTTP_SERVER_H_
#define COMITY_COMMON_LOG_BOUNDED_HTTP_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace comity {

struct HttpAnswer {
  int status = 200;
  std::string cache_control = "no-store";
  std::string content_type;
  std::string body;
};

// Plain HTTP GET and HEAD for strangers: what any of them can tie up has a bound. Eight threads;
// when all are busy and 64 connections wait, accepting waits too. A request may be 16 KiB and has
// to be read and answered within 20 seconds, however its bytes trickle in. Other methods are 405,
// more than one range is 416. Thread-safe. Cuts all connections and stops when destroyed.
class BoundedHttpServer final {
 public:
  // Gives what stands under a path ("/…", percent-decoded). Called on several threads.
  using Handler = std::function<HttpAnswer(const std::string& path)>;
  // Port 0 picks one. STATE_NOT_READY when the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<BoundedHttpServer>> Start(const std::string& host, int port,
                                                                  Handler handler);
  ~BoundedHttpServer();
  int port() const;

 private:
  BoundedHttpServer();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace comity

#endif  // COMITY_COMMON_LOG_BOUNDED_HTTP_SERVER_H_
