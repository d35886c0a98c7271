#include "services/common/server/service_log.h"

#include <algorithm>
#include <array>
#include <chrono>

#include <nlohmann/json.hpp>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "services/common/clock/clock.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr size_t kShortestId = 26;  // 16 bytes in base32
constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

bool IsBase32(char c) { return (c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'); }

// Values are bare when that is unambiguous, and otherwise JSON strings.
bool NeedsQuotes(std::string_view value) {
  return value.empty() || std::ranges::any_of(value, [](char c) {
           return static_cast<uint8_t>(c) <= 0x20 || static_cast<uint8_t>(c) >= 0x7f || c == '"' ||
                  c == '=' || c == '\\';
         });
}

std::string ToJson(std::string_view value) {
  return nlohmann::json(std::string(value))
      .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// Real time: the log is for operators, who compare it with other logs of their machines.
std::string RealTimeText() {
  const auto now =
      std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
  const UnixMillis ms = now.time_since_epoch().count();
  std::string text = FormatTime(ms);
  std::string fraction = std::to_string(1000 + ms % 1000);
  fraction.front() = '.';
  return text.insert(text.size() - 1, fraction);  // before the Z
}

}  // namespace

absl::StatusOr<LogLevel> ParseLogLevel(std::string_view text) {
  for (size_t i = 0; i < kLevelNames.size(); ++i) {
    if (text == kLevelNames.at(i)) {
      return static_cast<LogLevel>(i);
    }
  }
  if (text == "off") {
    return LogLevel::kOff;
  }
  return Refuse(Reason::kFieldInvalid, "a log level is debug, info, warn, error or off");
}

absl::StatusOr<LogFormat> ParseLogFormat(std::string_view text) {
  if (text == "text") {
    return LogFormat::kText;
  }
  if (text == "json") {
    return LogFormat::kJson;
  }
  return Refuse(Reason::kFieldInvalid, "a log format is text or json");
}

std::string HideIds(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto run = static_cast<size_t>(std::ranges::find_if_not(text, IsBase32) - text.begin());
    if (run >= kShortestId) {
      out.append("<id>");
    } else {
      out.append(text.substr(0, run));
    }
    text.remove_prefix(run);
    const auto rest = static_cast<size_t>(std::ranges::find_if(text, IsBase32) - text.begin());
    out.append(text.substr(0, rest));
    text.remove_prefix(rest);
  }
  return out;
}

std::string FormatLogLine(LogFormat format, std::string_view time, std::string_view level,
                          std::string_view event, ServiceLog::Fields fields) {
  std::string line;
  if (format == LogFormat::kText) {
    line.append(time).append(" ").append(level).append(" ").append(event);
    for (const auto& [key, value] : fields) {
      line.append(" ").append(key).append("=");
      line.append(NeedsQuotes(value) ? ToJson(value) : std::string(value));
    }
    return line;
  }
  line.append("{\"time\":").append(ToJson(time));
  line.append(",\"level\":").append(ToJson(level));
  line.append(",\"event\":").append(ToJson(event));
  for (const auto& [key, value] : fields) {
    line.append(",").append(ToJson(key)).append(":").append(ToJson(value));
  }
  return line.append("}");
}

struct ServiceLog::Impl {
  explicit Impl(LogFormat f)
      : format(f), logger("comity", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger.set_pattern("%v");
  }
  const LogFormat format;
  spdlog::logger logger;
};

ServiceLog::ServiceLog(LogLevel level, LogFormat format)
    : level_(level), impl_(std::make_unique<Impl>(format)) {}
ServiceLog::~ServiceLog() = default;

void ServiceLog::Write(LogLevel level, std::string_view event, Fields fields) {
  if (!enabled(level)) {
    return;
  }
  const std::string_view name = kLevelNames.at(static_cast<size_t>(level));
  const std::string line = FormatLogLine(impl_->format, RealTimeText(), name, event, fields);
  impl_->logger.log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

void ServiceLog::Error(std::string_view event, const absl::Status& status) {
  Error(event, {{"reason", Describe(ReasonOf(status)).name}, {"cause", HideIds(CauseOf(status))}});
}

void ServiceLog::Flush() { impl_->logger.flush(); }

}  // namespace comity
