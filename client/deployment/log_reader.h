#ifndef COMITY_CLIENT_DEPLOYMENT_LOG_READER_H_
#define COMITY_CLIENT_DEPLOYMENT_LOG_READER_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace comity {

// One line that a service wrote to its operational log.
struct LogLine {
  std::string region;
  std::string service;  // "custody"
  std::string time;     // RFC 3339 with milliseconds, UTC, real time; empty before the first
  std::string level;    // "info"; empty for a line that is not of the service's own making
  std::string event;
  std::vector<std::pair<std::string, std::string>> fields;  // in their order
  std::string text;                                         // the line as it stands
};

// Reads a line of either form that services write (`key=value` or JSON). Anything else, such as
// what a library wrote, is an event without a level, at `time`.
LogLine ParseLogLine(std::string_view text, const std::string& time);

// Follows the log files of a deployment on this machine. Not thread-safe.
class LogReader final {
 public:
  struct Source {
    std::string region;
    std::string service;
    std::string file;  // may not exist yet
  };
  explicit LogReader(std::vector<Source> sources);

  // What was written since the last call, whole lines only, in order of time; lines of one file
  // keep their order. A file that has become shorter is read anew.
  std::vector<LogLine> Poll();

 private:
  struct State {
    Source source;
    uint64_t offset = 0;
    std::string rest;       // of an unfinished line
    std::string last_time;  // for lines that have none
  };
  std::vector<State> states_;
};

// "debug" < "info" < "warn" < "error"; a line without a level counts as "warn": somebody should see
// it. False for a `least` that is none of them.
bool IsAtLeast(const LogLine& line, std::string_view least);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_LOG_READER_H_
