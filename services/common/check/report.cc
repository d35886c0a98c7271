#include "services/common/check/report.h"

#include <nlohmann/json.hpp>

namespace comity {
namespace {

nlohmann::json Finding(std::string_view type, std::string_view rule, std::string_view where,
                       std::string_view what) {
  return {{"type", type}, {"rule", rule}, {"where", where}, {"what", what}};
}

}  // namespace

void CheckReport::Violation(std::string_view rule, std::string_view where, std::string_view what) {
  ++violations_;
  sink_(Finding("violation", rule, where, what));
}

void CheckReport::Note(std::string_view rule, std::string_view where, std::string_view what) {
  ++notes_;
  sink_(Finding("note", rule, where, what));
}

void CheckReport::Fact(std::string_view kind, nlohmann::json fields) {
  fields["type"] = "fact";
  fields["kind"] = kind;
  sink_(fields);
}

}  // namespace comity
