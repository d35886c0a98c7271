#include "services/common/server/metrics.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include "services/common/log/bounded_http_server.h"
#include "services/common/secret/arena.h"
#include "services/common/status/check.h"
#include "services/common/status/macros.h"

namespace comity {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr char kPath[] = "/metrics";
constexpr char kContentType[] = "text/plain; version=0.0.4; charset=utf-8";

std::vector<ClientMetric::Label> ToLabels(const Metrics::Labels& labels) {
  std::vector<ClientMetric::Label> out;
  for (const auto& [name, value] : labels) out.push_back({name, value});
  return out;
}

ClientMetric::Histogram ToHistogram(const LatencyHistogram& histogram) {
  constexpr double kMicro = 1e6;
  const LatencyHistogram::Totals totals = histogram.Sum();
  ClientMetric::Histogram out;
  out.sample_count = totals.count;
  out.sample_sum = totals.seconds;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < LatencyHistogram::kBounds.size(); ++i) {
    cumulative += totals.counts.at(i);
    out.bucket.push_back(
        {cumulative, static_cast<double>(LatencyHistogram::kBounds.at(i)) / kMicro});
  }
  return out;
}

double ResidentBytes() {
  std::ifstream in("/proc/self/statm");
  double total = 0;
  double resident = 0;
  in >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double OpenFiles() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", error), end;
       !error && entry != end; entry.increment(error)) {
    ++count;
  }
  return count;
}

class HttpMetricsServer final : public MetricsServer {
 public:
  explicit HttpMetricsServer(std::unique_ptr<BoundedHttpServer> server)
      : server_(std::move(server)) {}
  int port() const override { return server_->port(); }

 private:
  std::unique_ptr<BoundedHttpServer> server_;
};

}  // namespace

struct Metrics::Impl {
  struct Series {
    Labels labels;
    Read read;                                    // of gauges and counters
    const LatencyHistogram* histogram = nullptr;  // of histograms
  };
  struct Family {
    std::string help;
    MetricType type = MetricType::Untyped;
    std::vector<Series> series;
  };

  void Add(const std::string& name, const std::string& help, MetricType type, Series series) {
    Family& family = families.try_emplace(name, Family{help, type, {}}).first->second;
    COMITY_CHECK(family.type == type && family.help == help);
    family.series.push_back(std::move(series));
  }

  std::map<std::string, Family> families;  // in order of name
  const CallStats* calls = nullptr;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::AddGauge(const std::string& name, const std::string& help, Read read, Labels labels) {
  impl_->Add(name, help, MetricType::Gauge, {std::move(labels), std::move(read)});
}

void Metrics::AddCounter(const std::string& name, const std::string& help, Read read,
                         Labels labels) {
  impl_->Add(name, help, MetricType::Counter, {std::move(labels), std::move(read)});
}

void Metrics::AddHistogram(const std::string& name, const std::string& help,
                           const LatencyHistogram* histogram, Labels labels) {
  impl_->Add(name, help, MetricType::Histogram, {std::move(labels), nullptr, histogram});
}

void Metrics::AddCalls(const CallStats* stats) {
  impl_->calls = stats;
  for (const auto& method : stats->methods()) {
    const Labels labels = {{"method", method->name()}};
    const MethodStats* counted = method.get();
    AddHistogram("comity_call_seconds", "How long calls took, refused ones included.",
                 &counted->latency(), labels);
    AddGauge(
        "comity_calls_running", "Calls that are being served.",
        [counted] { return static_cast<double>(counted->running()); }, labels);
  }
  AddGauge("comity_streams_open", "Streams that are being served: uploads, downloads, copies.",
           [stats] {
             uint64_t open = 0;
             for (const auto& method : stats->methods()) {
               if (method->streams()) open += method->running();
             }
             return static_cast<double>(open);
           });
}

void Metrics::AddProcess() {
  const auto started = static_cast<double>(std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count());
  AddGauge("process_start_time_seconds", "Start of the process, real time, Unix seconds.",
           [started] { return started; });
  AddGauge("process_resident_memory_bytes", "Memory in use.", ResidentBytes);
  AddGauge("process_open_fds", "Open files and connections.", OpenFiles);
  AddGauge("comity_secret_memory_bytes", "Locked memory that holds secrets.",
           [] { return static_cast<double>(SecretArena::Get().stats().bytes_in_use); });
  AddGauge("comity_secret_memory_locked", "1 if memory for secrets cannot be swapped, else 0.",
           [] { return SecretArena::Get().stats().all_locked ? 1.0 : 0.0; });
}

std::string Metrics::Text() const {
  std::vector<MetricFamily> families;
  if (impl_->calls != nullptr) {
    MetricFamily calls;
    calls.name = "comity_calls_total";
    calls.help = "Calls that have ended, by method and by the reason they were refused for.";
    calls.type = MetricType::Counter;
    for (const auto& method : impl_->calls->methods()) {
      for (size_t number = 0; number < MethodStats::kReasons; ++number) {
        const auto reason = static_cast<Reason>(number);
        const uint64_t count = method->Count(reason);
        // Successes always, so that a rate can be formed from the first scrape on.
        if (count == 0 && reason != Reason::kUnspecified) continue;
        ClientMetric metric;
        metric.label = {
            {"method", method->name()},
            {"reason", reason == Reason::kUnspecified ? "OK" : std::string(Describe(reason).name)}};
        metric.counter.value = static_cast<double>(count);
        calls.metric.push_back(std::move(metric));
      }
    }
    families.push_back(std::move(calls));
  }
  for (const auto& [name, family] : impl_->families) {
    MetricFamily out;
    out.name = name;
    out.help = family.help;
    out.type = family.type;
    for (const Impl::Series& series : family.series) {
      ClientMetric metric;
      metric.label = ToLabels(series.labels);
      if (series.histogram != nullptr) {
        metric.histogram = ToHistogram(*series.histogram);
      } else if (family.type == MetricType::Counter) {
        metric.counter.value = series.read();
      } else {
        metric.gauge.value = series.read();
      }
      out.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(out));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const Metrics* metrics,
                                                                    int port) {
  ASSIGN_OR_RETURN(std::unique_ptr<BoundedHttpServer> server,
                   BoundedHttpServer::Start("127.0.0.1", port, [metrics](const std::string& path) {
                     HttpAnswer answer;
                     if (path != kPath) {
                       answer.status = 404;
                       return answer;
                     }
                     answer.content_type = kContentType;
                     answer.body = metrics->Text();
                     return answer;
                   }));
  return std::make_unique<HttpMetricsServer>(std::move(server));
}

}  // namespace comity
