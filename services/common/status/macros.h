#ifndef COMITY_COMMON_STATUS_MACROS_H_
#define COMITY_COMMON_STATUS_MACROS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function when `expr` (absl::Status) is not OK.
#define RETURN_IF_ERROR(expr)                                         \
  do {                                                                \
    if (absl::Status comity_status_ = (expr); !comity_status_.ok()) { \
      return comity_status_;                                          \
    }                                                                 \
  } while (false)

#define COMITY_CONCAT_INNER_(a, b) a##b
#define COMITY_CONCAT_(a, b) COMITY_CONCAT_INNER_(a, b)

// ASSIGN_OR_RETURN(auto x, F()): declares or assigns from an absl::StatusOr, or returns its status.
#define ASSIGN_OR_RETURN(lhs, expr) \
  ASSIGN_OR_RETURN_IMPL_(COMITY_CONCAT_(comity_status_or_, __LINE__), lhs, expr)
#define ASSIGN_OR_RETURN_IMPL_(var, lhs, expr) \
  auto var = (expr);                           \
  if (!var.ok()) {                             \
    return std::move(var).status();            \
  }                                            \
  lhs = std::move(var).value()

#endif  // COMITY_COMMON_STATUS_MACROS_H_
