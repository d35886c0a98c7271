#ifndef COMITY_COMMON_CHECK_REPORT_H_
#define COMITY_COMMON_CHECK_REPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json_fwd.hpp>

namespace comity {

// What a look at a store found, told as it is found: one JSON object for each line (docs/check.md).
// Not thread-safe.
class CheckReport final {
 public:
  using Sink = std::function<void(const nlohmann::json& line)>;
  explicit CheckReport(Sink sink) : sink_(std::move(sink)) {}
  CheckReport(const CheckReport&) = delete;
  CheckReport& operator=(const CheckReport&) = delete;

  // Something that must never be so. `rule` is one of docs/check.md, `where` says which account,
  // object or case, `what` is a sentence without a full stop.
  void Violation(std::string_view rule, std::string_view where, std::string_view what);
  // Something that a crash may leave and that goes away by itself, or that is under way.
  void Note(std::string_view rule, std::string_view where, std::string_view what);
  // What this service believes, for comparison with others. `fields` is an object.
  void Fact(std::string_view kind, nlohmann::json fields);

  uint64_t violations() const { return violations_; }
  uint64_t notes() const { return notes_; }

 private:
  const Sink sink_;
  uint64_t violations_ = 0;
  uint64_t notes_ = 0;
};

}  // namespace comity

#endif  // COMITY_COMMON_CHECK_REPORT_H_
