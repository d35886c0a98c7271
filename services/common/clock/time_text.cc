#include <chrono>
#include <optional>
#include <string_view>

#include "services/common/clock/clock.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr std::string_view kDayPattern = "dddd-dd-dd";
constexpr std::string_view kTimePattern = "dddd-dd-ddTdd:dd:ddZ";

bool Matches(std::string_view text, std::string_view pattern) {
  if (text.size() != pattern.size()) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (pattern[i] == 'd' ? !digit : text[i] != pattern[i]) {
      return false;
    }
  }
  return true;
}

int Number(std::string_view digits) {
  int number = 0;
  for (const char c : digits) {
    number = number * 10 + (c - '0');
  }
  return number;
}

std::optional<UnixMillis> Parse(std::string_view text) {
  const bool with_time = Matches(text, kTimePattern);
  if (!with_time && !Matches(text, kDayPattern)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date(
      std::chrono::year(Number(text.substr(0, 4))),
      std::chrono::month(static_cast<unsigned>(Number(text.substr(5, 2)))),
      std::chrono::day(static_cast<unsigned>(Number(text.substr(8, 2)))));
  if (!date.ok() || date.year() < std::chrono::year(1970)) {
    return std::nullopt;
  }
  UnixMillis ms = int64_t{std::chrono::sys_days(date).time_since_epoch().count()} * kDayMs;
  if (with_time) {
    const int hour = Number(text.substr(11, 2));
    const int minute = Number(text.substr(14, 2));
    const int second = Number(text.substr(17, 2));
    if (hour > 23 || minute > 59 || second > 59) {  // Unix time knows no leap second
      return std::nullopt;
    }
    ms += hour * kHourMs + minute * kMinuteMs + second * kSecondMs;
  }
  return ms;
}

void AppendPadded(std::string& out, int64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  out.append(digits.size() < width ? width - digits.size() : 0, '0');
  out.append(digits);
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

absl::StatusOr<UnixMillis> ParseTime(const std::string& text) {
  const std::optional<UnixMillis> ms = Parse(text);
  if (!ms.has_value()) {
    return Refuse(Reason::kFieldInvalid,
                  "a time is written as 2018-02-28 or 2018-02-28T12:00:00Z, from 1970 to 9999");
  }
  return *ms;
}

std::string FormatDay(UnixMillis ms) {
  const std::chrono::year_month_day date(
      std::chrono::sys_days(std::chrono::days(FloorDiv(ms, kDayMs))));
  std::string text;
  AppendPadded(text, static_cast<int>(date.year()), 4);
  text.push_back('-');
  AppendPadded(text, static_cast<unsigned>(date.month()), 2);
  text.push_back('-');
  AppendPadded(text, static_cast<unsigned>(date.day()), 2);
  return text;
}

std::string FormatTime(UnixMillis ms) {
  const int64_t second = FloorDiv(ms, kSecondMs) - FloorDiv(ms, kDayMs) * (kDayMs / kSecondMs);
  std::string text = FormatDay(ms);
  text.push_back('T');
  AppendPadded(text, second / 3600, 2);
  text.push_back(':');
  AppendPadded(text, second / 60 % 60, 2);
  text.push_back(':');
  AppendPadded(text, second % 60, 2);
  text.push_back('Z');
  return text;
}

}  // namespace comity
