#ifndef COMITY_COMMON_SERVER_SERVICE_LOG_H_
#define COMITY_COMMON_SERVER_SERVICE_LOG_H_

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace comity {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };
enum class LogFormat : uint8_t { kText, kJson };
absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text);    // FIELD_INVALID
absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text);  // FIELD_INVALID

// The operational log of a service: one line per event on standard error, as `key=value` or as one
// JSON object. Never account names, messages of callers or secrets: callers of this class see to
// it. Thread-safe.
class ServiceLog final {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  ServiceLog(LogLevel level, LogFormat format);
  ~ServiceLog();

  bool enabled(LogLevel level) const { return level >= level_ && level_ != LogLevel::kOff; }
  void Write(LogLevel level, std::string_view event, Fields fields);
  void Info(std::string_view event, Fields fields = {}) { Write(LogLevel::kInfo, event, fields); }
  void Warn(std::string_view event, Fields fields = {}) { Write(LogLevel::kWarn, event, fields); }
  void Error(std::string_view event, Fields fields = {}) { Write(LogLevel::kError, event, fields); }
  // A refusal with its cause, for the operator.
  void Error(std::string_view event, const absl::Status& status);
  void Flush();

 private:
  struct Impl;
  LogLevel level_;
  std::unique_ptr<Impl> impl_;
};

// `text` with every run of base32 that is long enough to be an id put as "<id>": causes speak of
// partitions and objects by name, and the log must not.
std::string HideIds(std::string_view text);

// The line that Write() writes, without its end.
std::string FormatLogLine(LogFormat format, std::string_view time, std::string_view level,
                          std::string_view event, ServiceLog::Fields fields);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_SERVICE_LOG_H_
