#ifndef COMITY_TESTS_TESTING_TSAN_BEHIND_H_
#define COMITY_TESTS_TESTING_TSAN_BEHIND_H_

#include <string>
#include <string_view>

#include <dlfcn.h>

#include "absl/base/options.h"

#include "services/common/status/check.h"

// Debian's Abseil and gRPC are not compiled under the thread sanitizer. It does not see what their
// mutexes and queues order, and would take every use of one for a race. But a program's own
// definition of a symbol comes before that of a shared library, in other shared libraries too. So
// the functions in this folder stand before those of Abseil and gRPC, tell the sanitizer what is
// ordered, and go on to the library's own. They are linked into every program of a build under the
// thread sanitizer, and into no other.
namespace comity {

// The library's own definition of a symbol that the program defines.
template <typename Result, typename... Arguments>
Result (*Behind(const std::string& symbol))(Arguments...) {
  void* const found = dlsym(RTLD_NEXT, symbol.c_str());
  COMITY_CHECK(found != nullptr);
  return reinterpret_cast<Result (*)(Arguments...)>(found);
}

#define COMITY_TEXT_OF(name) #name
#define COMITY_TEXT(name) COMITY_TEXT_OF(name)

// "absl" as the Itanium C++ ABI mangles it, with the inline namespace behind it.
inline std::string MangledAbsl() {
  constexpr std::string_view kInside = COMITY_TEXT(ABSL_OPTION_INLINE_NAMESPACE_NAME);
  return "4absl" + std::to_string(kInside.size()) + std::string(kInside);
}

#undef COMITY_TEXT
#undef COMITY_TEXT_OF

}  // namespace comity

#endif  // COMITY_TESTS_TESTING_TSAN_BEHIND_H_
