#ifndef COMITY_COMMON_CLOCK_CLOCK_H_
#define COMITY_COMMON_CLOCK_CLOCK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace comity {

using UnixMillis = int64_t;  // since 1970-01-01 UTC

inline constexpr int64_t kSecondMs = 1000;
inline constexpr int64_t kMinuteMs = 60 * kSecondMs;
inline constexpr int64_t kHourMs = 60 * kMinuteMs;
inline constexpr int64_t kDayMs = 24 * kHourMs;

// Where everything reads its time from. Implementations are thread-safe and never go backwards.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixMillis Now() const = 0;
};

class SystemClock final : public Clock {
 public:
  UnixMillis Now() const override;
};

// The test clock of a development deployment: one file that all its processes read, holding one
// line "<start unix ms> <offset ms> <real unix ms when written>\n", replaced atomically. Time is
// start + offset + (real now - written); it runs on with real time and is re-read when the file
// changes (checked at most every 50 ms). A file that would make time go back is ignored.
class FileClock final : public Clock {
 public:
  static absl::StatusOr<std::unique_ptr<FileClock>> Open(const std::string& path);
  ~FileClock() override;
  UnixMillis Now() const override;

  // Writes the file anew so that the time from now on is `start`.
  static absl::Status Create(const std::string& path, UnixMillis start);
  // Moves the clock forward by `delta_ms` >= 0.
  static absl::Status Advance(const std::string& path, int64_t delta_ms);

 private:
  FileClock();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// "2018-02-28" or "2018-02-28T12:00:00Z" <-> milliseconds. FIELD_INVALID otherwise.
absl::StatusOr<UnixMillis> ParseTime(const std::string& text);
std::string FormatTime(UnixMillis ms);  // RFC 3339, seconds, UTC
std::string FormatDay(UnixMillis ms);   // "2018-02-28"

}  // namespace comity

#endif  // COMITY_COMMON_CLOCK_CLOCK_H_
