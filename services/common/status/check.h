#ifndef COMITY_COMMON_STATUS_CHECK_H_
#define COMITY_COMMON_STATUS_CHECK_H_

#include <cstdio>
#include <cstdlib>

// Ends the process when `condition` is false. For broken invariants of the program only, never for
// input: input is refused with Refuse() (reason.h). The message holds no values.
#define COMITY_CHECK(condition)                                                          \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

#endif  // COMITY_COMMON_STATUS_CHECK_H_
