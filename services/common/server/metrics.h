#ifndef COMITY_COMMON_SERVER_METRICS_H_
#define COMITY_COMMON_SERVER_METRICS_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/server/call_stats.h"
#include "services/common/server/latency_histogram.h"

namespace comity {

// What a service counts, in the text format of Prometheus (docs/operations.md lists all of it).
// Nothing is computed before somebody asks. Labels are closed sets: never an account, a person, an
// object or a case. Thread-safe once everything is added, which is before the server starts.
class Metrics final {
 public:
  using Labels = std::map<std::string, std::string>;
  using Read = std::function<double()>;  // any thread

  Metrics();
  ~Metrics();

  // What can go down, and what cannot (a name ending in _total). Entries of one name share its help
  // and differ in their labels.
  void AddGauge(const std::string& name, const std::string& help, Read read, Labels labels = {});
  void AddCounter(const std::string& name, const std::string& help, Read read, Labels labels = {});
  // In seconds; `histogram` outlives the metrics.
  void AddHistogram(const std::string& name, const std::string& help,
                    const LatencyHistogram* histogram, Labels labels = {});
  // comity_calls_total, comity_call_seconds, comity_calls_running, comity_streams_open; `stats`
  // outlives the metrics.
  void AddCalls(const CallStats* stats);
  // Memory, open files, start: process_* as other programs name them.
  void AddProcess();

  std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Serves `metrics` as http://127.0.0.1:<port>/metrics, to this machine alone.
class MetricsServer {
 public:
  virtual ~MetricsServer() = default;  // stops
  virtual int port() const = 0;
  // `metrics` outlives it; port 0 picks one. STATE_NOT_READY when it cannot be listened on.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const Metrics* metrics, int port);
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_METRICS_H_
