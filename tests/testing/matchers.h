#ifndef COMITY_TESTS_TESTING_MATCHERS_H_
#define COMITY_TESTS_TESTING_MATCHERS_H_

#include <string>
#include <type_traits>
#include <utility>

#include <gmock/gmock.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/status/reason.h"

// Matchers over absl::Status and absl::StatusOr<T>.
namespace comity {

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// What a failed expectation prints: the whole error, its cause included.
std::string DescribeStatus(const absl::Status& status);

MATCHER(IsOk, std::string(negation ? "is an error" : "is OK")) {
  *result_listener << DescribeStatus(StatusOf(arg));
  return StatusOf(arg).ok();
}

MATCHER_P(StatusIs, code,
          std::string(negation ? "has not" : "has") + " the status code " +
              absl::StatusCodeToString(code)) {
  *result_listener << DescribeStatus(StatusOf(arg));
  return StatusOf(arg).code() == code;
}

// Was refused with this reason, and so with this reason's code.
MATCHER_P(RefusedWith, reason,
          std::string(negation ? "was not" : "was") + " refused with " +
              std::string(Describe(reason).name)) {
  *result_listener << DescribeStatus(StatusOf(arg));
  return ReasonOf(StatusOf(arg)) == reason && StatusOf(arg).code() == Describe(reason).code;
}

// Is an OK absl::StatusOr whose value matches `inner`.
MATCHER_P(IsOkAndHolds, inner,
          "is OK and holds a value that " +
              ::testing::DescribeMatcher<typename std::decay_t<arg_type>::value_type>(inner,
                                                                                      negation)) {
  if (!arg.ok()) {
    *result_listener << DescribeStatus(arg.status());
    return false;
  }
  return ::testing::ExplainMatchResult(inner, *arg, result_listener);
}

}  // namespace comity

#define COMITY_TEST_CONCAT_INNER_(a, b) a##b
#define COMITY_TEST_CONCAT_(a, b) COMITY_TEST_CONCAT_INNER_(a, b)

// ASSERT_OK_AND_ASSIGN(auto x, F()): assigns the value of an absl::StatusOr, or fails the test.
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL_(COMITY_TEST_CONCAT_(comity_test_result_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_IMPL_(var, lhs, expr) \
  auto var = (expr);                               \
  ASSERT_THAT(var.status(), ::comity::IsOk());     \
  lhs = std::move(var).value()

#endif  // COMITY_TESTS_TESTING_MATCHERS_H_
