#include "services/common/status/end_process.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

#if defined(__SANITIZE_ADDRESS__)
#define COMITY_FINDS_LEAKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COMITY_FINDS_LEAKS
#endif
#endif

#ifdef COMITY_FINDS_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

namespace comity {

void EndProcess(int exit_code) {
  std::cout.flush();
  std::cerr.flush();
  std::clog.flush();
  std::fflush(nullptr);
#ifdef COMITY_FINDS_LEAKS
  __lsan_do_leak_check();  // else done by exit()
#endif
  std::_Exit(exit_code);
}

}  // namespace comity
